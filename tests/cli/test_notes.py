"""Names, notes and tags of runs and models, by the commands; and the runs' trash."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from distill_tui.cli.main import run as main
from distill_tui.errors import DistillError, RequestError
from distill_tui.library import index
from distill_tui.library.annotations import FILE
from distill_tui.library.card import ShortData
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.runs import annotations
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, find_run, list_runs
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.trash import move_to_trash, restore_run, trashed
from tests.library.models import put_together, take_apart, write
from tests.runs import support


def documents(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    capsys.readouterr()
    assert main([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_run_is_named_noted_and_tagged(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = support.a_run(home)
    support.write(run, support.started(run), support.metrics(3, loss_val=0.5))
    (before,) = documents(capsys, "runs")
    assert (before["name"], before["note"], before["tags"]) == ("drums", "", [])
    assert main(["runs", "note", "drums", "a loud kick"]) == 0
    assert main(["runs", "tag", "drums", "+Good", "slow", "-slow", "+v2"]) == 0
    assert main(["runs", "rename", "drums", "kicks/2"]) == 0
    for query in ("kicks-2", "drums", run.id):
        (found,) = documents(capsys, "runs")
        assert found["id"] == run.id == find_run(home, query).id
        assert (found["name"], found["note"], found["tags"]) == ("kicks-2", "a loud kick", ["good", "v2"])
    assert main(["status", "--line"]) == 0
    assert capsys.readouterr().out.startswith("kicks-2 ")
    assert main(["runs"]) == 0
    assert "good v2" in capsys.readouterr().out
    assert main(["runs", "tag", "drums", "-v2"]) == 0
    assert capsys.readouterr().out == "good\n"
    assert main(["runs", "tag", "drums", "two words"]) == 2
    assert main(["runs", "rename", "drums", "///"]) == 2
    assert main(["runs", "note", "drums", "x" * 5000]) == 2
    # the name that it was created with is no other name
    assert main(["runs", "rename", "drums", "drums"]) == 0
    assert annotations.annotation_of(run).name == ""


def test_who_follows_a_run_sees_its_new_name(home: Home) -> None:
    run = support.a_run(home)
    support.write(run, support.started(run))
    follower = RunFollower(run)
    assert follower.catch_up().name == "drums"
    annotations.rename(run, "kicks")
    support.write(run, support.started(run, resumed=True))
    assert follower.catch_up().name == "kicks"
    annotations.rename(run, "drums")
    assert follower.catch_up().name == "drums"


def test_who_follows_a_run_that_is_deleted_keeps_what_it_knows(home: Home) -> None:
    run = support.a_run(home)
    support.write(run, support.started(run), e.Finished(step=9, epoch=1, seconds=1.0))
    follower = RunFollower(run)
    assert follower.catch_up().state == "finished"
    move_to_trash(home, run)
    assert follower.catch_up().state == "finished"
    # one that is opened only then does not start for ever
    assert RunFollower(run).catch_up().state == "crashed"


def test_damaged_notes_are_no_notes_and_not_replaced(home: Home) -> None:
    run = support.a_run(home)
    run.annotations.write_bytes(b'{"tags": [1')
    assert annotations.annotation_of(run).tags == ()
    assert quick_state(run).name == "drums"
    with pytest.raises(DistillError, match="cannot be read"):
        annotations.rename(run, "kicks")
    assert run.annotations.read_bytes() == b'{"tags": [1'


def test_a_deleted_run_lies_in_the_trash(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = support.a_run(home)
    with run.hold(), pytest.raises(RequestError, match="being trained"):
        move_to_trash(home, run)
    move_to_trash(home, run)
    assert not list_runs(home)
    assert [one.id for one in trashed(home)] == [run.id]
    assert [one["id"] for one in documents(capsys, "runs", "trash")] == [run.id]
    assert restore_run(home, "drums") == run
    assert list_runs(home) == [run]
    annotations.rename(run, "kicks")
    move_to_trash(home, run)
    assert main(["runs", "restore", "nothing"]) == 2
    assert main(["runs", "restore", "kicks"]) == 0
    with pytest.raises(RequestError, match="was removed"):
        move_to_trash(home, RunFolder(home.runs / "20260101-000000-gone"))
    move_to_trash(home, run)
    assert documents(capsys, "runs", "trash", "--empty") == {"deleted": 1}
    assert not trashed(home)


def test_a_models_note_stays_with_it_and_is_not_given_away(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(home.models / "birds.distill", id="aaaa1111")
    assert main(["models", "note", "birds", "of 1999"]) == 0
    assert main(["models", "tag", "birds", "+old", "+sea"]) == 0
    library = Library(home)
    assert documents(capsys, "models", "rename", "birds", "gulls")["note"] == "of 1999"
    assert documents(capsys, "models", "delete", "gulls", "--yes")["tags"] == ["old", "sea"]
    assert library.trashed()[0].annotation.note == "of 1999"
    assert library.restore("gulls").annotation.note == "of 1999"
    (found,) = documents(capsys, "models")
    assert (found["name"], found["note"], found["tags"]) == ("gulls", "of 1999", ["old", "sea"])
    library.export("gulls", tmp_path / "plain.distill")
    assert "1999" not in (tmp_path / "plain.distill").read_bytes().decode(errors="replace")
    library.export("gulls", tmp_path / "noted.distill", with_notes=True)
    assert read_card(tmp_path / "noted.distill").notes[-2:] == ["of 1999", "Tags: old sea"]
    # a copy has another id, and nothing of it
    assert library.import_file(tmp_path / "plain.distill").annotation.note == ""
    assert main(["models", "note", "gulls", ""]) == 0
    assert main(["models", "tag", "gulls", "-old", "-sea"]) == 0
    assert json.loads((home.models / FILE).read_bytes()) in ({}, {"models": {}})


def test_what_a_model_was_trained_on_is_in_its_summary_or_filled_in(home: Home) -> None:
    path = home.models / "birds.distill"
    write(path, id="aaaa1111")
    library = Library(home)
    (new,) = library.list()
    assert new.summary is not None
    assert new.summary.data == ShortData(2, 30.0)
    # a file of an older release, whose summary has no data
    header, weights = take_apart(path)
    metadata = header["__metadata__"]
    summary = json.loads(metadata["summary"])
    del summary["data"]
    metadata["summary"] = json.dumps(summary)
    metadata["summary_sha256"] = hashlib.sha256(metadata["summary"].encode()).hexdigest()
    put_together(path, msgspec.json.encode(header), weights)
    for _ in range(2):
        (old,) = library.list()
        assert old.summary is not None
        filled = index.fill([old])
        index.keep_filled(home.models, filled)
        data = old.summary.data
    assert not filled
    assert data == ShortData(2, 30.0)
