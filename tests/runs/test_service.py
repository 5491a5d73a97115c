"""Runs from their creation to their end, with real workers: the one way to create, start, resume and stop one."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui.data.scan import scan
from distill_tui.errors import RequestError
from distill_tui.machine import Machine
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.control import Control, change_control, read_control
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import read_events
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.service import create_run, drop_rejected, read_expectations, resume_run, start_worker, stop_run
from tests.programs import LONG, PATIENCE, TINY, ended_at_last, few_sounds, until, until_state

MEL, STFT, RATE = "loss.mel_weight", "loss.stft_weight", "train.learning_rate"


def count(run: RunFolder, kind: type[e.Event]) -> int:
    return sum(isinstance(event, kind) for event in read_events(run.events))


def test_a_new_run_holds_what_its_worker_needs(home: Home, tmp_path: Path) -> None:
    corpus = scan([few_sounds(tmp_path / "tones")], 0.2, home)
    new = create_run(home, with_values(Recipe(), TINY), corpus, Machine(cores=2))
    assert new.folder.id.endswith("-tones")
    assert toml.load(new.folder.recipe) == new.recipe
    assert "train.compile" in new.recipe.automatic
    assert [text[:4] for text in new.expectations] == ["only"]
    assert read_expectations(new.folder) == new.expectations
    assert new.folder.sounds.is_file()
    # of a run of an early release nothing is known
    new.folder.expectations.unlink()
    assert read_expectations(new.folder) == []


def test_a_recipe_that_is_impossible_leaves_no_folder(home: Home, tmp_path: Path) -> None:
    corpus = scan([few_sounds(tmp_path / "tones")], 0.2, home)
    recipe = with_values(Recipe(), {**TINY, "train.device": "cuda"})
    with pytest.raises(RequestError, match="cuda"):
        create_run(home, recipe, corpus, Machine(cores=2))
    assert not home.runs.exists()


@pytest.mark.slow
def test_a_run_is_started_stopped_and_resumed_to_its_end(home: Home, tmp_path: Path) -> None:
    corpus = scan([few_sounds(tmp_path / "tones")], 0.2, home)
    new = create_run(home, with_values(Recipe(), {**TINY, **LONG}), corpus, Machine(cores=2))
    run = new.folder
    with ended_at_last(home):
        first = start_worker(home, run)
        until_state(run, "running")
        with pytest.raises(RequestError, match="already being trained"):
            start_worker(home, run)
        with pytest.raises(RequestError, match="already being trained"):
            resume_run(home, run)
        change_control(run.control, lambda control: control.knobs.update({RATE: 1e9, MEL: 0.5}))
        until(lambda: count(run, e.SettingRejected) and count(run, e.SettingChanged), "both answers")
        stop_run(run)
        assert first.wait(PATIENCE) == 0, run.worker_log.read_text()
        assert quick_state(run).state == "stopped"

        recipe = toml.load(run.recipe)
        recipe.train.epochs = 1
        toml.save(recipe, run.recipe)
        assert resume_run(home, run).wait(PATIENCE) == 0, run.worker_log.read_text()
        control = read_control(run.control)
        assert (control.wanted, control.knobs) == ("running", {MEL: 0.5})
        assert quick_state(run).state == "finished"
        assert count(run, e.SettingRejected) == 1
        # logged when the run began, and not again
        logged = [event for event in read_events(run.events) if isinstance(event, e.WarningRaised)]
        assert [event.text for event in logged if event.code == "expectations"] == new.expectations
        with pytest.raises(RequestError, match="has finished; its model is in the library as 'tones'"):
            resume_run(home, run)


def rejected(key: str, value: float | None) -> e.SettingRejected:
    return e.SettingRejected(key=key, text="no", step=3, value=value)


@pytest.mark.parametrize(
    ("answers", "requested", "kept"),
    [
        ([rejected(MEL, 0.0)], {MEL: 0.0, STFT: 0.5}, {STFT: 0.5}),
        # not a number, which is null in both files
        ([rejected(RATE, None)], {RATE: None}, {}),
        # requested again after the last worker was dead
        ([rejected(MEL, 0.0)], {MEL: 0.25}, {MEL: 0.25}),
        ([e.SettingChanged(key=MEL, old=1.0, new=0.0, step=4)], {MEL: 0.0}, {MEL: 0.0}),
        ([], {MEL: 0.0}, {MEL: 0.0}),
    ],
)
def test_rejected_settings_are_dropped(
    answers: list[e.SettingChanged | e.SettingRejected],
    requested: dict[str, float | None],
    kept: dict[str, float | None],
) -> None:
    control = Control(knobs=requested)
    drop_rejected(control, answers)
    assert control.knobs == kept


CREATE = """
import sys, pathlib
from distill_tui.paths import find_home
from distill_tui.ui.screens.explorer import sources
from distill_tui.runs import service
service.start_worker = lambda home, run: None
first = sources.start_run(find_home())
again = sources.start_again(find_home(), first, {"loss.commitment_weight": 1e-7})
print(first.path, again.path, sep="\\n")
print([name for name in ("numpy", "torch", "soundfile") if name in sys.modules])
"""


def test_the_explorer_starts_runs_without_numpy(home: Home, tmp_path: Path) -> None:
    """In the app's own process, from MNIST's files, whose pictures only the worker reads."""
    mnist = tmp_path / "mnist"
    mnist.mkdir()
    for name, shape in (("images-idx3", (200, 28, 28)), ("labels-idx1", (200,))):
        head = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        (mnist / f"train-{name}-ubyte").write_bytes(head + bytes(200 * (784 if len(shape) == 3 else 1)))
    from distill_tui.data.images.dataset import find_pictures
    from distill_tui.recipe.presets import EXPLORE, layered

    create_run(home, layered(EXPLORE), find_pictures(mnist, 0.1), Machine(cores=2))
    done = subprocess.run([sys.executable, "-c", CREATE], capture_output=True, text=True, check=True)
    first, again, heavy = done.stdout.splitlines()
    assert heavy == "[]"
    one, two = RunFolder(Path(first)), RunFolder(Path(again))
    assert one.pictures.read_bytes() == two.pictures.read_bytes()
    assert str(mnist) in one.pictures.read_text()
    recipe, other = toml.load(one.recipe), toml.load(two.recipe)
    assert other.loss.commitment_weight == 1e-7
    assert other.train.seed == recipe.train.seed + 1
    assert other == with_values(recipe, {"train.seed": other.train.seed, "loss.commitment_weight": 1e-7})
