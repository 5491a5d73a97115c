"""`train-prior`: a generator for a codec, and what is said where there can be none."""

import json
import shutil
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import toml
from tests.conftest import Trained
from tests.engine.support import train_here
from tests.programs import only_run

FLAGS = [
    part
    for key, value in {
        "prior.width": 16,
        "prior.crop_frames": 8,
        "train.batch_size": 4,
        "train.steps_per_epoch": 2,
        "train.previews": 1,
    }.items()
    for part in ("--set", f"{key}={value}")
]


@pytest.fixture
def codec(home: Home, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a codec in the library, and no worker that is started."""
    home.models.mkdir(parents=True)
    shutil.copy(trained.model, home.models)
    monkeypatch.setattr("distill_tui.cli.commands.train.go", lambda *_: 0)
    return trained.model.stem


def test_a_run_on_the_sounds_of_the_codec(
    home: Home, codec: str, trained: Trained, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["train-prior", codec, "--epochs", "1", "--name", "new", "--device", "cpu", *FLAGS]) == 0
    said = capfd.readouterr().out
    assert "prior: gru, width 16" in said
    run = only_run(home)
    recipe = toml.load(run.recipe)
    assert (run.task, recipe.task, recipe.name, recipe.train.epochs) == ("prior", "prior", "new", 1)
    assert recipe.train.learning_rate == 2e-3
    assert recipe.prior.codec_name == codec
    # the library's may go: the run has a copy
    Library(home).delete(codec)
    assert train_here(home, run) == 0
    capfd.readouterr()

    assert main(["models", "--json"]) == 0
    (document,) = json.loads(capfd.readouterr().out)
    assert (document["kind"], document["name"]) == ("generator", "new")
    for command in ("models list", "models show new", "models verify new", "status --line", f"status {run.id}", "runs"):
        assert main(command.split()) == 0, command
    said = capfd.readouterr().out
    assert "bits a frame held out" in said
    assert "generator, its codec inside" in said
    assert "held-out distance" not in said


@pytest.mark.slow
def test_a_generator_goes_through_the_commands_of_its_codec(
    home: Home, codec: str, trained: Trained, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["train-prior", codec, "--epochs", "1", "--name", "new", *FLAGS]) == 0
    assert train_here(home, only_run(home)) == 0
    sound, codes = str(next(trained.sounds.glob("*.wav"))), str(tmp_path / "a.npz")
    given, other = tmp_path / "given.distill", str(tmp_path / "other")
    assert main(["models", "export", "new", str(given)]) == 0
    assert main(["--home", other, "models", "import", str(given)]) == 0
    assert main(["--home", other, "encode", "given", sound, "--out", codes]) == 0
    assert main(["decode", codec, codes, "--out", str(tmp_path / "a.wav")]) == 0, "they are codes of the same codec"
    assert main(["--home", other, "reconstruct", "given", sound, "--out", str(tmp_path)]) == 0
    assert main(["models", "rename", "new", "newer"]) == 0
    assert main(["map", "newer", "--json", "--out", str(tmp_path / "map.json")]) == 0
    assert main(["models", "compare", "newer", codec]) == 0
    assert main(["models", "delete", "newer", "--yes"]) == 0
    capfd.readouterr()
    assert main(["train", str(trained.sounds), "--start-from", str(given)]) == 2
    assert "is a generator" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["none"], "no model 'none'", "distill-tui models"),
        (["CODEC", "nowhere"], "nowhere", ""),
        (["CODEC", "EMPTY"], "no files in", ""),
        (["CODEC", "--epochs", "0"], "--epochs: 0 is outside", ""),
        (["CODEC", "--set", "prior.net=lstm"], "prior.net: 'lstm' is not", ""),
        (["CODEC", "--set", "prior.net=transformer", "--set", "prior.width=20"], "prior.width: 20 is not", ""),
    ],
)
def test_what_cannot_be_is_said(
    codec: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str, hint: str
) -> None:
    (tmp_path / "empty").mkdir()
    words = {"CODEC": codec, "EMPTY": str(tmp_path / "empty")}
    assert main(["train-prior", *(words.get(word, word) for word in arguments)]) == 2
    said = capfd.readouterr().err
    assert message in said
    assert hint in said


def test_sounds_that_are_gone_or_changed_are_told_with_the_way_out(
    home: Home, codec: str, trained: Trained, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    library = Library(home)
    given = library.export(codec, tmp_path / "given.distill")
    assert main(["train-prior", str(given)]) == 2
    said = capfd.readouterr().err
    assert "'given' does not tell what it was trained on" in said
    assert "train-prior given DATA" in said

    sounds = tmp_path / "sounds"
    shutil.copytree(trained.sounds, sounds)
    changed = library.export(codec, tmp_path / "changed.distill", with_data=True)
    _tell_of(changed, sounds)
    (sounds / "tone 2.wav").unlink()
    assert main(["train-prior", str(changed)]) == 2
    assert "are gone or have changed: tone 2.wav" in capfd.readouterr().err
    shutil.rmtree(sounds)
    assert main(["train-prior", str(changed)]) == 2
    assert "was trained on it, and it is gone" in capfd.readouterr().err


def _tell_of(model: Path, sounds: Path) -> None:
    """Have a model's card say that it was trained on the sounds in a folder."""
    from distill_tui.library.container import copy_model, read_card

    card = read_card(model)
    card.data["paths"] = [str(sounds)]
    copy_model(model, model, card)
