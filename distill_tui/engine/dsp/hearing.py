"""Distances of two sounds that one number of log-mel hides: repetition of noise, loudness, attacks, single bins, bands.

`reporting.sound_quality` says what each means and when it is worth worrying about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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
BAND_EDGES_HZ = 1000, 1500, 2000, 3000, 4000, 6000, 8000, 10_000, 12_000, 16_000
"""Of bands whose levels are compared: half an octave or less each. Below them nothing is dull, above them few adults
hear."""
HEARD_SHARE = 1e-5
"""A band counts in a sound if it has this share of its power: what is 50 dB below all the rest is masked by it."""


@dataclass(frozen=True)
class Hearing:
    """What is compared of a sound: its `repetition` [lags], mean `power`, highest power of a millisecond (`peak`), and
    mean power of each band (`bands` [bands]).

    Of several sounds each has one dimension more, the first.
    """

    repetition: Tensor
    power: Tensor
    peak: Tensor
    bands: Tensor


def hear(wave: Tensor, rate: int, lengths: Sequence[int] | None = None) -> Hearing:
    """Measure a sound [samples], float32, at `rate` Hz, or several [batch, samples], on their device.

    Args:
        lengths: in samples, of several sounds that are zero from there on and have one `transform_size`.
    """
    power = wave.square()
    window = min(max(1, rate // 1000), wave.shape[-1])
    samples = wave.shape[-1] if lengths is None else max(lengths)
    size = transform_size(samples, rate)
    spectrum = torch.fft.rfft(wave, size)
    bands = _band_powers(spectrum, size, rate)
    # the last to use the spectrum, which it changes
    repetition = _repetition(spectrum, size, rate, samples, lengths)
    if lengths is None:
        return Hearing(repetition, power.mean(), _sums(power, window).max() / window, bands / samples)
    count = torch.tensor(lengths, dtype=wave.dtype, device=wave.device)
    peak = _sums(power, window).amax(-1) / count.clamp(max=window)
    return Hearing(repetition, power.sum(-1) / count, peak, bands / count[:, None])


def buzz(original: Hearing, other: Hearing) -> Tensor:
    """How much more a sound repeats itself than its original: the largest excess over all lags, from 0 to 2."""
    if not original.repetition.shape[-1]:
        return torch.zeros_like(original.power)
    return (other.repetition - original.repetition).amax(-1).clamp(min=0)


def level(original: Hearing, other: Hearing) -> Tensor:
    """The loudness (RMS) of a sound over that of its original in dB; negative is too quiet."""
    return _decibels(original.power, other.power)


def attack(original: Hearing, other: Hearing) -> Tensor:
    """The loudest millisecond of a sound over that of its original in dB; negative is a softer attack."""
    return _decibels(original.peak, other.peak)


def bands(rate: int) -> list[tuple[int, int]]:
    """The lowest and the highest frequency in Hz of each band at a sample rate; [] if that is too low for any."""
    # nets leave out what is just below half the rate
    lows = [edge for edge in BAND_EDGES_HZ[:-1] if edge < 0.9 * rate / 2]
    return list(pairwise([*lows, min(BAND_EDGES_HZ[-1], rate // 2)]))


def band_levels(original: Hearing, other: Hearing) -> Tensor:
    """How much louder each band is than in the original in dB, beyond what the whole is louder: -inf to inf.

    NaN for a band that cannot be heard in the original (HEARD_SHARE).
    """
    levels = _decibels(original.bands, other.bands) - level(original, other)[..., None]
    return torch.where(original.bands > HEARD_SHARE * original.power[..., None], levels, torch.nan)


def log_spectral_distance(original: Tensor, other: Tensor) -> Tensor:
    """The root mean square over bins of the difference in dB, as a mean over frames, of magnitudes [..., bins, frames].

    It is told of windows of LSD_FFT samples with a hop of a quarter.
    """
    return spectral_differences(original, other).mean()


def spectral_differences(original: Tensor, other: Tensor) -> Tensor:
    """`log_spectral_distance` of each frame [..., frames]."""
    ratio = original.clamp(min=FLOOR).div_(other.clamp(min=FLOOR))
    distance: Tensor = 20 * ratio.log10_().square_().mean(-2).sqrt()
    return distance


def _decibels(original: Tensor, other: Tensor) -> Tensor:
    return 10 * ((other + SILENCE) / (original + SILENCE)).log10()


def _sums(values: Tensor, window: int) -> Tensor:
    """The sum of each `window` neighbours, from sums of 1, 2, 4, ...: a tenth of the time of avg_pool1d."""
    sums, start = values.new_zeros(*values.shape[:-1], values.shape[-1] - window + 1), 0
    size, doubled = 1, values
    while size <= window:
        if window & size:
            sums += doubled[..., start : start + sums.shape[-1]]
            start += size
        doubled = doubled[..., :-size] + doubled[..., size:]
        size *= 2
    return sums


def _band_powers(spectrum: Tensor, size: int, rate: int) -> Tensor:
    """The power of each of `bands`, summed over time, [..., bands]."""
    power = torch.view_as_real(spectrum).square().sum(-1) * (2 / size)
    parts = [power[..., -(-low * size // rate) : high * size // rate].sum(-1) for low, high in bands(rate)]
    return torch.stack(parts, -1) if parts else power[..., :0]


def _repetition(spectrum: Tensor, size: int, rate: int, samples: int, lengths: Sequence[int] | None) -> Tensor:
    """Normalised autocorrelation of what is above HIGH_HZ, over LAGS_SECONDS; of short sounds, over fewer lags.

    Args:
        spectrum: of transforms of `size`; its low part is zeroed.
        samples: of the longest sound.
    """
    first, last = int(LAGS_SECONDS[0] * rate), _last_lag(samples, rate)
    if last <= first:
        return spectrum.real.new_zeros(*spectrum.shape[:-1], 0)
    spectrum[..., : -(-HIGH_HZ * size // rate)] = 0
    high = torch.fft.irfft(spectrum, size)[..., :samples]
    device = spectrum.device
    if lengths is not None:
        high = high * (torch.arange(samples, device=device) < torch.tensor(lengths, device=device)[:, None])
    curve = torch.fft.irfft(torch.fft.rfft(high, size).abs().square(), size)[..., :last]
    repetition: Tensor = curve[..., first:] / curve[..., :1].clamp(min=1e-9)
    if lengths is not None:
        lags = torch.tensor([_last_lag(length, rate) for length in lengths], device=device)
        repetition = repetition * (torch.arange(first, last, device=device) < lags[:, None])
    return repetition


def _last_lag(samples: int, rate: int) -> int:
    return min(int(LAGS_SECONDS[1] * rate), samples // 2)


def transform_size(samples: int, rate: int) -> int:
    """The size of the transforms that find the repetition of so many samples.

    It is so long that a circular correlation is a linear one up to the last lag, and that the filter's end does not
    reach round.
    """
    return _fft_size(samples + _last_lag(samples, rate))


def _fft_size(least: int) -> int:
    """The least 2^n or 3 x 2^n that is not below `least`: transforms of other lengths take up to ten times as long."""
    two = 1 << (least - 1).bit_length()
    return two // 4 * 3 if two // 4 * 3 >= least else two
