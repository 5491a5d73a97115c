"""Spectrograms of sound files as pictures, for the terminal and for TensorBoard; in numpy, without torch.

    python -m distill_tui.data.spectrogram [--each | --first] WIDTH HEIGHT FILE...

prints one JSON document, so that the app needs no numpy itself: for each file `rate` (Hz), `seconds` and `rows`, from
the highest frequencies to the lowest, each WIDTH loudnesses as two hexadecimal digits; or `error`. They share one scale
of loudness, or have one of their own with `--each`, or with `--first` that of the first of them.
"""

import json
import struct
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from distill_tui.foreign import open_regular
from distill_tui.text import printable

RANGE_DB = 80.0
FRAMES_A_COLUMN = 6
"""Frames looked at for each column of a long sound; the loudest is shown."""
LEAST_HERTZ = 40.0
WHOLE_SECONDS = 60
"""A longer sound is read in parts."""


@dataclass
class SpectrogramImage:
    """The loudness of mel-spaced frequencies up to half the rate (Hz) over time: uint8 [height, width].

    The highest frequencies come first; 255 is the loudest of all sounds of a set, 0 is 80 dB less. Or `error` says
    why there is none.
    """

    levels: NDArray[np.uint8]
    rate: int = 0
    seconds: float = 0.0
    error: str = ""


def spectrogram_images(
    paths: Sequence[Path], width: int, height: int, by_first: bool = False
) -> list[SpectrogramImage]:
    """The spectrograms of these files on one scale of loudness: a reconstruction that is too soft looks it.

    Args:
        by_first: 255 is the loudest of the first sound and not of all, so that its picture is the same among others.
    """
    images: list[SpectrogramImage] = []
    powers: list[NDArray[np.float64]] = []
    for path in paths:
        power, image = np.zeros((height, width)), SpectrogramImage(np.zeros((height, width), np.uint8))
        try:
            power, image.rate, image.seconds = mel_power(path, width, height)
        except (OSError, ValueError, soundfile.SoundFileError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            image.error = printable(reason)
        images.append(image)
        powers.append(power)
    peaks = [float(power.max()) for power in powers]
    loudest = (by_first and peaks[0]) or max(peaks, default=0.0) or 1.0
    for image, power in zip(images, powers, strict=True):
        decibels = 10 * np.log10(np.maximum(power / loudest, 1e-12))
        image.levels = np.clip(np.round((1 + decibels / RANGE_DB) * 255), 0, 255).astype(np.uint8)[::-1]
    return images


def mel_power(path: Path, width: int, height: int) -> tuple[NDArray[np.float64], int, float]:
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
        places = np.arange(moments)
        starts = np.maximum(0, np.rint((places + 0.5) * frames / moments).astype(int) - size // 2)
        pieces = _pieces(file, starts, size)
    spectrum = np.abs(np.fft.rfft(np.nan_to_num(pieces) * np.hanning(size))) ** 2
    mel = spectrum @ mel_filters(height, size, rate).T
    first_moments = np.searchsorted(places * width // moments, np.arange(width))
    return np.maximum.reduceat(mel, first_moments).T, rate, frames / rate


def _pieces(file: soundfile.SoundFile, starts: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """The samples [starts, size] from each start on, channels mixed, zeros behind the end."""
    if file.frames <= file.samplerate * WHOLE_SECONDS:
        whole = file.read(dtype="float32", always_2d=True).mean(axis=1)
        # a file may hold less than its header says
        whole = np.pad(whole, (0, size + max(0, int(starts[-1]) - len(whole))))
        return np.lib.stride_tricks.sliding_window_view(whole, size)[starts]
    pieces = np.zeros((len(starts), size), np.float32)
    for piece, start in zip(pieces, starts, strict=True):
        file.seek(start)
        part = file.read(size, dtype="float32", always_2d=True).mean(axis=1)
        piece[: len(part)] = part
    return pieces


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


def png(image: NDArray[np.uint8]) -> bytes:
    """A grey picture, uint8 [rows, columns], as a PNG file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows, columns = image.shape
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    # each row begins with its filter: none
    body = b"".join(b"\0" + row.tobytes() for row in image)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def main(arguments: Sequence[str]) -> int:
    each, by_first = (arguments[0] == option for option in ("--each", "--first"))
    width, height, *names = arguments[each or by_first :]
    paths = [Path(name) for name in names]
    sets = [[path] for path in paths] if each else [paths]
    images = [image for one in sets for image in spectrogram_images(one, int(width), int(height), by_first)]
    document = [
        {"error": image.error}
        if image.error
        else {"rate": image.rate, "seconds": image.seconds, "rows": [row.tobytes().hex() for row in image.levels]}
        for image in images
    ]
    json.dump(document, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
