"""The contract: the real worker process, killed and resumed, its log folded, its model loaded in a new process."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from distill_tui.errors import RequestError
from distill_tui.library.container import read_card
from distill_tui.paths import Home
from distill_tui.reporting.verdicts import window_of
from distill_tui.runs import events as e
from distill_tui.runs.control import change_control
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import read_events
from distill_tui.runs.service import start_worker
from distill_tui.runs.state import RunState
from tests.engine.support import events_of, make_run, tones, train_here
from tests.programs import PATIENCE

pytestmark = pytest.mark.slow


def state_of(run: RunFolder) -> RunState:
    state = RunState().apply_all(read_events(run.events))
    state.observe(run.is_alive())
    return state


def until(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert process.poll() is None, "the worker ended"
        assert time.monotonic() < deadline, "the worker takes too long"
        time.sleep(0.01)


def test_a_run_from_its_first_event_to_a_model_that_loads_in_a_new_process(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), train__previews=2)
    process = start_worker(home, run)
    until(process, run.is_alive)
    with pytest.raises(RequestError, match="already being trained"):
        start_worker(home, run)
    assert process.wait(PATIENCE) == 0, run.worker_log.read_text()
    assert not run.is_alive()
    events = list(read_events(run.events))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[0], e.Started)
    assert isinstance(events[-1], e.Finished)
    state = state_of(run)
    assert (state.state, state.epoch, state.step) == ("finished", 4, 16)
    assert set(state.losses) >= {"train", "val", "recon", "commit"}
    assert [level.utilization is not None for level in state.health] == [True, True]
    assert state.eta_seconds is None
    assert list(run.checkpoints.glob("*.ckpt"))
    preview = state.previews[-1]
    assert all((run.path / name).stat().st_size > 44 for pair in preview.pairs for name in pair[:2])
    assert state.model is not None
    assert events[-1].path == state.model.path
    assert read_card(Path(state.model.path)).run == run.id
    program = (
        "import sys, torch; from distill_tui.engine.inference.model import Model; m = Model.load(sys.argv[1]);"
        "w = torch.randn(1, 5000); made = m.decode(m.encode(w));"
        "assert torch.equal(made[:, :5000], m.reconstruct(w)); print('same')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, state.model.path], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert answer.stdout.strip() == "same", answer.stderr


def test_the_default_quantizer_imports_no_library_of_others(home: Home, tmp_path: Path) -> None:
    sounds = tones(tmp_path / "sounds")
    run = make_run(home, sounds, train__epochs=1, name="tones")
    program = (
        "import sys; from distill_tui.cli.main import run as cli; from distill_tui.engine import worker\n"
        "home, run, sound, out = sys.argv[1:]\n"
        "assert worker.main(['--home', home, run]) == 0\n"
        "assert cli(['reconstruct', 'tones', sound, '--out', out, '--home', home]) == 0\n"
        "print('torch' in sys.modules, 'vector_quantize_pytorch' in sys.modules)"
    )
    paths = (home.root, run.path, sounds / "tone-0.wav", tmp_path / "out")
    answer = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert answer.stdout.splitlines()[-1:] == ["True False"], answer.stderr


def test_killed_at_random_moments_and_resumed_it_ends_with_the_very_same_weights(home: Home, tmp_path: Path) -> None:
    sounds = tones(tmp_path / "sounds")
    # batches large enough to go through in shards, where the machine has two cores
    values = {"train__epochs": 20, "train__checkpoint_minutes": 0.0, "model__dropout": 0.1, "train__batch_size": 9}
    whole = make_run(home, sounds, **values)
    assert start_worker(home, whole).wait(PATIENCE) == 0, whole.worker_log.read_text()
    run = make_run(home, sounds, **values)
    rng = random.Random(os.getpid())
    moments = sorted(rng.randrange(1, 78) for _ in range(2))
    for moment in moments:
        process = start_worker(home, run)
        until(process, lambda moment=moment: any(c.step >= moment for c in events_of(run, e.CheckpointSaved)))  # type: ignore[misc]
        process.kill()
        process.wait()
        assert state_of(run).state == "crashed"
    (run.checkpoints / ".0123456789abcdef.part").touch()
    assert start_worker(home, run).wait(PATIENCE) == 0, run.worker_log.read_text()
    assert not [*run.path.rglob("*.part"), *run.path.glob("worker.reserve")], "kills leave nothing for good"
    one, two = events_of(whole, e.ModelSaved)[-1], events_of(run, e.ModelSaved)[-1]
    hashes = [read_card(Path(event.path)).weights_sha256 for event in (one, two)]
    assert hashes[0] == hashes[1], f"killed at {moments}"
    state = state_of(run)
    assert state.state == "finished"
    steps = list(state.series["loss/val"].steps)
    assert steps == sorted(set(steps)), "a resumed run's curve has no step twice"
    # and the same is said of its codebooks: the last steps that they are judged over are those before the kill too
    found = [[(h.utilization, h.perplexity, h.dead, h.frames) for h in s.health] for s in (state_of(whole), state)]
    assert found[0] == found[1]


def test_a_stop_keeps_a_checkpoint_and_the_model_so_far(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), train__epochs=100_000, train__quantizer_warmup_fraction=0.0)
    process = start_worker(home, run)
    until(process, lambda: len([m for m in events_of(run, e.Metrics) if m.scope == "epoch"]) >= 2)
    process.send_signal(signal.SIGHUP)
    until(process, lambda: len([m for m in events_of(run, e.Metrics) if m.scope == "epoch"]) >= 4)
    change_control(run.control, lambda control: setattr(control, "wanted", "stopped"))
    assert process.wait(PATIENCE) == 0
    state = state_of(run)
    assert state.state == "stopped"
    assert state.checkpoints[-1].step == state.step
    assert state.model is not None
    assert not read_card(Path(state.model.path)).finished


@pytest.mark.parametrize("share", [0.0, 0.5], ids=["quantizing", "warming up"])
def test_a_stop_before_the_first_validation_leaves_a_model(home: Home, tmp_path: Path, share: float) -> None:
    values = {"train__steps_per_epoch": 100_000, "train__epochs": 100_000, "train__quantizer_warmup_fraction": share}
    run = make_run(home, tones(tmp_path / "sounds"), **values)
    process = start_worker(home, run)
    until(process, lambda: bool(events_of(run, e.Metrics)))
    change_control(run.control, lambda control: setattr(control, "wanted", "stopped"))
    assert process.wait(PATIENCE) == 0
    state = state_of(run)
    assert state.state == "stopped"
    assert state.model is not None
    assert state.best is not None
    card = read_card(Path(state.model.path))
    assert card.step == state.best.step == state.step
    assert all(level["utilization"] for level in card.health)
    assert card.health_window == ("last 100 steps of training" if share == 0 else "the training sound, once through")
    assert state.counted_once == (share > 0)
    assert card.health_window in window_of(state)

    # resumed, it goes on from the checkpoint of the stop, which knows nothing of what was made for the model
    stopped_at = state.step
    change_control(run.control, lambda control: setattr(control, "wanted", "running"))
    process = start_worker(home, run)
    until(process, lambda: any(m.step > stopped_at for m in events_of(run, e.Metrics)))
    state = state_of(run)
    assert state.best is None
    assert (state.quantizing_from is None) == (share > 0)
    assert (state.health[0].utilization is None) == (share > 0)
    change_control(run.control, lambda control: setattr(control, "wanted", "stopped"))
    assert process.wait(PATIENCE) == 0


def test_the_card_tells_the_settings_of_its_weights(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), train__quantizer_warmup_fraction=0.0)
    change_control(run.control, lambda control: control.knobs.update({"loss.commitment_weight": 0.35}))
    assert train_here(home, run) == 0
    state = state_of(run)
    assert state.model is not None
    card = read_card(Path(state.model.path))
    assert card.recipe["loss"]["commitment_weight"] == 0.35
    assert "loss.commitment_weight: 0.25 to 0.35 at step 0" in card.notes
    # one truth of codebook health: the card's numbers are those of the best epoch on the Training screen
    assert state.best is not None
    for level, entry in enumerate(card.health):
        series = state.series[f"codebook/{level}/utilization"]
        at_best = max(i for i, step in enumerate(series.steps) if step <= state.best.step)
        assert entry["utilization"] == series.values[at_best]
        assert entry["frames"] == state.series[f"codebook/{level}/frames"].values[at_best]


def test_why_it_failed_is_its_last_word(home: Home, tmp_path: Path) -> None:
    sounds = tones(tmp_path / "sounds")
    run = make_run(home, sounds)
    for path in sounds.iterdir():
        path.unlink()
    assert train_here(home, run) == 1
    last = list(read_events(run.events))[-1]
    assert isinstance(last, e.Failed)
    assert "tone-0.wav" in last.reason
    assert last.advice
