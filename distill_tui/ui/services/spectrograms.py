"""Spectrograms of sounds, computed by a process of their own: numpy stays out of the app."""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from distill_tui.interpreter import python
from distill_tui.ui.services.programs import run

MOST_KEPT = 64
MOST_SHOTS = 512
"""Pictures of a film, of 1 to 8 KB each."""

Key = tuple[tuple[tuple[str, int, int], ...], int, int]


@dataclass(frozen=True)
class Spectrogram:
    """A spectrogram: `rows` from the highest frequency down, loudness 0..255; or the `error` that prevented it."""

    rows: tuple[bytes, ...] = ()
    rate: int = 0
    seconds: float = 0.0
    error: str = ""


class Shot(NamedTuple):
    """A picture of a film: of a file of preview number `seq`, in cells by half cells, beside its original."""

    file: Path
    original: Path
    seq: int
    width: int
    height: int


class Spectrograms:
    """Spectrograms of files, the newest kept; a file that was written again is computed again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, list[Spectrogram]] = OrderedDict()

    def key(self, paths: tuple[Path, ...], width: int, height: int) -> Key:
        """Key of the spectrograms of these files: path, time and size of each, and the size in characters."""
        stamps = []
        for path in paths:
            try:
                found = path.stat()
                stamps.append((str(path), found.st_mtime_ns, found.st_size))
            except OSError:
                stamps.append((str(path), 0, 0))
        return tuple(stamps), width, height

    def known(self, key: Key) -> list[Spectrogram] | None:
        """Spectrograms that were computed before, or None."""
        return self._kept.get(key)

    async def make(self, key: Key) -> list[Spectrogram]:
        """Compute spectrograms and keep them. Cancelling ends the process."""
        stamps, width, height = key
        answer = await run(
            python("-m", "distill_tui.data.spectrogram", str(width), str(height), *(path for path, _, _ in stamps))
        )
        self._kept[key] = _pictures(answer.document, len(stamps))
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


class Film:
    """Pictures of one sound and of what a training made of it: on the scale of loudness of the original.

    Files of previews are not written again, or as another preview, whose number is in the key: nothing here looks at
    the disk. What was made is kept.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Shot, Spectrogram] = OrderedDict()

    def known(self, shot: Shot) -> Spectrogram | None:
        """A picture that was made before, or None."""
        return self._kept.get(shot)

    async def make(self, shots: Sequence[Shot]) -> None:
        """Make those pictures that are missing, all of one original and one size. Cancelling ends the process."""
        missing = [shot for shot in dict.fromkeys(shots) if shot not in self._kept]
        if not missing:
            return
        first = missing[0]
        # the original comes first: its loudness is the scale of all
        paths = [first.original, *(shot.file for shot in missing)]
        answer = await run(
            python(
                *("-m", "distill_tui.data.spectrogram", "--first", str(first.width), str(first.height)),
                *(str(path) for path in paths),
            )
        )
        self._kept |= zip(missing, _pictures(answer.document, len(paths))[1:], strict=True)
        while len(self._kept) > MOST_SHOTS:
            self._kept.popitem(last=False)


class Thumbnails:
    """Small spectrograms of many files, each on its own scale of loudness; those that are missing are made together."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (str(width), str(height))
        self._kept: dict[Path, Spectrogram] = {}

    def known(self, path: Path) -> Spectrogram | None:
        """The picture of a file, or None while there is none."""
        return self._kept.get(path)

    def put_rows(self, path: Path, rows: Sequence[str]) -> None:
        """Keep a picture that another process made, as rows of hexadecimal digits."""
        self._kept[path] = Spectrogram(tuple(bytes.fromhex(row) for row in rows))

    async def make(self, paths: Sequence[Path]) -> None:
        """Make and keep the pictures of these files. Cancelling ends the process."""
        answer = await run(
            python("-m", "distill_tui.data.spectrogram", "--each", *self._size, *(str(path) for path in paths))
        )
        self._kept |= zip(paths, _pictures(answer.document, len(paths)), strict=True)


def _pictures(out: bytes, count: int) -> list[Spectrogram]:
    try:
        return [
            Spectrogram(error=entry["error"])
            if "error" in entry
            else Spectrogram(tuple(bytes.fromhex(row) for row in entry["rows"]), entry["rate"], entry["seconds"])
            for entry in json.loads(out)
        ]
    except (ValueError, KeyError, TypeError):
        return [Spectrogram(error="the picture could not be made")] * count
