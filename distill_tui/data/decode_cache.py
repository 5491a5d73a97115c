"""Cache of decoded sounds: mono float32 at a model's sample rate, one file for each sound and rate.

A file's name is what it was made from: the hash of the source's bytes, the rate, and the version of how it is made. It
appears by a rename, whole or not at all, so any number of processes may build and use the cache at once. The samples
are followed by a hash of each block of them. What is read is checked, and a file that is damaged or gone is made anew
from its source, so the cache may be deleted at any time. No file stays open: 100,000 sounds need no descriptor.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from distill_tui.data.audio_io import resampled
from distill_tui.data.corpus import Corpus, Sound
from distill_tui.data.scan import Progress
from distill_tui.data.sound_file import OpenSound, Samples, UnreadableSoundError, hash_file, open_sound, to_mono
from distill_tui.data.thread_pool import Stop, as_ready
from distill_tui.errors import DistillError
from distill_tui.files import ABANDONED, atomic_write, sweep_parts
from distill_tui.paths import Home
from distill_tui.text import printable

CACHE_VERSION = 2
"""To be raised when the same sound would be decoded to other samples, or stored in another way."""
BLOCK = 1 << 14
"""Samples that share a hash. A crop of a second reads a third more than it needs; all hashes are 1/8000 of a file."""
DIGEST = 8
"""Bytes of a block's hash: against accidents, which pass one time in 10^19."""


