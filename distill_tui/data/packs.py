"""Packs: decoded sounds in a few large files, and an SQLite index of what lies where in them.

A pack only grows at its end, within a transaction of the index. The index is what counts: bytes behind the last sound
that it knows of are what a killed process left, and the next sound is written over them. Any number of processes may
write and read at once. Packs that a process uses are named in a file that it keeps locked, so that none of them is
deleted meanwhile; the lock dies with the process.
"""

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from distill_tui.errors import DistillError
from distill_tui.files import ABANDONED, describe_os_error, make_folder, private, sweep_parts
from distill_tui.paths import Home
from distill_tui.text import printable

FORMAT = 1
"""To be raised when the same sound would be decoded to other samples, or stored in another way."""
INDEX = f"index-{FORMAT}.sqlite"
BLOCK = 1 << 14
"""Samples that share a scale and a hash. A crop of a second reads a third more than it needs."""
ROW_BYTES = 12
"""Bytes of a block's scale and hash, which stand behind a sound's int16 samples."""
KEY_BYTES = 16
PACK_BYTES = 1 << 30
"""A pack that has grown to this takes no more sounds."""
PATIENCE = 60.0
"""Seconds to wait for another process that writes."""
TABLES = """
CREATE TABLE IF NOT EXISTS packs (id INTEGER PRIMARY KEY, name TEXT, bytes INTEGER, used REAL);
CREATE TABLE IF NOT EXISTS sounds (content TEXT, rate INTEGER, pack INTEGER, offset INTEGER, frames INTEGER, key BLOB,
    PRIMARY KEY (content, rate)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_pack ON sounds (pack);
"""
FIND = "SELECT pack, name, offset, frames, key FROM sounds JOIN packs ON pack = id WHERE content = ? AND rate = ?"
NAME = re.compile(r"[0-9a-f]{16}\.pack")
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class DamagedIndexError(DistillError):
    """The index was damaged, and is gone: the next one is begun anew."""


class Place(NamedTuple):
    """The place of a sound in the packs: pack, file, first byte, samples, and the key of its blocks' hashes."""

    pack: int
    name: str
    offset: int
    frames: int
    key: bytes

    @property
    def is_possible(self) -> bool:
        """False for what only a damaged or foreign index holds."""
        numbers = (self.pack, self.offset, self.frames)
        is_named = isinstance(self.name, str) and NAME.fullmatch(self.name) is not None
        are_numbers = all(isinstance(number, int) and number >= 0 for number in numbers)
        return is_named and are_numbers and isinstance(self.key, bytes) and len(self.key) == KEY_BYTES


class Row(NamedTuple):
    """A pack: its number, file, bytes, and when it was used last (Unix time)."""

    id: int
    name: str
    bytes: int
    used: float


