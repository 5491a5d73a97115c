"""Tonality: how much better long windows gather a sound's energy than short ones; tones against attacks in one number.

The concentration of a spectrogram is the sum of its squared energies over the square of their sum (D. L. Jones and
T. W. Parks, "A high resolution data-adaptive time-frequency representation", IEEE Trans. ASSP 38, 1990). The tonality
is the binary logarithm of its ratio between windows of about 93 and 12 ms: 3 bits for steady tones, 0 for noise, -3
for a click. Medians over folders: drums 0.6, spoken digits 1.4, plucked, sung and steady notes 2.1 to 3.
"""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONG_SECONDS, RATIO = 0.093, 8
PIECE_SECONDS = 1.0
"""What is measured of each of the first MOST_PIECES blocks of a file: about a millisecond's work."""
MOST_PIECES = 8


class TonalityMeter:
    """Measures the tonality of a sound that comes in blocks: the mean over pieces of the first of them."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._pieces: list[float] = []

    @property
    def is_done(self) -> bool:
        """True if further blocks change nothing."""
        return len(self._pieces) >= MOST_PIECES

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take in a block [samples] in -1..1."""
        if (
            not self.is_done
            and (found := tonality(samples[: round(PIECE_SECONDS * self._rate)], self._rate)) is not None
        ):
            self._pieces.append(found)

    @property
    def value(self) -> float | None:
        """The tonality in bits; None of silence."""
        return round(sum(self._pieces) / len(self._pieces), 3) if self._pieces else None


def tonality(samples: NDArray[Any], rate: int) -> float | None:
    """The tonality of [samples] at `rate` Hz, in bits from -3 to 3; None of silence."""
    peak = float(np.abs(samples).max(initial=0))
    if not peak:
        return None
    long = int(2 ** round(math.log2(rate * LONG_SECONDS)))
    concentrations = [_concentration((samples / peak).astype(np.float32), window) for window in (long, long // RATIO)]
    return math.log2(concentrations[0] / concentrations[1]) if all(concentrations) else None


def _concentration(samples: NDArray[Any], window: int) -> float:
    """The sum of the squared energies of a spectrogram with half-overlapping Hann windows over the square of their sum;
    0 of silence."""
    padded = np.pad(samples, (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // 2]
    spectrum = np.fft.rfft(frames * _hann(window)).ravel()
    energy = spectrum.real * spectrum.real + spectrum.imag * spectrum.imag
    whole = float(energy.sum())
    return float(np.dot(energy, energy)) / whole**2 if whole > 0 else 0.0


@functools.cache
def _hann(window: int) -> NDArray[np.float32]:
    return np.hanning(window + 1)[:-1].astype(np.float32)
