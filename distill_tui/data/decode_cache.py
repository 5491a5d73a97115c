"""Cache of decoded sounds: mono at a model's sample rate, in packs (`data.packs`).

A sound is known by the hash of its source's bytes and the rate. What is read is checked, and what is damaged or gone is
made anew from its source, so the cache may be deleted at any time. No file stays open but one that says which packs are
in use: 100,000 sounds need no descriptor.
"""

import contextlib
import functools
import os
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from distill_tui.data import float_cache
from distill_tui.data.audio_io import resampled
from distill_tui.data.blocks import TRAILER, Integers, digest, restore
from distill_tui.data.cache_room import decoded_samples, make_room, needed_bytes
from distill_tui.data.corpus import Corpus, Sound
from distill_tui.data.packer import Encoded, Packer
from distill_tui.data.packs import BLOCK, DamagedIndexError, Place, Use, changing, packs_folder, sweep
from distill_tui.data.scan import Progress
from distill_tui.data.sound_file import FileHash, OpenSound, Samples, UnreadableSoundError, open_sound, to_mono
from distill_tui.data.thread_pool import Stop, as_ready
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.text import printable


class Wave(Protocol):
    """Mono samples, in memory or in the cache: a slice of one is an array in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Samples: ...


class CachedWave:
    """A sound at `rate` Hz, or a part of it: a slice is read from its pack, which is open only meanwhile.

    Slices are checked against the hashes in the pack. One that is damaged or gone is decoded again first.
    """

    def __init__(self, sound: Sound, rate: int, home: Home, place: Place, use: Use) -> None:
        self.sound, self.place = sound, place
        self._rate, self._home, self._use = rate, home, use
        self._first, self._last = 0, place.frames

    def part(self, first: int, last: int) -> "CachedWave":
        """The samples from `first` to before `last`, not read yet."""
        found = CachedWave(self.sound, self._rate, self._home, self.place, self._use)
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
        integers, scales, start = self.quantized(first, max(first, last))
        return restore(integers, scales, start)

    def quantized(self, first: int, last: int) -> tuple[Integers, NDArray[np.float32], int]:
        """Samples `first` to before `last` as integers, the scales of their blocks, and where in the first block they
        begin.

        Raises:
            DistillError: they cannot be read, and cannot be decoded again.
        """
        begin, end = self._first + first, self._first + last
        read = _read(_folder(self._home), self.place, begin, end)
        if read is None:
            self._renew()
            read = _read(_folder(self._home), self.place, begin, end)
        if read is None:
            raise DistillError(
                f"the decoded sound of {printable(self.sound.name)} is damaged again as soon as it is written",
                "Check the disk of the cache, or choose another folder with --home.",
            )
        return *read, begin % BLOCK

    def _renew(self) -> None:
        """Decode the sound again, unless another process has."""
        try:
            with changing(self._home) as index:
                index.forget(self.sound.content, self._rate, self.place.key)
            self.place = decode(self.sound, self._rate, self._home, self._use).place
        except UnreadableSoundError as error:
            raise DistillError(
                f"the decoded sound of {printable(self.sound.name)} is damaged or gone, and was not made anew: {error}",
                "Put that file back as it was and resume, or start a new run on the folder as it is now.",
            ) from error


@functools.lru_cache(8)
def _folder(home: Home) -> str:
    """The packs' folder as text: for 100,000 sounds, making a Path takes as long as reading them."""
    return os.fspath(packs_folder(home))


def _read(folder: str, place: Place, first: int, last: int) -> tuple[Integers, NDArray[np.float32]] | None:
    """Samples `first` to before `last` of a sound and the scales of their blocks; None when it is gone or damaged."""
    begin, end = first // BLOCK, -(-last // BLOCK)
    count = min(end * BLOCK, place.frames) - begin * BLOCK
    table = place.offset + 2 * place.frames + TRAILER.itemsize * begin
    path = f"{folder}/{place.name}"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        samples = _read_all(handle, 2 * count, place.offset + 2 * begin * BLOCK)
        rows = _read_all(handle, TRAILER.itemsize * (end - begin), table)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(handle)
    if samples is None or rows is None:
        return None
    integers, trailer = np.frombuffer(samples, "<i2"), np.frombuffer(rows, TRAILER)
    hashes = trailer["hash"].tolist()
    for number in range(end - begin):
        block = integers[number * BLOCK : (number + 1) * BLOCK]
        if digest(block, trailer["scale"][number], place.key, begin + number) != hashes[number]:
            return None
    return integers[first - begin * BLOCK : last - begin * BLOCK], trailer["scale"]


def _read_all(handle: int, count: int, position: int) -> bytes | None:
    """`count` bytes of a file from `position` on; None if it is shorter."""
    found = os.pread(handle, count, position)
    while len(found) < count:
        more = os.pread(handle, count - len(found), position + len(found))
        if not more:
            return None
        found += more
    return found


