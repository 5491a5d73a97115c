"""A folder of takes: added to, marked, undone, shared by processes, never overwritten, and damaged."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distill_tui import files
from distill_tui.errors import DistillError, RequestError
from distill_tui.takes import folder as folder_module
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.take import Take


def take(seed: int = 0) -> Take:
    return Take(path="", seconds=0.5, seed=seed, method="blend")


def test_takes_are_added_to_a_folder_that_is_opened_again_and_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "kick.wav").write_bytes(b"mine")
    folder = TakesFolder(tmp_path / "a")
    first = folder.add(take(1), b"one", stem="kick")
    again = TakesFolder(tmp_path / "a")
    second = again.add(take(2), b"two", suffix=".flac", stem="kick")
    assert [one.path for one in folder.takes] == [first.path, second.path] == ["kick-2.wav", "kick-3.flac"]
    assert (tmp_path / "a" / "kick.wav").read_bytes() == b"mine"
    assert folder.file(first).read_bytes() == b"one"
    listed = json.loads((tmp_path / "a" / "takes.json").read_text())
    assert [(one["path"], one["seed"]) for one in listed] == [("kick-2.wav", 1), ("kick-3.flac", 2)]


def test_keep_throw_undo_and_the_trash(tmp_path: Path) -> None:
    folder = TakesFolder(tmp_path / "a")
    one, two = (folder.add(take(seed), bytes([seed]), stem="x") for seed in (1, 2))
    assert folder.keep(one).kept is True
    gone = folder.throw(two)
    assert not (tmp_path / "a" / two.path).exists()
    assert folder.file(gone).read_bytes() == b"\2"
    # another take does not get the name of one that may come back
    assert folder.add(take(3), b"3", stem="x").path == "x-3.wav"
    back = folder.undo()
    assert back is not None and back.kept is None
    assert folder.file(back).read_bytes() == b"\2"
    undone = folder.undo()
    assert undone is not None and undone.kept is None
    assert folder.undo() is None
    os.utime(folder.file(one), (0, 0))
    gone = folder.throw(one)
    assert folder.copy(gone, tmp_path / "sent").read_bytes() == b"\1"
    assert folder.empty_old() == 0
    long_ago = time.time() - 31 * 86400
    os.utime(folder.file(gone), (long_ago, long_ago))
    assert TakesFolder(tmp_path / "a").empty_old() == 1
    assert not folder.file(gone).exists()
    assert [other.path for other in folder.takes] == ["x-2.wav", "x-3.wav"]
    with pytest.raises(RequestError, match="no take"):
        folder.keep(one)


def test_a_take_that_was_listed_before_an_interruption_keeps_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, write = TakesFolder(tmp_path / "a"), files.atomic_write

    def interrupted(path: Path, content: bytes, **more: bool) -> None:
        write(path, content, **more)
        if path.name == "takes.json":
            raise KeyboardInterrupt

    monkeypatch.setattr(folder_module, "atomic_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder.add(take(), b"1")
    (listed,) = TakesFolder(tmp_path / "a").takes
    assert folder.file(listed).exists()


def test_only_what_was_thrown_away_goes_where_there_is_a_limit(tmp_path: Path) -> None:
    folder = TakesFolder(tmp_path / "set")
    takes = [folder.add(take(seed), b"x" * 100, stem=f"take-{seed}") for seed in range(5)]
    folder.keep(takes[0])
    for second, one in enumerate(takes[1:4]):
        folder.throw(one)
        os.utime(folder.file(folder.takes[second + 1]), (second, second))
    assert (folder.thin(0), folder.thin(500)) == (0, 0)
    # the one that was thrown away first
    assert folder.thin(420) == 1
    assert [one.seed for one in folder.takes] == [0, 2, 3, 4]
    # no more than those
    assert folder.thin(1) == 2
    assert [one.seed for one in folder.takes] == [0, 4]
    assert sorted(path.name for path in folder.path.rglob("*.wav")) == ["take-0.wav", "take-4.wav"]


def test_what_is_gone_stays_listed_and_can_be_marked(tmp_path: Path) -> None:
    folder = TakesFolder(tmp_path / "a")
    one = folder.add(take(), b"1")
    folder.file(one).unlink()
    assert folder.throw(one).kept is False
    assert len(folder.takes) == 1
    with pytest.raises(DistillError, match="cannot read"):
        folder.copy(one, tmp_path / "sent")


@pytest.mark.parametrize(
    "damage", ["[{", '{"a": 1}', '[{"path": "../../etc/passwd", "seconds": 1, "seed": 1, "method": ""}]']
)
def test_a_damaged_list_is_an_error_that_names_it_and_nothing_is_changed(tmp_path: Path, damage: str) -> None:
    folder = TakesFolder(tmp_path / "a")
    kept = folder.file(folder.add(take(), b"1"))
    listed = tmp_path / "a" / "takes.json"
    listed.write_text(damage)
    with pytest.raises(DistillError, match=r"takes.json: cannot be read"):
        TakesFolder(tmp_path / "a")
    with pytest.raises(DistillError, match=r"takes.json"):
        folder.add(take(), b"2")
    assert (listed.read_text(), kept.read_bytes()) == (damage, b"1")
    assert sorted(path.suffix for path in (tmp_path / "a").glob("[a-z]*")) == [".json", ".wav"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(RequestError, match="is a file"):
        TakesFolder(tmp_path / "a")


def test_two_objects_change_one_folder_in_turn(tmp_path: Path) -> None:
    app, worker = TakesFolder(tmp_path / "a"), TakesFolder(tmp_path / "a")
    for number in range(4):
        one = worker.add(take(number), b"x")
        app.mark(one, number % 2 == 0)
    assert [one.kept for one in worker.takes] == [True, False, True, False]


def test_the_app_needs_no_numpy_for_it() -> None:
    heavy = "[m for m in ('numpy', 'torch', 'soundfile') if m in sys.modules]"
    code = f"import sys, distill_tui.takes.folder, distill_tui.takes.check; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
