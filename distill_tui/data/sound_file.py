"""Reading sound files: in blocks, whatever their length, format, rate and channels."""

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from distill_tui.data.thread_pool import Stop
from distill_tui.errors import DistillError
from distill_tui.text import printable

Samples = NDArray[np.float32]
BLOCK_SAMPLES = 1 << 18
"""Samples (of all channels together) in a block: what a file of any length costs in memory is a few times 1 MB."""
READABLE_ERRORS = (OSError, soundfile.SoundFileError, ValueError, MemoryError)
"""What soundfile raises for files that it cannot read."""
UNKNOWN_LENGTH = 0x7FFF0000
"""Programs that write to a pipe put such a number or a greater one where the length of a WAV file belongs."""
SPARSE_BYTES, SPARSE_SHARE = 1 << 28, 16
"""A file this large must have one byte in so many on the disk."""
MPEG_SLACK = 4096
"""Frames that a sound MP3 file may lack of those that were estimated for it."""

SUBTYPE_WORDS = {
    "PCM_S8": "8 bit",
    "PCM_U8": "8 bit",
    "PCM_16": "16 bit",
    "PCM_24": "24 bit",
    "PCM_32": "32 bit",
    "FLOAT": "32-bit float",
    "DOUBLE": "64-bit float",
    "VORBIS": "Vorbis",
    "OPUS": "Opus",
    "MPEG_LAYER_I": "",
    "MPEG_LAYER_II": "",
    "MPEG_LAYER_III": "",
}


class UnreadableSoundError(DistillError):
    """A file that cannot be read as sound; `reason` says why in a few words, without the file's name."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{printable(str(path))}: {reason}")
        self.reason = reason


class OpenSound:
    """A sound file that is open for reading, from its first sample to its last.

    Attributes:
        handle: the file's descriptor; only for `os.pread`, which leaves the decoder where it is.
        rate: in Hz.
        channels: how many.
        promised: frames that the file says it has; it may lie.
        format: for people: `WAV 16 bit`, `OGG Vorbis`.
        frames: frames that `blocks` has delivered so far.
        broken: what libsndfile said when it had to stop before the end; '' otherwise.
    """

    def __init__(self, file: Any, handle: int) -> None:
        self._file, self.handle = file, handle
        self.rate: int = file.samplerate
        self.channels: int = file.channels
        self.promised: int = file.frames
        subtype = SUBTYPE_WORDS.get(file.subtype, file.subtype.replace("_", " ").lower())
        self.format = f"{file.format.replace('WAVEX', 'WAV')} {subtype}".rstrip()
        self.frames = 0
        self.broken = ""

    def blocks(self) -> Iterator[Samples]:
        """The sound as arrays [frames, channels] of about BLOCK_SAMPLES samples, full scale at 1.

        A file that breaks off ends the iteration; `broken` and `cut_off` tell.
        """
        size = max(1, min(BLOCK_SAMPLES // self.channels, self.promised))
        while not self.broken:
            buffer = np.full((size, self.channels), np.nan, np.float32)
            try:
                block: Samples = self._file.read(dtype="float32", always_2d=True, out=buffer)
            except READABLE_ERRORS as error:
                # what was decoded before the fault is in the buffer; integers never become NaN
                self.broken = _reason(error)
                untouched = np.isnan(buffer[:, 0])
                block = buffer[: untouched.argmax() if untouched.any() else size]
            if not len(block):
                return
            self.frames += len(block)
            yield block

    def cut_off(self) -> str:
        """After the last block: `cut off after 1.2 s of 3.0 s`, or '' when everything that was promised is there."""
        promised = max(self.promised, self._promised_by_header())
        # some programs count a few bytes too many into the length: what lasts under 1 ms is nothing
        slack = MPEG_SLACK if self.format.startswith("MP3") else self.rate // 1000
        if promised - self.frames > slack:
            return f"cut off after {self.frames / self.rate:.3g} s of {promised / self.rate:.3g} s"
        if self.broken:
            return f"cut off after {self.frames / self.rate:.3g} s: {self.broken}"
        if self.format.startswith("OGG") and not self._has_last_page():
            return f"cut off after {self.frames / self.rate:.3g} s"
        return ""

    def _promised_by_header(self) -> int:
        """Frames that the header tells of: libsndfile goes by the file's size, and only logs the difference."""
        for line in str(self._file.extra_info).splitlines():
            match = re.match(r"\s*(?:data|SSND|riff)\s*: (\d+) \(should be (\d+)\)", line)
            if match:
                promised, there = int(match[1]), int(match[2])
                if there < promised < UNKNOWN_LENGTH and there > 0:
                    return self.promised * promised // there
        return 0

    def _has_last_page(self) -> bool:
        """Check whether an Ogg file ends with the last page of its stream; a page has at most 65,307 bytes."""
        end = os.fstat(self.handle).st_size
        tail = os.pread(self.handle, 1 << 17, max(0, end - (1 << 17)))
        last = tail.rfind(b"OggS")
        return last >= 0 and len(tail) > last + 5 and bool(tail[last + 5] & 4)


