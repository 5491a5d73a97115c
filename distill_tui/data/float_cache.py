"""Upgrade: decoded sounds of versions before the packs, float32 in a file each (version 2 of that format).

They are taken into the packs instead of being decoded, as their sources may be gone, and are deleted when they have
been taken, when room is needed, or after a month.
"""

import contextlib
import hashlib
import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from distill_tui.data.corpus import Sound
from distill_tui.data.sound_file import Samples
from distill_tui.files import PRIVATE
from distill_tui.paths import Home

BLOCK, DIGEST = 1 << 14, 8
NAME = re.compile(r"[0-9a-f]+-\d+-v\d+\.f32")
KEPT_SECONDS = 30 * 24 * 3600.0
FIRST_SEEN = "upgraded"
"""A file whose time is when the packs began."""


def floats_folder(home: Home) -> Path:
    """The folder of the old files."""
    return home.cache / "sounds"


def samples(sound: Sound, rate: int, count: int, home: Home) -> Iterator[Samples] | None:
    """The blocks of a sound that an earlier version decoded to `count` samples; None if it did not, or they are bad."""
    path = floats_folder(home) / f"{sound.content}-{rate}-v2.f32"
    with contextlib.suppress(OSError):
        if path.stat().st_size == 4 * count + DIGEST * -(-count // BLOCK) and all(
            good for _, good in _blocks(path, count)
        ):
            return (block for block, _ in _blocks(path, count))
    return None


def _blocks(path: Path, count: int) -> Iterator[tuple[Samples, bool]]:
    """Blocks of a file, each with the result of its check."""
    with path.open("rb") as file, path.open("rb") as digests:
        digests.seek(4 * count)
        for number, start in enumerate(range(0, count, BLOCK)):
            block = np.frombuffer(file.read(4 * min(BLOCK, count - start)), "<f4")
            recorded = digests.read(DIGEST)
            made = hashlib.blake2b(
                block.data, digest_size=DIGEST, key=path.name.encode()[:64], salt=number.to_bytes(16, "little")
            )
            yield block, made.digest() == recorded


def remove(home: Home, sounds: list[Sound], rate: int) -> None:
    """Delete the old files of sounds that are in the packs now."""
    for sound in sounds:
        with contextlib.suppress(OSError):
            (floats_folder(home) / f"{sound.content}-{rate}-v2.f32").unlink(missing_ok=True)


def remove_old(home: Home) -> None:
    """Delete what is left of the old files a month after this was first called."""
    since = floats_folder(home) / FIRST_SEEN
    with contextlib.suppress(OSError):
        if not floats_folder(home).is_dir():
            return
        if not since.exists():
            since.touch(mode=PRIVATE)
        elif time.time() - since.stat().st_mtime >= KEPT_SECONDS:
            remove_all(home)
            since.unlink()


def remove_all(home: Home, spared: Collection[str] = ()) -> None:
    """Delete the old files but those of sounds with the hashes `spared`."""
    for path in floats_folder(home).glob("*.f32"):
        with contextlib.suppress(OSError):
            if NAME.fullmatch(path.name) and path.name.partition("-")[0] not in spared:
                path.unlink()
