"""What earlier runs say of the time that a step takes, and the file that keeps it."""

import platform
import shutil
from typing import Any

import pytest

from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.pace import epoch_seconds, nearest, step_seconds, step_work
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, make_run_folder
from distill_tui.runs.log import LogWriter
from distill_tui.runs.paces import FILE_NAME, MOST_KEPT, keep_probe, read_paces

RESOLVED: dict[str, Any] = {
    "model.sample_rate": 16000,
    "model.stride": 4,
    "model.n_fft": 512,
    "model.hop_length": 128,
    "model.n_mels": 64,
    "model.codebook_size": 64,
    "model.channels": 384,
    "model.encoder_blocks": 4,
    "model.decoder_blocks": 6,
    "data.crop_seconds": 1.0,
    "train.batch_size": 8,
    "train.steps_per_epoch": 25,
    "train.device": "cpu",
}


def recipe(**values: Any) -> Recipe:
    return with_values(Recipe(), RESOLVED | {key.replace("__", "."): value for key, value in values.items()})


def a_run(home: Home, of: Recipe, step: float, *, host: str = "", device: str = "cpu", ended: bool = True) -> RunFolder:
    """A run of a recipe whose steps took `step` seconds, but for one slow moment."""
    run = make_run_folder(home, "run")
    toml.save(of, run.recipe)
    log = LogWriter(run.events)
    log.write(e.Started(run=run.id, name="run", pid=1, program="0", host=host or platform.node()))
    log.write(e.RunPrepared(device=device, precision="float32", parameters=1, steps_per_epoch=25, total_epochs=1))
    for number, seconds in enumerate((step, step, 60.0, step), 1):
        log.write(e.Metrics(scope="step", step=number, epoch=1, values={"time/step": seconds}))
    if ended:
        log.write(e.Finished(step=4, epoch=1, seconds=1.0))
    log.close()
    return run


def test_the_same_net_takes_the_time_that_it_took_and_a_larger_one_longer(home: Home) -> None:
    a_run(home, recipe(), 0.16)
    paces = read_paces(home)
    assert nearest(paces, recipe()) == paces[0]
    assert epoch_seconds(recipe(), paces[0]) == pytest.approx(25 * 0.16)
    larger = recipe(model__channels=512)
    ratio = step_work(larger) / step_work(recipe())
    assert 1.3 < ratio < 2
    assert epoch_seconds(larger, paces[0]) == pytest.approx(4.0 * ratio)


def test_on_a_gpu_most_of_a_small_step_is_the_hosts(home: Home) -> None:
    a_run(home, recipe(train__device="cuda:0"), 0.045, device="cuda:0")
    (pace,) = read_paces(home)
    small, large = (step_seconds(recipe(train__device="cuda:1", train__batch_size=batch), pace, 2) for batch in (8, 32))
    assert small == pytest.approx(0.045)
    assert small < large < 1.5 * small


def test_the_nearest_net_of_the_same_kind_counts_and_a_far_one_does_not(home: Home) -> None:
    tiny, usual = recipe(model__channels=16), recipe()
    run = a_run(home, usual, 0.16)
    a_run(home, tiny, 0.016)
    paces = read_paces(home)
    near = nearest(paces, recipe(model__channels=320))
    assert near is not None
    assert near.run == run.id
    assert nearest([pace for pace in paces if pace.run != run.id], recipe(model__channels=512)) is None
    assert nearest(paces, recipe(train__device="cuda")) is None
    assert nearest(paces, recipe(model__net="conv2d", model__stride=16)) is None


def test_unfinished_runs_and_those_of_other_machines_say_nothing(home: Home) -> None:
    a_run(home, recipe(), 0.16, host="another machine")
    a_run(home, recipe(), 0.16, ended=False)
    changed = a_run(home, recipe(), 0.16)
    changed.recipe.write_text("not = a recipe")
    without_sizes = a_run(home, recipe(), 0.16)
    without_sizes.recipe.write_text('name = "x"')
    assert read_paces(home) == []


def test_paces_outlive_their_runs_in_a_file_that_is_replaced_when_damaged(home: Home) -> None:
    run = a_run(home, recipe(), 0.16)
    known, file = read_paces(home), home.cache / FILE_NAME
    assert file.stat().st_mode & 0o077 == 0
    for content in (b"", b"[{}]", b"\xff", b'[{"host": 1}]', b'{"paces": []}', file.read_bytes()[:-3]):
        file.write_bytes(content)
        assert read_paces(home) == known
        written = file.read_bytes()
    shutil.rmtree(run.path)
    assert read_paces(home) == known
    row = written.strip()[1:-1]
    file.write_bytes(b"[" + b",".join(row.replace(run.id.encode(), b"%08d" % n) for n in range(MOST_KEPT + 50)) + b"]")
    a_run(home, recipe(), 0.3)
    assert len(read_paces(home)) == MOST_KEPT
    file.unlink()
    file.mkdir()
    assert len(read_paces(home)) == 1, "without the file"


def test_a_probe_is_kept_and_counts_where_no_run_is_near(home: Home) -> None:
    keep_probe(home, recipe(), "cpu", 0.3)
    keep_probe(home, recipe(), "cpu", 0.2, busy=True)
    (probe,) = read_paces(home)
    assert (probe.is_probe, probe.is_busy, probe.seconds) == (True, True, 0.2)
    assert nearest([probe], recipe()) == probe
    near = a_run(home, recipe(model__channels=400), 0.16)
    known = read_paces(home)
    assert [pace.run for pace in known] == [near.id, probe.run]
    best = nearest(known, recipe())
    assert best is not None
    assert best.run == near.id


def test_a_run_tells_the_time_around_its_steps(home: Home) -> None:
    run = make_run_folder(home, "run")
    toml.save(recipe(), run.recipe)
    log = LogWriter(run.events)
    log.write(e.Started(run=run.id, name="run", pid=1, program="0", host=platform.node()))
    log.write(e.RunPrepared(device="cpu", precision="float32", parameters=1, steps_per_epoch=25, total_epochs=1))
    log.write(e.StateChanged(state="running"))
    for number in range(1, 6):
        log.write(e.Metrics(scope="step", step=number, epoch=1, values={"time/step": 0.1}))
    log.write(e.Finished(step=5, epoch=1, seconds=1.0))
    log.close()
    (pace,) = read_paces(home)
    assert pace.around is None or 0 < pace.around < 60
