"""The cache of decoded sounds: mono, at a model's rate, as plain float32 files that are mapped into memory.

A file's name is what it was made from: the hash of the source's bytes, the rate, and the version of how it is made. It
appears by a rename, whole or not at all, so any number of processes may build and use the cache at once, and it may be
deleted at any time when no run is starting.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from distill_tui.data.corpus import Corpus, Sound
from distill_tui.data.reading import Samples, UnreadableSoundError, hash_file, open_sound, resampled, to_mono
from distill_tui.data.scan import Progress
from distill_tui.data.threads import Stop, as_ready
from distill_tui.errors import DistillError
from distill_tui.files import atomic_write, printable
from distill_tui.paths import Home

CACHE_VERSION = 1
"""To be raised when the same sound would be decoded to other samples, or stored in another way."""
ABANDONED = 24 * 3600.0
"""Seconds after which a half-written file is what a killed run left behind."""


def sounds_folder(home: Home) -> Path:
    """Where decoded sounds are kept."""
    return home.cache / "sounds"


def decoded(sound: Sound, rate: int, home: Home, stop: Stop | None = None) -> Path:
    """The cached file of a sound at `rate` Hz, made now if it is not there: little-endian float32, mono.

    It holds round(frames * rate / native rate) samples. Channels are mixed as their mean; memory stays bounded. A sound
    that is in the cache needs its source no more.

    Args:
        stop: when it is set, decoding ends early and leaves nothing.

    Raises:
        UnreadableSoundError: the source is gone, cannot be read, or is not the file that was scanned.
        DistillError: the disk is full, or the cache cannot be written.
    """
    target = sounds_folder(home) / f"{sound.content}-{rate}-v{CACHE_VERSION}.f32"
    size = 4 * round(sound.frames * rate / sound.rate)
    with contextlib.suppress(OSError):
        # the size is checked as well: a power cut can leave a file without its content
        if target.stat().st_size == size:
            return target
    written = 0

    def write(file: IO[bytes]) -> None:
        nonlocal written
        for block in _decode(sound, rate, stop):
            if stop is not None:
                stop.check()
            written += file.write(block.astype("<f4", copy=False).data)

    atomic_write(target, write)
    if written != size:
        target.unlink(missing_ok=True)
        raise UnreadableSoundError(sound.file, f"it was read to another length ({written} bytes, not {size})")
    return target


def _decode(sound: Sound, rate: int, stop: Stop | None) -> Iterator[Samples]:
    """The sound as mono blocks at `rate` Hz, once its bytes are seen to be those that were scanned."""

    def check(handle: int) -> None:
        if hash_file(handle, stop) != sound.content:
            raise UnreadableSoundError(sound.file, "it has changed since it was scanned")

    with open_sound(sound.file, check) as opened:
        yield from resampled((to_mono(block) for block in opened.blocks()), opened.rate, rate)


def load(path: Path) -> Samples:
    """The samples of a cached file, [samples], mapped from the disk: only what is touched is read.

    Raises:
        DistillError: it is not there any more, or cannot be read.
    """
    try:
        return np.memmap(path, dtype="<f4", mode="r")
    except (OSError, ValueError) as error:
        raise DistillError(
            f"cannot read the decoded sound {printable(str(path))}: {error}", "Start again: it is made anew."
        ) from error


def decode_all(
    corpus: Corpus, rate: int, home: Home, progress: Progress | None = None
) -> tuple[list[tuple[Sound, Path]], list[tuple[str, str]]]:
    """Every sound of a corpus as its cached file at `rate` Hz, and (name, reason) of those that cannot be had now.

    Args:
        progress: called with (sounds done, sounds in all) from this thread, first with (0, all).

    Raises:
        DistillError: not one sound can be had, the disk is full, or the cache cannot be written.
    """
    _sweep(sounds_folder(home))
    told = progress or (lambda _done, _total: None)
    told(0, len(corpus.sounds))
    files: dict[int, Path] = {}
    failed: list[tuple[str, str]] = []
    work = as_ready(enumerate(corpus.sounds), lambda item, stop: decoded(item[1], rate, home, stop))
    with contextlib.closing(work) as results:
        for (number, sound), result in results:
            try:
                files[number] = result()
            except UnreadableSoundError as error:
                failed.append((sound.name, error.reason))
            told(len(files) + len(failed), len(corpus.sounds))
    if not files:
        if not failed:
            raise corpus.no_sounds()
        name, reason = min(failed)
        raise DistillError(
            f"none of the {len(failed)} sounds can be read now: {printable(name)}: {reason}",
            "Start a new run on the folder as it is now.",
        )
    return [(corpus.sounds[number], files[number]) for number in sorted(files)], sorted(failed)


def _sweep(folder: Path) -> None:
    """Delete what killed processes left half-written long ago."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.name.endswith(".part") and time.time() - entry.stat().st_mtime > ABANDONED:
                    Path(entry.path).unlink()


def cache_bytes(home: Home) -> int:
    """Bytes that the home's cache takes on the disk, all of it."""
    total = 0
    for folder, _, names in os.walk(home.cache):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total
