"""`prune`: what tells how a training went stays, and what was kept stays always."""

import json
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs import previews
from distill_tui.runs.folder import RunFolder
from distill_tui.takes.folder import TakesFolder
from tests.runs.support import a_run, started, write
from tests.serve.pages import some_takes

Capture = pytest.CaptureFixture[str]


def with_previews(home: Home, *steps: int, best: int = 0) -> RunFolder:
    run = a_run(home)
    write(run, started(run))
    for step in steps:
        folder = run.previews / f"step-{step:06d}"
        folder.mkdir(parents=True)
        (folder / "a.wav").write_bytes(b"x" * 1000)
    if best:
        write(run, e.BestEpoch(step=best, epoch=1, value=0.1))
    return run


def left(run: RunFolder) -> list[int]:
    return list(previews.folders(run))


def test_first_last_best_and_doubling_steps_are_worth_keeping() -> None:
    assert previews.worth_keeping([]) == set()
    assert previews.worth_keeping([7]) == {7}
    assert sorted(previews.worth_keeping(range(100, 1700, 100))) == [100, 200, 400, 800, 1600]
    assert sorted(previews.worth_keeping([10, 20, 30, 50, 70, 90], best=72)) == [10, 20, 50, 70, 90]
    assert sorted(previews.worth_keeping([0, 1, 2, 3, 4])) == [0, 2, 4]


def test_previews_are_thinned_when_confirmed(home: Home, capsys: Capture) -> None:
    run = with_previews(home, 10, 20, 30, 35, 50, best=35)
    (run.previews / "notes.txt").write_text("mine")
    assert main(["prune"]) == 2
    told = capsys.readouterr().err
    assert f"{run.id}: 1 preview, 1.0 kB" in told
    assert "Add --yes." in told
    assert left(run) == [10, 20, 30, 35, 50]
    assert main(["prune", "drums", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "pruned": [{"name": run.id, "what": "1 preview", "bytes": 1000}],
        "bytes": 1000,
    }
    assert left(run) == [10, 20, 35, 50]
    assert (run.previews / "notes.txt").exists()
    assert main(["prune"]) == 0
    assert "nothing to prune" in capsys.readouterr().err
    assert main(["prune", "nope"]) == 2


def test_a_limit_takes_the_newest_of_the_older_ones_first(home: Home) -> None:
    run = with_previews(home, 10, 11, 12, 13, 30)
    assert previews.thin(run, 5000) == 0
    assert previews.thin(run, 3500) == 2000
    assert left(run) == [10, 11, 30]
    assert previews.thin(run, 1) == 1000
    assert left(run) == [10, 30], "these stay, whatever the limit"


def test_kept_takes_are_never_pruned(home: Home, tmp_path: Path, capsys: Capture) -> None:
    folder = some_takes(home, 3)
    kept, thrown, _ = folder.takes
    folder.keep(kept)
    folder.throw(thrown)
    (home.takes / "broken").mkdir()
    (home.takes / "broken" / "takes.json").write_text("[")
    assert main(["prune", "--yes"]) == 0
    assert "are free again" in capsys.readouterr().err
    assert [take.path for take in TakesFolder(folder.path).takes] == ["take-0.wav", "take-2.wav"]
    assert main(["prune", str(folder.path), "--undecided", "--yes"]) == 0
    assert [take.path for take in TakesFolder(folder.path).takes] == ["take-0.wav"]
    assert sorted(path.name for path in folder.path.glob("*.wav")) == ["take-0.wav"]
