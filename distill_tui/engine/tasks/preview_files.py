"""Files of a preview: the only place that writes a sound of one, so that its format and limits stand once."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distill_tui.data.audio_io import write_sound

MOST_STEPS = 8
"""Reconstructions of a sound by fewer levels than all, at most this many and the whole."""


class LevelFile(NamedTuple):
    """A reconstruction by the first `levels` levels: its file's name and its distance."""

    levels: int
    name: str
    distance: float | None = None


class PreviewPair(NamedTuple):
    """A pair of a preview: names of two files, the distance of the second with what it is made of, and `levels`."""

    original: str
    made: str
    numbers: dict[str, float]
    levels: tuple[LevelFile, ...] = ()


def write_preview_sound(
    folder: Path, stem: str, wave: NDArray[np.float32], rate: int, kind: Literal["wav", "flac"] = "wav"
) -> str:
    """Write a sound [samples] of a preview with 16 bits, atomically; the name of its file.

    Raises:
        DistillError: it cannot be written.
    """
    name = f"{stem}.{kind}"
    write_sound(folder / name, [wave], rate)
    return name


def counts_of_levels(levels: int) -> list[int]:
    """Numbers of levels, fewer than all, that a sound is reconstructed by: each, or of many 1, 2, 4, ..."""
    if levels <= MOST_STEPS:
        return list(range(1, levels))
    return [1 << power for power in range(levels.bit_length()) if 1 << power < levels]
