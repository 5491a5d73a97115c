"""The list of the models in a folder, fast however many there are.

The index is a cache and nothing more: the files are the library. It remembers the summary of each file together with
the file's size and times. A file that changed, came or went is seen when the folder is listed, and an index that is
missing, stale or damaged only makes one listing slower. So it needs no lock: of two that write it at once one wins,
and what the other knew is read from the files again.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import atomic_write
from distill_tui.foreign import MalformedError, convert, decode, read_bytes
from distill_tui.library.annotations import ModelAnnotation
from distill_tui.library.card import ShortData, Summary, task_of
from distill_tui.library.container import read_card, read_summary
from distill_tui.library.header import SUFFIX
from distill_tui.recipe.upgrade import upgrade
from distill_tui.text import printable

INDEX_NAME = ".index.json"
INDEX_VERSION = 3

NOT_ANNOTATED = ModelAnnotation()


@dataclass(frozen=True)
class Entry:
    """A model file: what its card says in short, or `error`, what is wrong with it. `size` is in bytes.

    `annotation` is what a person wrote of it, which `store.Library` adds.
    """

    path: Path
    size: int
    modified: float
    summary: Summary | None
    error: str = ""
    annotation: ModelAnnotation = NOT_ANNOTATED

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(SUFFIX)

    @property
    def id(self) -> str:
        """The model's id; '' when the file is damaged."""
        return self.summary.id if self.summary else ""

    @cached_property
    def created(self) -> str:
        """When it was made, ISO 8601 in UTC; of a damaged file, when it was last changed."""
        if self.summary:
            return self.summary.created
        return datetime.fromtimestamp(self.modified, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @cached_property
    def kind(self) -> str:
        """`codec`, `images` or `generator`; '' when the file is damaged."""
        task = task_of(self.recipe) if self.summary else ""
        return "generator" if task == "prior" else task

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The recipe, nested; {} when the file is damaged."""
        with contextlib.suppress(MalformedError):
            return upgrade(decode(bytes(self.summary.recipe), dict[str, Any])) if self.summary else {}
        return {}


class _Row(Struct, array_like=True):
    """An entry in the index. `stamp` is size, time of the last change, and time of the last change of the entry."""

    stamp: tuple[int, int, int]
    summary: Summary | None
    error: str


class _Index(Struct):
    """The file: `hash` is that of the bytes of `rows`, so that no flipped bit is believed."""

    version: int
    hash: str
    rows: Raw


def read_entry(path: Path) -> Entry:
    """The entry of one file, wherever it lies; a damaged one has its error."""
    try:
        found = path.stat()
    except OSError:
        return Entry(path, 0, 0.0, None, _read(path).error)
    row = _read(path)
    return Entry(path, found.st_size, found.st_mtime, row.summary, row.error)


def _read(path: Path, stamp: tuple[int, int, int] = (0, 0, 0)) -> _Row:
    try:
        return _Row(stamp, read_summary(path), "")
    except RequestError as error:
        return _Row(stamp, None, error.message.removeprefix(f"{printable(str(path))}: "))


def list_entries(folder: Path) -> list[Entry]:
    """Every model file of a folder, the newest first; the index is brought up to date on the way.

    Raises:
        DistillError: the folder cannot be read.
    """
    known = _load(folder / INDEX_NAME)
    rows: dict[str, _Row] = {}
    entries: list[Entry] = []
    changed = False
    for name, found in _scan(folder):
        stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        row = known.get(name)
        if row is None or row.stamp != stamp:
            row, changed = _read(folder / name, stamp), True
        rows[name] = row
        entries.append(Entry(folder / name, found.st_size, found.st_mtime, row.summary, row.error))
    if changed or len(rows) != len(known):
        _save(folder, rows)
    return sorted(entries, key=lambda entry: (entry.created, entry.name), reverse=True)


def fill(entries: Iterable[Entry]) -> dict[str, ShortData]:
    """Data of models whose files are older than the summaries that have it, by file name: from their whole cards."""
    found = {}
    for entry in entries:
        if entry.summary is not None and entry.summary.data is None:
            with contextlib.suppress(DistillError, OSError, MalformedError):
                found[entry.path.name] = convert(read_card(entry.path).data, ShortData)
    return found


def keep_filled(folder: Path, data: Mapping[str, ShortData]) -> None:
    """Note in the index what `fill` found, so that it is not looked for again."""
    rows = _load(folder / INDEX_NAME)
    for name, one in data.items():
        if (row := rows.get(name)) and row.summary is not None:
            row.summary.data = one
    _save(folder, rows)


def _save(folder: Path, rows: Mapping[str, _Row]) -> None:
    with contextlib.suppress(DistillError, UnicodeEncodeError):
        # a folder that cannot be written, or a name that JSON cannot hold: the list is as good without an index
        packed = msgspec.json.encode(rows)
        atomic_write(folder / INDEX_NAME, msgspec.json.encode(_Index(INDEX_VERSION, _hash(packed), Raw(packed))))


def _load(path: Path) -> dict[str, _Row]:
    try:
        index = decode(read_bytes(path), _Index)
        if index.version != INDEX_VERSION or index.hash != _hash(bytes(index.rows)):
            return {}
        rows = decode(bytes(index.rows), dict[str, _Row])
    except (OSError, MalformedError):
        return {}
    for name, row in rows.items():
        if row.summary:
            row.summary.name = name.removesuffix(SUFFIX)
    return rows


def _hash(rows: bytes) -> str:
    return hashlib.blake2b(rows, digest_size=16).hexdigest()


def _scan(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as found:
            for file in found:
                if file.name.endswith(SUFFIX) and not file.name.startswith("."):
                    try:
                        yield file.name, file.stat()
                    except FileNotFoundError:
                        # a link to nowhere is shown as one; a file that went meanwhile is not there
                        if file.is_symlink():
                            yield file.name, file.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DistillError(f"cannot read {printable(str(folder))}: {(error.strerror or str(error)).lower()}") from error
