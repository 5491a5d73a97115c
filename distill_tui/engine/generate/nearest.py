"""The nearest of many sounds: a log-mel distance that slides over time.

A sound is its mel power in dB, from RANGE_DB below its loudest step upwards, so its loudness does not count. A take is
laid over a sound at every step, and their distance there is the root mean square difference over the bins in which
either is heard. All places come at once: the sum of squares of a difference is that of both squares less twice their
product, which is a cross-correlation, computed by FFT.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from distill_tui.engine.dsp.mel import mel_filters

RANGE_DB = 40.0
EARLY = 12
"""Steps that a take may begin before a sound."""
KEPT_BYTES = 256 << 20
"""Spectra of the sounds up to this size are kept for the next search."""
BLOCK_SECONDS = 30.0
"""Of a longer sound so much is transformed at a time: a spectrum takes 40 times the memory of its sound."""
BATCH = 64
"""Sounds that are compared at once."""


class MelSteps(torch.nn.Module):
    """Sounds [samples] to steps [bands, steps] in dB above their floor, 0 where nothing is heard.

    Windows of about 40 ms; a step is a quarter of one, about 10 ms, the mean of two windows.
    """

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.size = 1 << round(math.log2(sample_rate * 0.04))
        self.bands = 64 if sample_rate > 16000 else 40
        self.step_seconds = self.size / 4 / sample_rate
        filters = mel_filters(self.size // 2 + 1, self.bands, sample_rate).T
        self.filters = filters / filters.sum(1, keepdim=True).clamp(min=1e-9)
        self.window = torch.hann_window(self.size)
        # an even number of windows: a step is two of them
        self.block = 2 * round(BLOCK_SECONDS * sample_rate / self.size * 4)

    def forward(self, wave: Tensor) -> Tensor:
        hop = self.size // 8
        padded = torch.nn.functional.pad(wave, (self.size // 2, self.size // 2))
        starts = range(0, len(wave) // hop + 1, self.block)
        ends = [(first + self.block - 1) * hop + self.size for first in starts]
        power = torch.cat([self._power(padded[first * hop : end]) for first, end in zip(starts, ends, strict=True)], 1)
        loudest = power.mean(0).max().clamp(min=1e-12)
        decibels: Tensor = 10 * (power / loudest).clamp(min=1e-12).log10() + RANGE_DB
        return decibels.clamp_(min=0)

    def _power(self, wave: Tensor) -> Tensor:
        """The mean power [bands, steps] of each two windows that lie in a sound."""
        spectrum = torch.stft(wave, self.size, self.size // 8, window=self.window, center=False, return_complex=True)
        power = self.filters @ spectrum.abs().square()
        return torch.nn.functional.avg_pool2d(power[None], (1, 2), ceil_mode=True)[0]


class Place(NamedTuple):
    """The place at which a take lies nearest: the sound's row, the step in it, and the distance in dB."""

    row: int
    step: int
    distance: float


class SlidingSearch:
    """Sounds in which the nearest place of a take is looked for.

    Args:
        sounds: their steps, as `MelSteps` computes them.
        longest: of the takes, in steps; what is beyond is left out.
    """

    def __init__(self, sounds: Sequence[Tensor], longest: int) -> None:
        self.longest = longest
        most = max((sound.shape[1] for sound in sounds), default=1)
        self.size = 1 << (most + longest + 2 * EARLY - 1).bit_length()
        self.sounds = sounds
        bands = sounds[0].shape[0] if sounds else 1
        self._kept: list[_Spectra] | None = None
        if len(sounds) * bands * (self.size // 2 + 1) * 16 <= KEPT_BYTES:
            self._kept = [_Spectra(self.sounds[i : i + BATCH], self.size) for i in range(0, len(sounds), BATCH)]

    def __call__(self, take: Tensor) -> tuple[Tensor, Tensor]:
        """Find the best place in each sound.

        Args:
            take: its steps.

        Returns:
            The distances [sounds] in dB, and the steps [sounds] at which the take begins there.
        """
        take = take[:, : self.longest]
        distances, steps = zip(*(spectra.slide(take) for spectra in self._spectra()), strict=True)
        return torch.cat(distances), torch.cat(steps)

    def nearest(self, take: Tensor, without: int = -1) -> Place:
        """The nearest place, leaving out the sound of row `without`."""
        distances, steps = self(take)
        if without >= 0:
            distances[without] = torch.inf
        row = int(distances.argmin())
        return Place(row, int(steps[row]), float(distances[row]))

    def _spectra(self) -> "Iterator[_Spectra]":
        if self._kept is not None:
            yield from self._kept
            return
        for first in range(0, len(self.sounds), BATCH):
            yield _Spectra(self.sounds[first : first + BATCH], self.size)


class _Spectra:
    """Sounds prepared for a cross-correlation over `size` steps, the first of which are EARLY empty ones."""

    def __init__(self, sounds: Sequence[Tensor], size: int) -> None:
        self.size = size
        laid = torch.zeros(len(sounds), sounds[0].shape[0], size)
        for row, sound in enumerate(sounds):
            laid[row, :, EARLY : EARLY + sound.shape[1]] = sound
        heard = (laid > 0).float()
        self.spectra, self.masks = torch.fft.rfft(laid), torch.fft.rfft(heard)
        self.squares, self.counts = _cumulated(laid.square().sum(1)), _cumulated(heard.sum(1))
        self.lengths = torch.tensor([sound.shape[1] for sound in sounds])

    def slide(self, take: Tensor) -> tuple[Tensor, Tensor]:
        """The least distance and its step in each sound; the take begins within the sound or EARLY before it."""
        length = take.shape[1]
        span = self.size - length
        heard = (take > 0).float()
        both = self._product(heard, self.masks)[:, :span]
        product = self._product(take, self.spectra)[:, :span]
        either = heard.sum() + self.counts[:, length : length + span] - self.counts[:, :span] - both
        squares = take.square().sum() + self.squares[:, length : length + span] - self.squares[:, :span] - 2 * product
        mean = (squares / either.clamp(min=1)).clamp(min=0)
        beyond = torch.arange(span) >= EARLY + self.lengths[:, None]
        least = mean.masked_fill(beyond, torch.inf).min(1)
        return least.values.sqrt(), (least.indices - EARLY).clamp(min=0)

    def _product(self, take: Tensor, spectra: Tensor) -> Tensor:
        turned = torch.fft.rfft(take, self.size).conj()
        product: Tensor = torch.fft.irfft((spectra * turned).sum(1), self.size)
        return product


def _cumulated(values: Tensor) -> Tensor:
    """[sounds, steps] to their sums over all steps before each [sounds, steps + 1]; in double: sums are subtracted."""
    return torch.nn.functional.pad(values.double().cumsum(1), (1, 0)).float()
