"""A picture of spectrograms, a row of sounds for each line of FILES: tests/benchmarks/pictures/*.png is made with it.

    python -m tests.benchmarks.spectrograms OUT.png ORIGINAL,BEFORE,AFTER [ORIGINAL,BEFORE,AFTER ...]

Up to 1.2 s of each, 0 Hz to half of its rate, -75 to 0 dB of the original's loudest bin.
"""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

WIDTH, HEIGHT, GAP = 240, 150, 6
SECONDS, RANGE_DB = 1.2, 75.0
SIZE, HOP = 1024, 64
COLOURS = np.array([[0, 0, 8], [60, 15, 110], [180, 50, 105], [250, 140, 60], [252, 250, 190]], float)
"""From quiet to loud."""


def main(out: str, rows: list[str]) -> None:
    panels = [row_of(row.split(",")) for row in rows]
    gap = np.full((GAP, panels[0].shape[1], 3), 255, np.uint8)
    write_png(Path(out), np.concatenate([part for panel in panels for part in (panel, gap)][:-1]))


def row_of(files: list[str]) -> NDArray[np.uint8]:
    """Pictures [HEIGHT, .., 3] side by side; all on the scale of the first."""
    spectra = [decibels(Path(file)) for file in files]
    top = spectra[0].max()
    gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    parts = [part for spectrum in spectra for part in (painted(spectrum - top), gap)]
    return np.concatenate(parts[:-1], 1)


def decibels(file: Path) -> NDArray[np.float64]:
    """[bins, frames] of a sound's beginning."""
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    wave = torch.from_numpy(samples[: int(SECONDS * rate)].mean(1))
    stft = torch.stft(wave, SIZE, HOP, window=torch.hann_window(SIZE), return_complex=True)
    found: NDArray[np.float64] = 20 * np.log10(stft.abs().double().numpy() + 1e-7)
    return found


def painted(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Levels in dB below the top as a picture [HEIGHT, WIDTH, 3], low frequencies below."""
    rows = np.linspace(len(levels) - 1, 0, HEIGHT).round().astype(int)
    columns = np.linspace(0, levels.shape[1] - 1, WIDTH).round().astype(int)
    place = np.clip(1 + levels[rows][:, columns] / RANGE_DB, 0, 1) * (len(COLOURS) - 1)
    return np.stack([np.interp(place, range(len(COLOURS)), COLOURS[:, c]) for c in range(3)], -1).astype(np.uint8)


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    height, width, _ = picture.shape
    rows = np.concatenate((np.zeros((height, 1), np.uint8), picture.reshape(height, -1)), 1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9))
        + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
