"""`models evaluate` of a generator: its sets of takes with references beside them."""

import json
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.library.store import Library
from tests.engine.small_generator import SmallCodec, make_codec, make_prior_run
from tests.engine.support import tones, train_here

pytestmark = pytest.mark.slow
SETS = [
    "prior",
    "prior by label",
    "blend",
    "walk",
    "held-out sounds",
    "the same again",
    "shuffled frames",
    "random codes",
]


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> SmallCodec:
    found = make_codec(tmp_path_factory.mktemp("codec"))
    assert train_here(found.home, make_prior_run(found.home, found.model, found.sounds, name="made")) == 0
    return found


def test_a_generator_has_a_table_of_its_sets(
    codec: SmallCodec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["models", "evaluate", "made", "--count", "3", "--home", str(codec.home.root)]
    assert main([*asked, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in report["sets"]] == SETS
    assert report["sets"][1]["labels_right"] is not None
    assert report["scale"]["floor"] < report["scale"]["usual"]
    assert all(one["sounds"] >= 1 and one["one_nn"] is not None for one in report["sets"])
    # of other sounds and its own, those that it was trained on are no held-out ones
    listed = Library(codec.home).verify("made").data["sounds"]
    trained = sum(row[2] != "validation" for row in listed)
    assert main([*asked, str(tones(tmp_path / "new", 4, 0.4)), str(codec.sounds)]) == 0
    out, err = capsys.readouterr()
    rows = out.splitlines()
    assert [row[: len(name)] for row, name in zip(rows[1:], SETS, strict=False)] == SETS
    assert f"{trained} of 13 sounds were trained on: left out" in err
    assert f"{13 - trained} held-out sounds" in out


def test_a_wrong_request_says_what_is_wrong(codec: SmallCodec, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(codec.home.root)]
    for more in (["--count", "1"], ["--count", "x"], ["--seed", "-1"], ["--levels", "1"], [str(Path("nowhere"))]):
        assert main(["models", "evaluate", "made", *home, *more]) == 2
    assert main(["models", "evaluate", "small", *home]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--count: '1' is not a whole number, 2 to 10,000" in err
    assert "a codec is measured on sounds" in err