def _unreadable(path: str, error: OSError) -> DistillError:
    return DistillError(
        f"cannot read the decoded sounds in {printable(path)}: {(error.strerror or str(error)).lower()}",
        "Delete that file: its sounds are decoded anew.",
    )


def decode(sound: Sound, rate: int, home: Home, use: Use | None = None) -> CachedWave:
    """A sound at `rate` Hz, decoded into the cache unless it is there, with its source or without.

    Raises:
        UnreadableSoundError: the source is gone, cannot be read, or is not the file that was scanned.
        DistillError: the disk is full, or the cache cannot be written.
    """
    use = use or Use()
    places = _find(home, [sound], rate, use)
    if not places:
        with Packer(home, rate, use) as packer:
            _pack(sound, packer, home, Stop())
        places = _find(home, [sound], rate, use)
    return CachedWave(sound, rate, home, places[sound.content], use)


def _find(home: Home, sounds: Iterable[Sound], rate: int, use: Use) -> dict[str, Place]:
    """The places of sounds that are in the cache, which is told that they are used."""
    length = {sound.content: decoded_samples(sound, rate) for sound in sounds}
    try:
        with changing(home) as index:
            found = index.find(length, rate)
            places = {content: place for content, place in found.items() if place.frames == length[content]}
            use.take(index, {place.pack for place in places.values()})
    except DamagedIndexError:
        return {}
    return places


def _pack(sound: Sound, packer: Packer, home: Home, stop: Stop) -> None:
    """Decode a sound into the packs. Channels are mixed as their mean; memory stays bounded."""
    samples = decoded_samples(sound, packer.rate)
    earlier = float_cache.samples(sound, packer.rate, samples, home)
    packed = _decoded(sound, packer, stop) if earlier is None else packer.encode(earlier)
    if packed.frames != samples:
        packed.drop()
        raise UnreadableSoundError(
            sound.file, f"it was read to another length ({packed.frames} samples, not {samples})"
        )
    packer.add(sound.content, packed)


def _decoded(sound: Sound, packer: Packer, stop: Stop) -> Encoded:
    """A sound read from its source, whose bytes must be those that were scanned."""
    with open_sound(sound.file) as opened:
        content = FileHash(opened.handle, sound.file)
        packed = packer.encode(resampled(_mono_blocks(opened, content, stop), opened.rate, packer.rate))
        try:
            if content.finish(stop) != sound.content:
                raise UnreadableSoundError(sound.file, "it has changed since it was scanned")
        except BaseException:
            packed.drop()
            raise
    return packed


def _mono_blocks(opened: OpenSound, content: FileHash, stop: Stop) -> Iterator[Samples]:
    for block in opened.blocks():
        stop.check()
        content.follow(stop)
        yield to_mono(block)


def decode_all(
    corpus: Corpus, rate: int, home: Home, progress: Progress | None = None
) -> tuple[list[CachedWave], list[tuple[str, str]]]:
    """Every sound of a corpus at `rate` Hz, in the cache, and (name, reason) of those that cannot be had now.

    Args:
        progress: called with (sounds done, sounds in all) from this thread, first with (0, all).

    Raises:
        DistillError: not one sound can be had, the disk is full, or the cache cannot be written.
    """
    told = progress or (lambda _done, _total: None)
    told(0, len(corpus.sounds))
    use = Use()
    places = _find(home, corpus.sounds, rate, use)
    missing = [sound for sound in corpus.sounds if sound.content not in places]
    done = len(corpus.sounds) - len(missing)
    failed: list[tuple[str, str]] = []
    if missing:
        with changing(home) as index:
            sweep(index)
            make_room(home, index, needed_bytes(missing, rate), {sound.content for sound in missing})
        if done:
            told(done, len(corpus.sounds))
        with Packer(home, rate, use) as packer:
            work = as_ready(missing, lambda sound, stop: _pack(sound, packer, home, stop))
            with contextlib.closing(work) as results:
                for sound, result in results:
                    try:
                        result()
                    except UnreadableSoundError as error:
                        failed.append((sound.name, error.reason))
                    done += 1
                    told(done, len(corpus.sounds))
        places |= (new := _find(home, missing, rate, use))
        told_of = {name for name, _ in failed}
        failed += [
            (sound.name, "it is decoded to another length than it was scanned with")
            for sound in missing
            if sound.content not in new and sound.name not in told_of
        ]
        float_cache.remove(home, [sound for sound in missing if sound.content in new], rate)
        float_cache.remove_old(home)
    else:
        told(done, len(corpus.sounds))
    waves = [
        CachedWave(sound, rate, home, places[sound.content], use) for sound in corpus.sounds if sound.content in places
    ]
    if not waves:
        raise _none_left(corpus, failed)
    return waves, sorted(failed)


def _none_left(corpus: Corpus, failed: list[tuple[str, str]]) -> DistillError:
    if not failed:
        return corpus.no_sounds()
    name, reason = min(failed)
    return DistillError(
        f"none of the {len(failed)} sounds can be read now: {printable(name)}: {reason}",
        "Start a new run on the folder as it is now.",
    )