class Wave(Protocol):
    """Mono samples, in memory or in the cache: a slice of one is an array in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Samples: ...


class CachedWave:
    """A sound at `rate` Hz, or a part of it: a slice is read from the cache's file, which is open only meanwhile.

    Slices are checked against the hashes in the file. One that is damaged or gone is decoded again first.
    """

    def __init__(self, sound: Sound, rate: int, home: Home) -> None:
        self.sound, self._rate, self._home = sound, rate, home
        self._first, self._last = 0, decoded_samples(sound, rate)

    def part(self, first: int, last: int) -> "CachedWave":
        """The samples from `first` to before `last`, not read yet."""
        found = CachedWave(self.sound, self._rate, self._home)
        found._first, found._last = self._first + first, min(self._last, self._first + last)
        return found

    def __len__(self) -> int:
        return self._last - self._first

    def __getitem__(self, part: slice, /) -> Samples:
        """The samples of a slice without a step.

        Raises:
            DistillError: they cannot be read, and cannot be decoded again.
        """
        first, last, step = part.indices(len(self))
        if step != 1:
            raise ValueError("a wave is read without a step")
        first, last = self._first + first, self._first + max(first, last)
        path = cached_path(self.sound, self._rate, self._home)
        samples = _read(path, first, last, decoded_samples(self.sound, self._rate))
        if samples is None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            try:
                decode(self.sound, self._rate, self._home)
            except UnreadableSoundError as error:
                raise DistillError(
                    f"the decoded sound {printable(path.name)} is damaged or gone, and cannot be made anew: {error}",
                    "Put that file back as it was and resume, or start a new run on the folder as it is now.",
                ) from error
            samples = _read(path, first, last, decoded_samples(self.sound, self._rate))
        if samples is None:
            raise DistillError(
                f"the decoded sound {printable(str(path))} is damaged again as soon as it is written",
                "Check that disk, or choose another folder with --home.",
            )
        return samples


def sounds_folder(home: Home) -> Path:
    """The folder of decoded sounds."""
    return home.cache / "sounds"


def cached_path(sound: Sound, rate: int, home: Home) -> Path:
    """The file of a sound at `rate` Hz: little-endian float32, then a hash of DIGEST bytes for each BLOCK samples."""
    return sounds_folder(home) / f"{sound.content}-{rate}-v{CACHE_VERSION}.f32"


def decoded_samples(sound: Sound, rate: int) -> int:
    """Samples of a sound at `rate` Hz."""
    return round(sound.frames * rate / sound.rate)


def _file_size(samples: int) -> int:
    return 4 * samples + DIGEST * -(-samples // BLOCK)


def _digest(path: Path, number: int, block: Samples) -> bytes:
    """The hash of a block: its bytes, and where they belong."""
    return hashlib.blake2b(
        block.data, digest_size=DIGEST, key=path.name.encode()[:64], salt=number.to_bytes(16, "little")
    ).digest()


def _read(path: Path, first: int, last: int, samples: int) -> Samples | None:
    """Samples `first` to `last` of a file that has `samples`; None when it is gone or damaged there."""
    begin, end = first // BLOCK, -(-last // BLOCK)
    block_samples = np.empty(min(end * BLOCK, samples) - begin * BLOCK, "<f4")
    digests = bytearray(DIGEST * (end - begin))
    try:
        with path.open("rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != _file_size(samples):
                return None
            for where, into in (
                (4 * begin * BLOCK, block_samples.view(np.uint8).data),
                (4 * samples + DIGEST * begin, memoryview(digests)),
            ):
                file.seek(where)
                while len(into):
                    count = file.readinto(into)
                    if not count:
                        return None
                    into = into[count:]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DistillError(
            f"cannot read the decoded sound {printable(str(path))}: {(error.strerror or str(error)).lower()}",
            "Delete that file: it is made anew from the sound.",
        ) from error
    for number in range(begin, end):
        start = (number - begin) * BLOCK
        recorded = digests[DIGEST * (number - begin) : DIGEST * (number - begin + 1)]
        if _digest(path, number, block_samples[start : start + BLOCK]) != recorded:
            return None
    return block_samples[first - begin * BLOCK : last - begin * BLOCK]


def decode(sound: Sound, rate: int, home: Home, stop: Stop | None = None) -> Path:
    """Decode a sound at `rate` Hz into the cache unless it is there; return its file.

    Channels are mixed as their mean; memory stays bounded. A sound that is in the cache needs its source no more.

    Args:
        stop: when it is set, decoding ends early and leaves nothing.

    Raises:
        UnreadableSoundError: the source is gone, cannot be read, or is not the file that was scanned.
        DistillError: the disk is full, or the cache cannot be written.
    """
    target = cached_path(sound, rate, home)
    size = _file_size(decoded_samples(sound, rate))
    with contextlib.suppress(OSError):
        if target.stat().st_size == size:
            return target
    written = 0

    def write(file: IO[bytes]) -> None:
        nonlocal written
        digests = bytearray()
        for number, block in enumerate(_in_blocks(_decoded(sound, rate, stop))):
            if stop is not None:
                stop.check()
            written += file.write(block.data)
            digests += _digest(target, number, block)
        written += file.write(digests)

    atomic_write(target, write)
    if written != size:
        target.unlink(missing_ok=True)
        raise UnreadableSoundError(sound.file, f"it was read to another length ({written} bytes, not {size})")
    return target


def _decoded(sound: Sound, rate: int, stop: Stop | None) -> Iterator[Samples]:
    """The sound as mono blocks at `rate` Hz, once its bytes are seen to be those that were scanned."""

    def check(opened: OpenSound) -> None:
        if hash_file(opened.handle, stop) != sound.content:
            raise UnreadableSoundError(sound.file, "it has changed since it was scanned")

    with open_sound(sound.file, check) as opened:
        yield from resampled((to_mono(block) for block in opened.blocks()), opened.rate, rate)


def _in_blocks(pieces: Iterator[Samples]) -> Iterator[Samples]:
    """The same samples in arrays of BLOCK, the last one shorter, as the file holds them."""
    rest = np.zeros(0, "<f4")
    for piece in pieces:
        rest = np.concatenate((rest, piece.astype("<f4", copy=False)))
        for start in range(0, len(rest) // BLOCK * BLOCK, BLOCK):
            yield rest[start : start + BLOCK]
        rest = rest[len(rest) // BLOCK * BLOCK :]
    if len(rest):
        yield rest


def decode_all(
    corpus: Corpus, rate: int, home: Home, progress: Progress | None = None
) -> tuple[list[CachedWave], list[tuple[str, str]]]:
    """Every sound of a corpus at `rate` Hz, in the cache, and (name, reason) of those that cannot be had now.

    Args:
        progress: called with (sounds done, sounds in all) from this thread, first with (0, all).

    Raises:
        DistillError: not one sound can be had, the disk is full, or the cache cannot be written.
    """
    _sweep(sounds_folder(home))
    told = progress or (lambda _done, _total: None)
    told(0, len(corpus.sounds))
    waves: dict[int, CachedWave] = {}
    failed: list[tuple[str, str]] = []
    work = as_ready(enumerate(corpus.sounds), lambda item, stop: decode(item[1], rate, home, stop))
    with contextlib.closing(work) as results:
        for (number, sound), result in results:
            try:
                result()
                waves[number] = CachedWave(sound, rate, home)
            except UnreadableSoundError as error:
                failed.append((sound.name, error.reason))
            told(len(waves) + len(failed), len(corpus.sounds))
    if not waves:
        if not failed:
            raise corpus.no_sounds()
        name, reason = min(failed)
        raise DistillError(
            f"none of the {len(failed)} sounds can be read now: {printable(name)}: {reason}",
            "Start a new run on the folder as it is now.",
        )
    return [waves[number] for number in sorted(waves)], sorted(failed)


def _sweep(folder: Path) -> None:
    """Delete what killed processes left half-written long ago, and what earlier versions of this program made."""
    sweep_parts(folder, ABANDONED)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            version = re.fullmatch(r"[0-9a-f]+-\d+-v(\d+)\.f32", entry.name)
            if version and int(version[1]) < CACHE_VERSION:
                with contextlib.suppress(OSError):
                    Path(entry.path).unlink()


def cache_bytes(home: Home) -> int:
    """Bytes that the home's cache takes on the disk, all of it."""
    total = 0
    for folder, _, names in os.walk(home.cache):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total
