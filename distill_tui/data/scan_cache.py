"""Cache of scan results, so that an unchanged folder is scanned at once."""

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from distill_tui.files import make_folder, private
from distill_tui.foreign import MalformedError, decode

VERSION = 4
"""To be raised when a scan finds out more, or judges differently, than what is remembered."""
FILE_NAME = f"scans-{VERSION}.sqlite"
PATIENCE = 2.0
"""Seconds to wait for another process that writes; then this one goes without."""
SAVE_EVERY = 5.0
"""Seconds of scanning that are lost when a scan is killed."""
CREATE = """CREATE TABLE IF NOT EXISTS findings
    (path BLOB PRIMARY KEY, size INTEGER, modified INTEGER, changed INTEGER, finding BLOB, hash BLOB) WITHOUT ROWID"""
RECALL = "SELECT finding, hash FROM findings WHERE path = ? AND size = ? AND modified = ? AND changed = ?"
REMEMBER = "INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?, ?)"
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Finding(Struct, kw_only=True):
    """The result of reading a file to its end. `reason` says why it cannot be used ('' if it can).

    `content` is the hash of its bytes, `sound` that of its samples: the same in a WAV file and its copy as FLAC.
    `tonality` is in bits (`data.tonality`); None if it was not measured. `print` tells near-twins (`data.near_twins`).
    """

    reason: str = ""
    content: str = ""
    sound: str = ""
    rate: int = 0
    channels: int = 0
    frames: int = 0
    tonality: float | None = None
    format: str = ""
    note: str = ""
    print: str = ""


Stamp = tuple[int, int, int]


def _hash(path: str, stamp: Stamp, finding: bytes) -> bytes:
    """The hash of a row: what was found, and of which file."""
    name = os.fsencode(path)
    return hashlib.blake2b(b"%d %d %d %d " % (len(name), *stamp) + name + finding, digest_size=16).digest()


def stamp_of(status: os.stat_result) -> Stamp:
    """What a file's status tells of its content: size, and the times of its last modification and change in ns."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


class ScanMemory:
    """Findings by path and stamp, in an SQLite file. Whatever is wrong with that file, a scan goes on without it."""

    def __init__(self, cache: Path | None) -> None:
        path = self._path = cache / FILE_NAME if cache else None
        self._new: list[tuple[bytes, int, int, int, bytes, bytes]] = []
        self._saved_at = time.monotonic()
        self._connection = None if path is None else self._open(path)

    def _open(self, path: Path, mend: bool = True) -> sqlite3.Connection | None:
        connection = None
        try:
            make_folder(path.parent)
            for earlier in range(1, VERSION):
                path.with_name(f"scans-{earlier}.sqlite").unlink(missing_ok=True)
            os.close(private(str(path), os.O_RDWR | os.O_CREAT))
            connection = sqlite3.connect(path, timeout=PATIENCE)
            connection.execute(CREATE)
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
            if mend and getattr(error, "sqlite_errorcode", None) in DAMAGED:
                # another process may hold the old file open: it goes on with that one, and loses only what it learned
                with contextlib.suppress(OSError):
                    path.unlink()
                    return self._open(path, mend=False)
            return None
        return connection

    def _give_up(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def _fail(self, error: sqlite3.Error) -> bool:
        """Go on without the file, which is deleted if it is damaged; whether it was."""
        self._give_up()
        damaged = getattr(error, "sqlite_errorcode", None) in DAMAGED
        if damaged and self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
        return damaged

    def recall(self, files: Iterable[tuple[str, Stamp]]) -> dict[str, Finding]:
        """Cached findings of these files; changed and unknown files are left out."""
        known: dict[str, Finding] = {}
        if self._connection is None:
            return known
        try:
            for path, stamp in files:
                row = self._connection.execute(RECALL, (os.fsencode(path), *stamp)).fetchone()
                # whatever is in a damaged file: only what has its hash is looked at
                if row is not None and isinstance(row[0], bytes) and row[1] == _hash(path, stamp, row[0]):
                    with contextlib.suppress(MalformedError):
                        known[path] = decode(row[0], Finding)
        except sqlite3.Error as error:
            if self._fail(error) and self._path is not None:
                self._connection = self._open(self._path, mend=False)
        return known

    def remember(self, path: str, stamp: Stamp, finding: Finding) -> None:
        """Take one finding in; it is written soon, or by `close`."""
        if self._connection is None:
            return
        packed = msgspec.json.encode(finding)
        self._new.append((os.fsencode(path), *stamp, packed, _hash(path, stamp, packed)))
        if time.monotonic() - self._saved_at > SAVE_EVERY:
            self._save()

    def _save(self) -> None:
        if self._connection is not None and self._new:
            try:
                with self._connection:
                    self._connection.executemany(REMEMBER, self._new)
            except sqlite3.Error as error:
                self._fail(error)
        self._new.clear()
        self._saved_at = time.monotonic()

    def close(self) -> None:
        """Write what is new and let go of the file."""
        self._save()
        self._give_up()