@contextlib.contextmanager
def open_sound(path: Path, check: Callable[[OpenSound], None] | None = None) -> Iterator[OpenSound]:
    """Open a sound file for reading in blocks.

    Args:
        path: a file of any format that libsndfile reads, under any name that the file system allows.
        check: called before anything is decoded: it may read the file, and raise to refuse it.

    Raises:
        UnreadableSoundError: there is no such file, it may not be read, or it is not a sound.
    """
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to must not hang
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise UnreadableSoundError(path, _reason(error)) from error
    try:
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableSoundError(path, "not a regular file")
            if not status.st_size:
                raise UnreadableSoundError(path, "empty (0 bytes)")
            on_disk = _bytes_on_disk(handle, status.st_size)
            os.lseek(handle, 0, os.SEEK_SET)
            if on_disk < status.st_size:
                raise UnreadableSoundError(
                    path, f"only {_bytes(on_disk)} of its {_bytes(status.st_size)} are on the disk"
                )
            # by descriptor: soundfile cannot encode every name, and the file stays the one that was checked
            file = soundfile.SoundFile(handle, closefd=False)
        except READABLE_ERRORS as error:
            raise UnreadableSoundError(path, _reason(error)) from error
        with file:
            opened = OpenSound(file, handle)
            if check is not None:
                try:
                    check(opened)
                except READABLE_ERRORS as error:
                    raise UnreadableSoundError(path, _reason(error)) from error
            yield opened
    finally:
        os.close(handle)


def _bytes_on_disk(handle: int, size: int) -> int:
    """Bytes of a large file that is next to all hole, as a download that has only begun is; of any other its size.

    Holes read as zeros at the speed of memory: 100 GB of nothing would take minutes. File systems that compress store
    silence as holes, so a part of sound is enough for a file to be read.
    """
    if size < SPARSE_BYTES or not hasattr(os, "SEEK_DATA"):
        return size
    found = end = 0
    while end < size and found * SPARSE_SHARE < size:
        try:
            start = os.lseek(handle, end, os.SEEK_DATA)
        except OSError as error:
            # ENXIO: no data from here on; anything else: this file system does not tell
            return found if error.errno == errno.ENXIO else size
        end = os.lseek(handle, start, os.SEEK_HOLE)
        found += end - start
    return found if found * SPARSE_SHARE < size else size


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count} bytes"


class FileHash:
    """The hash of an open file's bytes, in hexadecimal: what a sound is known by, wherever it lies.

    It follows a decoder, so that the disk is asked for every byte once, however large the file is.
    """

    def __init__(self, handle: int, path: Path) -> None:
        self._handle, self._path, self._position = handle, path, 0
        self._hasher = hashlib.blake2b(digest_size=20)

    def follow(self, stop: Stop | None = None) -> None:
        """Take in what the decoder has read so far, which is still in memory."""
        self._read(os.lseek(self._handle, 0, os.SEEK_CUR), stop)

    def finish(self, stop: Stop | None = None) -> str:
        """Take in the rest of the file; the hash of all of it."""
        self._read(1 << 62, stop)
        return self._hasher.hexdigest()

    def _read(self, end: int, stop: Stop | None) -> None:
        try:
            while data := os.pread(self._handle, min(1 << 20, max(0, end - self._position)), self._position):
                self._hasher.update(data)
                self._position += len(data)
                if stop is not None:
                    stop.check()
        except OSError as error:
            raise UnreadableSoundError(self._path, _reason(error)) from error


def content_of(path: Path) -> str:
    """The hash of a file's bytes; "" where it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return ""
    try:
        return FileHash(handle, path).finish() if stat.S_ISREG(os.fstat(handle).st_mode) else ""
    except (OSError, UnreadableSoundError):
        return ""
    finally:
        os.close(handle)


def to_mono(block: Samples) -> Samples:
    """The mean of a block's channels: [frames, channels] to [frames]."""
    return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)


def _reason(error: Exception) -> str:
    """An error in a few words of lower case."""
    if isinstance(error, soundfile.LibsndfileError):
        text = str(error.error_string).removeprefix("Error : ")
        return f"not a sound that can be read: {text[:1].lower()}{text[1:]}".rstrip(". ")
    if isinstance(error, OSError):
        return f"cannot be read: {(error.strerror or str(error)).lower()}"
    return f"cannot be read: {error}" if str(error) else "cannot be read"
