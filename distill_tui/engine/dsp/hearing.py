"""Distances of two sounds that log-mel bands cannot see: repetition of noise, loudness, attacks, and single bins.

`reporting.sound_quality` says what each means and when it is worth worrying about.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from distill_tui.engine.dsp.stft import FLOOR

HIGH_HZ = 1000
"""Repetition is that of what is above this frequency."""
LAGS_SECONDS = 0.003, 0.06
"""From the least to the greatest time after which a sound may repeat itself: the latent hop of any net lies between."""
SILENCE = 1e-10
"""Added to powers before their ratio is taken: -100 dB of full scale."""
LSD_FFT = 2048


@dataclass(frozen=True)
class Hearing:
    """What is compared of a sound: its `repetition` [lags], mean `power` and highest power of a millisecond, `peak`."""

    repetition: Tensor
    power: Tensor
    peak: Tensor


def hear(wave: Tensor, rate: int) -> Hearing:
    """Measure a sound [samples], float32, at `rate` Hz; on its device, without waiting for it."""
    power = wave.square()
    window = min(max(1, rate // 1000), len(wave))
    return Hearing(_repetition(wave, rate), power.mean(), _sums(power, window).max() / window)


def buzz(original: Hearing, other: Hearing) -> Tensor:
    """How much more a sound repeats itself than its original: the largest excess over all lags, from 0 to 2."""
    if not len(original.repetition):
        return original.power.new_zeros(())
    return (other.repetition - original.repetition).max().clamp(min=0)


def level(original: Hearing, other: Hearing) -> Tensor:
    """The loudness (RMS) of a sound over that of its original in dB; negative is too quiet."""
    return _decibels(original.power, other.power)


def attack(original: Hearing, other: Hearing) -> Tensor:
    """The loudest millisecond of a sound over that of its original in dB; negative is a softer attack."""
    return _decibels(original.peak, other.peak)


def log_spectral_distance(original: Tensor, other: Tensor) -> Tensor:
    """The root mean square over bins of the difference in dB, as a mean over frames, of magnitudes [..., bins, frames].

    It is told of windows of LSD_FFT samples with a hop of a quarter.
    """
    ratio = original.clamp(min=FLOOR).div_(other.clamp(min=FLOOR))
    distance: Tensor = 20 * ratio.log10_().square_().mean(-2).sqrt().mean()
    return distance


def _decibels(original: Tensor, other: Tensor) -> Tensor:
    return 10 * ((other + SILENCE) / (original + SILENCE)).log10()


def _sums(values: Tensor, window: int) -> Tensor:
    """The sum of each `window` neighbours, from sums of 1, 2, 4, ...: a tenth of the time of avg_pool1d."""
    sums, start = values.new_zeros(len(values) - window + 1), 0
    size, doubled = 1, values
    while size <= window:
        if window & size:
            sums += doubled[start : start + len(sums)]
            start += size
        doubled = doubled[:-size] + doubled[size:]
        size *= 2
    return sums


def _repetition(wave: Tensor, rate: int) -> Tensor:
    """Normalised autocorrelation of what is above HIGH_HZ, over LAGS_SECONDS; of short sounds, over fewer lags."""
    first, last = int(LAGS_SECONDS[0] * rate), min(int(LAGS_SECONDS[1] * rate), len(wave) // 2)
    if last <= first:
        return wave.new_zeros(0)
    # so long, a circular correlation is a linear one up to the last lag, and the filter's end does not reach round
    size = _fft_size(len(wave) + last)
    spectrum = torch.fft.rfft(wave, size)
    spectrum[: -(-HIGH_HZ * size // rate)] = 0
    high = torch.fft.irfft(spectrum, size)[: len(wave)]
    curve = torch.fft.irfft(torch.fft.rfft(high, size).abs().square(), size)[:last]
    repetition: Tensor = curve[first:] / curve[0].clamp(min=1e-9)
    return repetition


def _fft_size(least: int) -> int:
    """The least 2^n or 3 x 2^n that is not below `least`: transforms of other lengths take up to ten times as long."""
    two = 1 << (least - 1).bit_length()
    return two // 4 * 3 if two // 4 * 3 >= least else two
