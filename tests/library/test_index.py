"""The list stays right whatever happens to its index, and shows damaged files with what is wrong."""

import contextlib
import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from distill_tui.library.card import Summary
from distill_tui.library.container import read_summary
from distill_tui.library.index import INDEX_NAME, list_entries
from distill_tui.library.store import Library
from distill_tui.paths import Home
from tests.library.models import card, tensors, write


@pytest.fixture
def folder(home: Home) -> Path:
    """A library of three models."""
    for number, name in enumerate("abc"):
        Library(home).save(tensors(), card(name=name, run=name, created=f"2026-01-0{number + 1}T00:00:00Z"))
    return home.models


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that a list has read, as it goes on."""
    read: list[str] = []

    def counted(path: Path) -> Summary:
        read.append(path.stem)
        return read_summary(path)

    monkeypatch.setattr("distill_tui.library.index.read_summary", counted)
    return read


def test_the_newest_comes_first(folder: Path) -> None:
    assert [entry.name for entry in list_entries(folder)] == ["c", "b", "a"]


def test_only_what_changed_is_read_again(folder: Path, reads: list[str]) -> None:
    before = list_entries(folder)
    reads.clear()
    assert list_entries(folder) == before
    assert reads == []
    (folder / "b.distill").rename(folder / "d.distill")
    (folder / "c.distill").unlink()
    assert [entry.name for entry in list_entries(folder)] == ["d", "a"]
    assert reads == ["d"]
    shutil.copyfile(folder / "a.distill", folder / "e.distill")
    assert [entry.name for entry in list_entries(folder)] == ["d", "e", "a"]
    assert reads == ["d", "e"]


def test_a_file_replaced_by_another_of_its_size_and_time_is_noticed(folder: Path) -> None:
    path = folder / "a.distill"
    list_entries(folder)
    before = path.stat()
    content = path.read_bytes()
    path.write_bytes(b"\xff" * len(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [entry.name for entry in list_entries(folder) if entry.error] == ["a"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"null",
        b"{",
        b"\xff" * 100,
        b'{"version": 2, "hash": "", "rows": {"a.distill": [[0, 0, 0], null, 7]}}',
        b'{"version": 99, "rows": {}}',
        b'{"version": 2, "hash": "", "rows": ' + b"[" * 10_000,
    ],
    ids=range(7),
)
def test_a_damaged_index_is_made_anew(folder: Path, reads: list[str], garbage: bytes) -> None:
    before = list_entries(folder)
    (folder / INDEX_NAME).write_bytes(garbage)
    reads.clear()
    assert list_entries(folder) == before
    assert len(reads) == 3
    assert list_entries(folder) == before
    assert len(reads) == 3


def test_an_index_cut_anywhere_is_made_anew(folder: Path) -> None:
    before = list_entries(folder)
    content = (folder / INDEX_NAME).read_bytes()
    for length in range(0, len(content), 40):
        (folder / INDEX_NAME).write_bytes(content[:length])
        assert list_entries(folder) == before


def test_without_an_index_and_with_one_that_cannot_be_written(folder: Path) -> None:
    before = list_entries(folder)
    (folder / INDEX_NAME).unlink()
    (folder / INDEX_NAME).mkdir()
    (folder / INDEX_NAME / "in the way").touch()
    assert list_entries(folder) == before
    assert not list(folder.glob("*.part"))


def test_damaged_files_are_listed_with_what_is_wrong(folder: Path) -> None:
    (folder / "empty.distill").touch()
    (folder / "folder.distill").mkdir()
    (folder / "link.distill").symlink_to("nowhere")
    (folder / "cut.distill").write_bytes((folder / "a.distill").read_bytes()[:-5])
    (folder / "notes.txt").write_text("not a model, and not listed")
    (folder / ".hidden.distill").touch()
    for _ in ("read", "from the index"):
        wrong = {entry.name: entry.error for entry in list_entries(folder) if entry.summary is None}
        assert wrong == {
            "empty": "is empty",
            "folder": "is a folder, not a .distill file",
            "link": "no such file",
            "cut": "is cut off: 5 bytes of its weights are missing",
        }
    assert len(list_entries(folder)) == 7


def test_a_file_name_that_is_no_text_is_listed(folder: Path) -> None:
    odd = os.fsencode(folder) + b"/\xff\xfe.distill"
    shutil.copyfile(folder / "a.distill", odd)
    for _ in ("read", "again"):
        assert len([entry for entry in list_entries(folder) if not entry.error]) == 4


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """Be somebody whom the permissions of files stop, even when the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_only_can_be_read_is_listed() -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name in "ab":
            write(root / "models" / f"{name}.distill", name=name)
        (root / "models" / "a.distill").chmod(0o644)
        (root / "models" / "b.distill").chmod(0)
        (root / "models").chmod(0o555)
        root.chmod(0o755)
        with without_rights():
            with pytest.raises(PermissionError):
                (root / "models" / "x").touch()
            wrong = {entry.name: entry.error for entry in list_entries(root / "models")}
        assert wrong == {"a": "", "b": "cannot be read: permission denied"}
        (root / "models").chmod(0o755)


@pytest.mark.slow
def test_flipped_bits_in_the_index_are_not_believed(folder: Path) -> None:
    before = list_entries(folder)
    path = folder / INDEX_NAME
    content = path.read_bytes()
    chance = random.Random(0)
    for _ in range(200):
        damaged = bytearray(content)
        damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        assert list_entries(folder) == before


@pytest.mark.parametrize("field", ["id", "run"])
def test_an_index_that_lies_neither_fails_the_end_of_a_training_nor_splits_its_model(home: Home, field: str) -> None:
    """As a damaged one did, before its rows had a hash; the file itself decides."""
    library = Library(home)
    _, path = library.save(tensors(), card(name="m", run="mine"))
    _, other = library.save(tensors(), card(name="n", run="another"))
    before = {p: read_summary(p) for p in (path, other)}
    list_entries(home.models)
    index = home.models / INDEX_NAME
    document = msgspec.json.decode(index.read_bytes())
    name, lie = {"id": ("m.distill", "0" * 12), "run": ("n.distill", "mine")}[field]
    document["rows"][name][1][field] = lie
    rows = msgspec.json.encode(document["rows"])
    document["hash"] = hashlib.blake2b(rows, digest_size=16).hexdigest()
    index.write_bytes(msgspec.json.encode(document))
    assert next(e.path.name for e in list_entries(home.models) if getattr(e.summary, field) == lie) == name
    again, where = library.save(tensors(), card(name="m", run="mine"))
    assert where == path and again.id == before[path].id
    assert read_summary(other) == before[other]
