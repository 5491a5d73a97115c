"""Spectrograms small enough for a terminal, as a program: the app starts it and needs no numpy itself.

    python -m distill_tui.data.spectrogram WIDTH HEIGHT FILE...

prints one JSON document: for each file `rate` (Hz), `seconds` and `rows`, from the highest frequencies to the lowest,
each WIDTH loudnesses as two hexadecimal digits, from 00 (80 dB below the loudest of all the files) to ff; or `error`.
Frequencies are spaced as the ear hears them (mel), up to half the rate.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from distill_tui.files import printable
from distill_tui.foreign import open_regular

RANGE_DB = 80.0
FRAMES_A_COLUMN = 6
"""Of a long sound, so many moments of each column are looked at, and the loudest is shown."""
LEAST_HERTZ = 40.0


def spectrogram(path: Path, width: int, height: int) -> tuple[NDArray[np.float64], int, float]:
    """The power [height, width] of a sound, lowest frequencies first, in columns of equal time; its rate and seconds.

    Raises:
        OSError, soundfile.SoundFileError: it cannot be read.
        ValueError: it has no sample.
    """
    # by descriptor: soundfile cannot encode every name
    with open_regular(path) as handle, soundfile.SoundFile(handle.fileno(), closefd=False) as file:
        rate, frames = file.samplerate, file.frames
        if frames < 1:
            raise ValueError("it holds no sound")
        size = 512 if rate <= 12_000 else 1024 if rate <= 24_000 else 2048
        moments = min(width * FRAMES_A_COLUMN, max(width, frames // (size // 4)))
        window = np.hanning(size)
        mixing = mel_filters(height, size, rate)
        power = np.zeros((height, width))
        whole = file.read(dtype="float32", always_2d=True).mean(axis=1) if frames <= rate * 60 else None
        for moment in range(moments):
            centre = round((moment + 0.5) * frames / moments)
            start = max(0, centre - size // 2)
            if whole is None:
                file.seek(start)
                part = file.read(min(size, frames - start), dtype="float32", always_2d=True).mean(axis=1)
            else:
                part = whole[start : start + size]
            padded = np.zeros(size)
            padded[: len(part)] = np.nan_to_num(part)
            found = mixing @ (np.abs(np.fft.rfft(padded * window)) ** 2)
            column = moment * width // moments
            power[:, column] = np.maximum(power[:, column], found)
    return power, rate, frames / rate


def mel_filters(bands: int, size: int, rate: int) -> NDArray[np.float64]:
    """Triangles [bands, size / 2 + 1], lowest first, that overlap by half on the mel scale and sum to 1 each.

    A band that is narrower than the spacing of the spectrum takes from its two neighbours in it.
    """
    lowest, highest = 2595 * np.log10(1 + np.array([LEAST_HERTZ, rate / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(lowest, highest, bands + 2) / 2595) - 1)
    spectrum = np.arange(size // 2 + 1) * rate / size
    spacing = rate / size
    centres = edges[1:-1]
    below = np.maximum(centres - edges[:-2], spacing)
    above = np.maximum(edges[2:] - centres, spacing)
    rising = (spectrum[None] - (centres - below)[:, None]) / below[:, None]
    falling = ((centres + above)[:, None] - spectrum[None]) / above[:, None]
    filters = np.clip(np.minimum(rising, falling), 0, None)
    return np.asarray(filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-12))


def pictures(paths: Sequence[Path], width: int, height: int) -> list[dict[str, Any]]:
    """The pictures of these files, with one loudness for all of them: a reconstruction that is too soft looks it."""
    found: list[dict[str, Any]] = []
    powers: list[NDArray[np.float64] | None] = []
    for path in paths:
        try:
            power, rate, seconds = spectrogram(path, width, height)
        except (OSError, ValueError, soundfile.SoundFileError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            found.append({"error": printable(reason)})
            powers.append(None)
            continue
        found.append({"rate": rate, "seconds": seconds})
        powers.append(power)
    loudest = max((float(p.max()) for p in powers if p is not None), default=0.0) or 1.0
    for entry, power_of in zip(found, powers, strict=True):
        if power_of is not None:
            decibels = 10 * np.log10(np.maximum(power_of / loudest, 1e-12))
            levels = np.clip(np.round((1 + decibels / RANGE_DB) * 255), 0, 255).astype(np.uint8)
            entry["rows"] = [row.tobytes().hex() for row in levels[::-1]]
    return found


def main(arguments: Sequence[str]) -> int:
    width, height = int(arguments[0]), int(arguments[1])
    json.dump(pictures([Path(path) for path in arguments[2:]], width, height), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