def stored_bytes(samples: int) -> int:
    """Bytes of a sound of so many samples."""
    return 2 * samples + ROW_BYTES * -(-samples // BLOCK)


def packs_folder(home: Home) -> Path:
    """The folder of the packs and their index."""
    return home.cache / "packs"


class Index:
    """The index of a home's packs, within one transaction; `changing` and `reading` open it."""

    def __init__(self, folder: Path, rows: sqlite3.Connection) -> None:
        self.folder, self._rows = folder, rows

    def find(self, contents: Iterable[str], rate: int) -> dict[str, Place]:
        """The places of those sounds, by the hash of their content, that are there at `rate` Hz."""
        found = {}
        for content in contents:
            row = self._rows.execute(FIND, (content, rate)).fetchone()
            if row is not None and (place := Place._make(row)).is_possible:
                found[content] = place
        return found

    def packs(self) -> list[Row]:
        """All packs, the one that was used last at the end."""
        rows = [Row._make(row) for row in self._rows.execute("SELECT id, name, bytes, used FROM packs ORDER BY used")]
        return [row for row in rows if isinstance(row.name, str) and NAME.fullmatch(row.name) and row.bytes >= 0]

    def growing(self) -> Row:
        """The pack that the next sound goes into: the newest, or a new one where that is full or has lost its end."""
        pack = max(self.packs(), default=None)
        if pack is not None and pack.bytes < PACK_BYTES:
            with contextlib.suppress(OSError):
                if (self.folder / pack.name).stat().st_size >= pack.bytes:
                    return pack
        return self.add_pack(f"{os.urandom(8).hex()}.pack", 0)

    def add_pack(self, name: str, size: int) -> Row:
        """Take in a pack of `size` bytes."""
        added = self._rows.execute("INSERT INTO packs (name, bytes, used) VALUES (?, ?, ?)", (name, size, time.time()))
        return Row(int(added.lastrowid or 0), name, size, time.time())

    def grown(self, pack: int, size: int) -> None:
        """A pack has `size` bytes now."""
        self._rows.execute("UPDATE packs SET bytes = ?, used = ? WHERE id = ?", (size, time.time(), pack))

    def add(self, content: str, rate: int, pack: int, offset: int, frames: int, key: bytes) -> None:
        """Take in the place of a sound."""
        row = (content, rate, pack, offset, frames, key)
        self._rows.execute("INSERT OR REPLACE INTO sounds VALUES (?, ?, ?, ?, ?, ?)", row)

    def use(self, packs: Iterable[int]) -> None:
        """These packs are used now."""
        self._rows.executemany("UPDATE packs SET used = ? WHERE id = ?", [(time.time(), pack) for pack in packs])

    def forget(self, content: str, rate: int, key: bytes) -> None:
        """Forget the place of a sound that is damaged there, unless it has a new one already."""
        self._rows.execute("DELETE FROM sounds WHERE content = ? AND rate = ? AND key = ?", (content, rate, key))

    def drop(self, pack: Row) -> None:
        """Delete a pack and forget its sounds."""
        self._rows.execute("DELETE FROM sounds WHERE pack = ?", (pack.id,))
        self._rows.execute("DELETE FROM packs WHERE id = ?", (pack.id,))
        with contextlib.suppress(OSError):
            (self.folder / pack.name).unlink()


@contextlib.contextmanager
def changing(home: Home) -> Iterator[Index]:
    """Open the index to change it, alone: what is done is kept, or nothing of it after an error.

    Raises:
        DistillError: the cache cannot be written, or another process has kept the index for long.
    """
    folder = packs_folder(home)
    try:
        with contextlib.closing(_connect(folder)) as rows:
            # IMMEDIATE: whoever comes second waits here, and not in the middle
            rows.execute("BEGIN IMMEDIATE")
            try:
                yield Index(folder, rows)
            except BaseException:
                rows.rollback()
                raise
            rows.commit()
    except OSError as error:
        raise DistillError(*describe_os_error(error, folder)) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in DAMAGED:
            with contextlib.suppress(OSError):
                (folder / INDEX).unlink()
            raise DamagedIndexError(f"{printable(str(folder / INDEX))} is damaged", "Try again.") from error
        raise DistillError(
            f"cannot write {printable(str(folder / INDEX))}: {error}",
            "Try again; if that does not help, delete that folder: the sounds are decoded anew.",
        ) from error


def _connect(folder: Path) -> sqlite3.Connection:
    make_folder(folder)
    return _open(folder / INDEX)


def _open(path: Path, mend: bool = True) -> sqlite3.Connection:
    """Connect to an index; one that is damaged is begun anew, and the packs that it knew are swept some day."""
    os.close(private(str(path), os.O_RDWR | os.O_CREAT))
    rows = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        known = rows.execute("SELECT name FROM sqlite_master WHERE name = 'by_pack'").fetchone()
        if known is None:
            rows.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")
    except sqlite3.Error as error:
        rows.close()
        if not mend or getattr(error, "sqlite_errorcode", None) not in DAMAGED:
            raise
        path.unlink()
        return _open(path, mend=False)
    return rows


class Use:
    """The packs that this process uses, in a file that is locked as long as the object lives."""

    def __init__(self) -> None:
        self._handle, self._packs = -1, set[int]()

    @property
    def packs(self) -> frozenset[int]:
        return frozenset(self._packs)

    def take(self, index: Index, packs: Iterable[int]) -> None:
        """Use these packs too, from now on.

        Raises:
            OSError: the file cannot be written.
        """
        new = set(packs) - self._packs
        if not new:
            return
        if self._handle < 0:
            import fcntl

            self._handle = private(str(index.folder / f"{os.urandom(8).hex()}.use"), os.O_RDWR | os.O_CREAT | os.O_EXCL)
            fcntl.flock(self._handle, fcntl.LOCK_EX)
        self._packs |= new
        os.write(self._handle, "".join(f"{pack}\n" for pack in new).encode())
        index.use(new)

    def end(self) -> None:
        """Let go of them all."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._packs = -1, set()

    def __del__(self) -> None:
        self.end()


def used_packs(index: Index) -> set[int]:
    """The packs that any living process uses; files of dead ones are deleted."""
    import fcntl

    used = set[int]()
    for path in index.folder.glob("*.use"):
        # on NFS only what is open for writing can be locked so
        with contextlib.suppress(OSError), path.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                used |= {int(word) for word in file.read(1 << 24).split() if word.isdigit()}
            else:
                path.unlink()
    return used


def sweep(index: Index) -> None:
    """Delete what killed processes left, and packs that no index knows any more."""
    sweep_parts(index.folder, ABANDONED)
    known = {pack.name for pack in index.packs()}
    for path in index.folder.glob("*.pack"):
        with contextlib.suppress(OSError):
            if path.name not in known and time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()
