"""Noise where a sound is noise: how noisy its bands are, and random phases that follow from the place in the sound.

A deterministic decoder that is given nearly the same code makes nearly the same frame again and again, so noise,
cymbals and breath become a buzz at the rate of the latents. Random phases, the same for the frames of one latent frame
and new for the next, take the repetition away and keep the shape of an attack within the frame.
"""

import math

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.hearing import HIGH_HZ, LAGS_SECONDS

NOISY, TONAL = 0.38, 0.08
"""The spectral flatness from which a band is all noise, and up to which it is none: white noise has 0.56 (e^-0.577) on
average, held-out snares 0.45, cymbals 0.1 to 0.2, tones 0.00 to 0.07."""
AUDIBLE = 1e-6
"""A band with less of the loudest one's power in a sound, -60 dB, says nothing."""
QUIET = 1e-3
"""Energy above 1 kHz up to which repetition counts for little."""
SILENCE = 1e-8
"""Power of a bin that is no sound."""


class Noisiness(nn.Module):
    """How noisy the bands of a sound are: 0 for partials, 1 for noise.

    It follows from the spectral flatness (the geometric over the arithmetic mean of the power; Johnston 1988,
    "Transform coding of audio signals using perceptual noise criteria"), in windows long enough to part the partials.
    """

    window: Tensor
    bands: Tensor

    def __init__(self, sample_rate: int, n_fft: int, hop: int, count: int) -> None:
        super().__init__()
        self.hop = hop
        self.register_buffer("window", torch.hann_window(4 * n_fft), persistent=False)
        with torch.device("cpu"):
            members = nn.functional.one_hot(band_of_bins(sample_rate, 4 * n_fft, count), count).float()
        self.register_buffer("bands", members / members.sum(0).clamp(min=1), persistent=False)

    def forward(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, n x hop] samples to noisiness and whether it can be heard, both [batch, n, bands] in 0..1."""
        size = len(self.window)
        padded = nn.functional.pad(wave, ((size - self.hop) // 2, size - (size - self.hop) // 2))
        frames = padded.unfold(1, size, self.hop)[:, : wave.shape[1] // self.hop]
        power = torch.fft.rfft(frames * self.window).abs().square() + 1e-9
        mean = power @ self.bands
        flatness = (power.log() @ self.bands).exp() / mean.clamp(min=1e-9)
        audible = (mean > AUDIBLE * mean.amax((1, 2), keepdim=True)) & (mean > SILENCE)
        return ((flatness - TONAL) / (NOISY - TONAL)).clamp(0, 1), audible.float()


def band_of_bins(sample_rate: int, n_fft: int, count: int) -> Tensor:
    """The band, of `count` equal ones on the mel scale, of each bin [n_fft / 2 + 1]."""
    hertz = torch.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    place = torch.log1p(hertz / 700) / math.log1p(sample_rate / 2 / 700)
    return (place * count).long().clamp(max=count - 1)


def random_phases(first: Tensor, frames: int, bins: int) -> Tensor:
    """Phases in -pi..pi [batch, frames, bins] for latent frames from `first` [batch] on, or for frames
    `first` [batch, frames] themselves.

    A number follows from its frame and its bin alone, so a sound that is decoded in pieces is the same as in one go.
    They are the finaliser of MurmurHash3 (Appleby 2011) in 32 bits, which no device rounds.
    """
    frame = first if first.dim() == 2 else first[:, None] + torch.arange(frames, device=first.device)
    x = frame[..., None] * bins + torch.arange(bins, device=first.device)
    x &= 0xFFFFFFFF
    for multiplier, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13)):
        x = ((x ^ (x >> shift)) * multiplier) & 0xFFFFFFFF
    x = x ^ (x >> 16)
    return (x >> 8).float() * (2 * math.pi / 2**24) - math.pi


def repetition(wave: Tensor, sample_rate: int) -> Tensor:
    """How much what is above 1 kHz of [batch, samples] repeats itself: [batch, lags] in -1..1.

    The normalised autocorrelation at lags of 3 to 60 ms, or half of the wave; silence has none. For a loss: that of
    `hearing` filters before it cuts, at twice the price.
    """
    first, last = round(LAGS_SECONDS[0] * sample_rate), min(round(LAGS_SECONDS[1] * sample_rate), wave.shape[-1] // 2)
    # zeros as long as the longest lag keep the end from meeting the start
    size = wave.shape[-1] + last
    size += -size % 512
    power = torch.fft.rfft(wave, size).abs().square()
    power = power * (torch.fft.rfftfreq(size, 1 / sample_rate, device=wave.device) >= HIGH_HZ)
    curve = torch.fft.irfft(power, size)
    repeats: Tensor = curve[..., first:last] / (curve[..., :1] + QUIET)
    return repeats
