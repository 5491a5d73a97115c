"""Writing decoded sounds into packs, from any number of threads and processes."""

import contextlib
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from distill_tui.data import packs
from distill_tui.data.blocks import TRAILER, digest, in_blocks, quantize
from distill_tui.data.packs import Index, Use, changing, packs_folder
from distill_tui.data.sound_file import Samples
from distill_tui.errors import DistillError
from distill_tui.files import describe_os_error, make_folder, private
from distill_tui.paths import Home

MOST_HELD = 1 << 25
"""Bytes of a sound that are held in memory until its end is known; a longer one becomes a pack of its own."""
BATCH_BYTES, BATCH_SECONDS = 1 << 26, 2.0
"""Sounds are written when there are so many bytes of them, or after so long: what a killed process loses."""


class Encoded:
    """A sound as a pack holds it, in memory or, where it is long, in a file beside the packs."""

    def __init__(self, folder: Path, pieces: Iterable[Samples]) -> None:
        """Quantize all of `pieces`.

        Raises:
            DistillError: the cache cannot be written.
        """
        self.frames, self.key, self.data = 0, os.urandom(packs.KEY_BYTES), bytearray()
        self.part: Path | None = None
        self._folder, self._handle = folder, -1
        try:
            rows = []
            for number, block in enumerate(in_blocks(pieces)):
                integers, scale = quantize(block)
                rows.append((scale, digest(integers, scale, self.key, number)))
                self.data += integers.data
                self.frames += len(block)
                if len(self.data) > MOST_HELD:
                    self._spill()
            self.data += np.array(rows, TRAILER).tobytes()
            self.size = len(self.data)
            if self._handle >= 0:
                self._spill()
                self.size = os.fstat(self._handle).st_size
                os.fsync(self._handle)
        except OSError as error:
            self.drop()
            raise DistillError(*describe_os_error(error, self.part or folder)) from error
        except BaseException:
            self.drop()
            raise
        self._close()

    def _spill(self) -> None:
        """Move what is in memory into the file."""
        if self.part is None:
            make_folder(self._folder)
            self.part = self._folder / f".{os.urandom(8).hex()}.part"
            self._handle = private(str(self.part), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        write_all(self._handle, self.data)
        self.data.clear()

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1

    def drop(self) -> None:
        """Delete the file, which nobody wants."""
        self._close()
        if self.part is not None:
            with contextlib.suppress(OSError):
                self.part.unlink()


def write_all(handle: int, data: bytes | bytearray) -> None:
    """Write all of `data`, which may take several calls."""
    view = memoryview(data)
    while len(view):
        view = view[os.write(handle, view) :]
    view.release()


class Packer:
    """Takes sounds at `rate` Hz into the packs. To be closed, by `with`, for the last of them to be written."""

    def __init__(self, home: Home, rate: int, use: Use) -> None:
        self.rate, self._home, self._use = rate, home, use
        self.folder = packs_folder(home)
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, Encoded]] = []
        self._bytes, self._begun = 0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None or not issubclass(kind, DistillError):
            self.flush()
        else:
            for _, sound in self._waiting:
                sound.drop()

    def encode(self, pieces: Iterable[Samples]) -> Encoded:
        """Quantize a sound at the packs' rate."""
        return Encoded(self.folder, pieces)

    def add(self, content: str, sound: Encoded) -> None:
        """Take a sound in; it is written soon.

        Raises:
            DistillError: the disk is full, or the cache cannot be written.
        """
        with self._lock:
            self._waiting.append((content, sound))
            self._bytes += len(sound.data)
            if self._bytes >= BATCH_BYTES or time.monotonic() - self._begun > BATCH_SECONDS:
                self._write()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        try:
            if waiting:
                with changing(self._home) as index:
                    self._append(index, waiting)
        finally:
            self._begun = time.monotonic()
            for _, sound in waiting:
                sound.drop()

    def _append(self, index: Index, waiting: list[tuple[str, Encoded]]) -> None:
        there = index.find((content for content, _ in waiting), self.rate)
        new = {content: sound for content, sound in waiting if content not in there}
        for content, sound in new.items():
            if sound.part is not None:
                pack = index.add_pack(f"{os.urandom(8).hex()}.pack", sound.size)
                sound.part.rename(self.folder / pack.name)
                index.add(content, self.rate, pack.id, 0, sound.frames, sound.key)
                self._use.take(index, [pack.id])
        held = [(content, sound) for content, sound in new.items() if sound.part is None]
        while held:
            held = self._grow(index, held)

    def _grow(self, index: Index, held: list[tuple[str, Encoded]]) -> list[tuple[str, Encoded]]:
        """Append sounds to the growing pack until it is full; those that are left."""
        pack = index.growing()
        handle = private(str(self.folder / pack.name), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW)
        try:
            # what a killed process left there
            os.ftruncate(handle, pack.bytes)
            end = os.lseek(handle, 0, os.SEEK_END)
            for number, (content, sound) in enumerate(held):
                if end >= packs.PACK_BYTES:
                    held = held[number:]
                    break
                write_all(handle, sound.data)
                index.add(content, self.rate, pack.id, end, sound.frames, sound.key)
                end += sound.size
            else:
                held = []
            os.fsync(handle)
        except BaseException:
            # room on a disk that may be full
            os.ftruncate(handle, pack.bytes)
            raise
        finally:
            os.close(handle)
        index.grown(pack.id, end)
        self._use.take(index, [pack.id])
        return held
