"""`explore` and `map`: the real program on figures that it draws, and on a run of sounds."""

import gzip
import json
import struct
from pathlib import Path

import msgspec
import pytest

from distill_tui.cli.commands.explore import as_text
from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.runs.codebook_map import CodebookMap, read_map
from distill_tui.runs.control import change_control
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.quick_state import quick_state
from tests.conftest import Trained
from tests.engine.support import start_here
from tests.library import models
from tests.programs import cli, ended_at_last, only_run, until, until_state
from tests.ui import explored

SHORT = ("--epochs", "1", "--set", "train.steps_per_epoch=8", "--device", "cpu", "--set", "train.map_seconds=0.1")


@pytest.mark.slow
def test_explore_trains_on_figures_and_prints_what_becomes_of_it(home: Home) -> None:
    done = cli("explore", "--plain", "--name", "digits [x]", *SHORT)
    assert done.returncode == 0, done.stderr
    assert "figures: 3,600 pictures to train on, 400 held out" in done.stdout
    assert "no data was given: figures like digits are drawn" in done.stdout
    run = only_run(home)
    recipe = toml.load(run.recipe)
    assert (recipe.model.net, recipe.model.rvq_levels, recipe.model.codebook_size) == ("image", 2, 16)
    assert quick_state(run).state == "finished"
    found = read_map(run.map)
    assert found is not None
    assert [len(level.codes) for level in found.levels] == [16, 16]
    assert found.inputs
    assert {len(picture.pixels) for picture in [*found.inputs, *found.outputs]} == {784}
    # the command tells the same map, by the run's name and by the model's
    told = cli("map", "--json", "digits [x]")
    assert told.returncode == 0, told.stderr
    assert msgspec.json.decode(told.stdout, type=CodebookMap) == found


@pytest.mark.slow
def test_explore_detaches_and_its_knobs_act(home: Home) -> None:
    with ended_at_last(home):
        done = cli("explore", "--detach", "--set", "train.epochs=100000", "--device", "cpu", "--seed", "3")
        assert done.returncode == 0, done.stderr
        run = RunFolder(home.runs / done.stdout.strip())
        assert "figures: 3,600" in done.stderr
        until(lambda: read_map(run.map), "the first map")
        change_control(run.control, lambda control: control.knobs.update({"loss.commitment_weight": 0.5}))
        until(lambda: quick_state(run).knobs, "the answer")
        assert quick_state(run).knobs[-1].new == 0.5
        change_control(run.control, lambda control: setattr(control, "wanted", "stopped"))
        until_state(run, "stopped")


def idx(path: Path, shape: tuple[int, ...], data: bytes) -> None:
    """A file in MNIST's format."""
    head = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    path.write_bytes(gzip.compress(head + data))


@pytest.mark.slow
def test_explore_says_which_files_it_uses_and_refuses_others(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.runs.service.start_worker", start_here)
    assert main(["explore", "--plain", "--data", str(tmp_path)]) == 2
    assert "no MNIST files in" in capsys.readouterr().err
    idx(tmp_path / "t10k-images-idx3-ubyte.gz", (200, 28, 28), bytes(200 * 784))
    idx(tmp_path / "t10k-labels-idx1-ubyte.gz", (200,), bytes(i % 10 for i in range(200)))
    assert main(["explore", "--detach", "--data", str(tmp_path), *SHORT]) == 0
    told = capsys.readouterr().err
    assert "180 pictures to train on, 20 held out" in told
    assert "only the t10k files are there: a part of them is held out" in told
    assert quick_state(only_run(home)).state in ("finished", "failed")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--set", "model.net=convnext"), "explore trains on pictures"),
        (("--set", "model.latent_dims=3"), "latent_dim"),
        (("--epochs", "0"), "--epochs"),
        (("--start-from", "drums"), "start"),
    ],
)
def test_a_wrong_recipe_is_refused(
    home: Home, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], said: str
) -> None:
    assert main(["explore", "--plain", *flags]) == 2
    assert said in capsys.readouterr().err
    assert not home.runs.exists()


@pytest.mark.slow
def test_a_persons_own_defaults_do_not_change_what_an_explorer_run_is(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.runs.service.start_worker", start_here)
    home.root.mkdir(exist_ok=True)
    home.settings.write_text('[defaults]\nrvq_levels = 5\ndevice = "cpu"\n')
    assert main(["explore", "--detach", *SHORT]) == 0
    recipe = toml.load(only_run(home).recipe)
    assert (recipe.model.rvq_levels, recipe.train.device) == (2, "cpu")
    assert quick_state(only_run(home)).state == "finished"


@pytest.mark.slow
def test_the_map_of_a_model_of_sounds(trained: Trained, tmp_path: Path) -> None:
    done = cli("map", str(trained.model), "--home", str(trained.home.root), "--out", str(tmp_path / "map.json"))
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode((tmp_path / "map.json").read_bytes(), type=CodebookMap)
    assert found.batches == 0
    assert len(found.names) == len(found.points)
    assert {name.split("/")[-1] for name in found.names} <= {f"tone {n}.wav" for n in range(5)}
    for level in found.levels:
        assert all(bool(places) == (count > 0) for places, count in zip(level.places, level.counts, strict=True))
    text = as_text(found)
    assert "Level 2: " in text
    assert ".wav at 0:0" in text


def test_what_has_no_map_is_told(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
    explored.make_run(home)
    assert main(["map", "figures", "--json"]) == 2
    assert "has no map yet" in capsys.readouterr().err


def test_a_model_of_pictures_without_its_run_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.models.mkdir(parents=True)
    models.write(home.models / "digits.distill", name="digits", recipe={"model": {"net": "image"}}, run="gone")
    assert main(["map", "digits"]) == 2
    assert "the run that held its map was deleted" in capsys.readouterr().err


def test_the_table_tells_the_codes_used_most_and_where(capsys: pytest.CaptureFixture[str], home: Home) -> None:
    run = explored.running(home)
    assert main(["map", run.id]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "400 points in 10 groups, in 2 dimensions; counts over the last 100 batches; as of step 1,700\n"
    )
    assert "Level 1: 14 of 16 codes used" in told
    table = told.split("Level 2")[0].splitlines()[3:]
    counts = [int(line.split()[1].replace(",", "")) for line in table if line and line.split()[0].isdigit()]
    assert counts == sorted(counts, reverse=True)
    assert "kicks/0-000.wav at 0:00.0" in as_text(explored.sound_map())


def test_json_is_one_document(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = explored.running(home)
    assert main(["map", run.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dims"] == 2
