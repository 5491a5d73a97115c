"""What earlier runs say of the time that a recipe will take."""

import platform
from typing import Any

import pytest

from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.size import parameters
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, make_run_folder
from distill_tui.runs.log import LogWriter

RESOLVED: dict[str, Any] = {
    "model.sample_rate": 16000,
    "model.stride": 4,
    "model.n_fft": 512,
    "model.hop_length": 128,
    "model.n_mels": 64,
    "model.codebook_size": 64,
    "data.crop_seconds": 1.0,
    "train.batch_size": 8,
    "train.steps_per_epoch": 25,
}


def recipe(**values: Any) -> Recipe:
    return with_values(Recipe(), RESOLVED | {key.replace("__", "."): value for key, value in values.items()})


def a_run(home: Home, of: Recipe, rate: float, *, host: str = "", device: str = "cpu", ended: bool = True) -> RunFolder:
    """A run of the net of a recipe that took in `rate` seconds of sound a second, but for one slow moment."""
    run = make_run_folder(home, "run")
    run.recipe.write_text("")
    log = LogWriter(run.events)
    log.write(e.Started(run=run.id, name="run", pid=1, program="0", host=host or platform.node()))
    frames = 16000 / 128 / int(of.model.stride)
    log.write(
        e.RunPrepared(
            device=device,
            precision="float32",
            parameters=parameters(of),
            rate=16000,
            frame_rate=frames,
            kbps=1.0,
            codebook_size=64,
            levels=3,
            training_files=1,
            validation_files=1,
            training_seconds=1.0,
            validation_seconds=1.0,
            steps_per_epoch=25,
            total_epochs=1,
        )
    )
    for step, pace in enumerate((rate, rate, 0.1, rate), 1):
        log.write(e.Metrics(scope="step", step=step, epoch=1, values={"rate/sound": pace}))
    if ended:
        log.write(e.Finished(step=4, epoch=1, seconds=1.0))
    log.close()
    return run


def test_the_same_net_takes_the_time_that_it_took(home: Home) -> None:
    a_run(home, recipe(), 50.0)
    (pace,) = measured(home, "cpu")
    assert nearest([pace], recipe()) == pace
    assert epoch_seconds(recipe(), pace) == pytest.approx(25 * 8 / 50.0)


def test_a_larger_net_takes_longer(home: Home) -> None:
    a_run(home, recipe(), 50.0)
    (pace,) = measured(home, "cpu")
    larger = recipe(model__channels=512)
    ratio = parameters(larger) / parameters(recipe())
    assert epoch_seconds(larger, pace) == pytest.approx(4.0 * ratio)


def test_the_nearest_net_counts_and_a_far_one_does_not(home: Home) -> None:
    tiny, usual = recipe(model__channels=16), recipe()
    run = a_run(home, usual, 50.0)
    a_run(home, tiny, 500.0)
    paces = measured(home, "cpu")
    assert len(paces) == 2
    near = nearest(paces, recipe(model__channels=320))
    assert near is not None
    assert near.run == run.id
    assert nearest([pace for pace in paces if pace.run != run.id], usual) is None


def test_other_machines_other_devices_and_unfinished_runs_say_nothing(home: Home) -> None:
    a_run(home, recipe(), 50.0, host="another machine")
    a_run(home, recipe(), 50.0, device="cuda:0")
    a_run(home, recipe(), 50.0, ended=False)
    assert measured(home, "cpu") == []
    assert len(measured(home, "cuda")) == 1
