"""Sounds that a validation goes through in batches: sorted by length, padded with zeros, and measured as if alone."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distill_tui.engine.dsp.hearing import Hearing, hear, transform_size
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.dsp.padded import ends_of, inside, spectral_distances
from distill_tui.engine.inference.evaluate import heard_distances
from distill_tui.engine.nets.base import SoundNet


class SoundBatch:
    """Sounds of one transform size (`hearing.transform_size`) at a sample rate; `lengths` are in samples."""

    def __init__(self, waves: Sequence[np.ndarray], sample_rate: int, device: torch.device) -> None:
        self._waves, self._rate, self._device = waves, sample_rate, device
        self.lengths = [len(wave) for wave in waves]
        self._heard: Hearing | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def frames(self, net: SoundNet) -> list[int]:
        """Latent frames of each sound."""
        return [-(-length // net.latent_hop) for length in self.lengths]

    def padded(self, net: SoundNet) -> Tensor:
        """The sounds on the device [batch, samples], with zeros up to whole latent frames of the longest."""
        samples = torch.zeros(len(self), max(self.frames(net)) * net.latent_hop)
        view = samples.numpy()
        for row, wave in enumerate(self._waves):
            view[row, : len(wave)] = wave
        return samples.to(self._device)

    def distances(
        self, loss: SpectralLoss, original: Tensor, result: Tensor, with_stft: bool, with_lsd: bool
    ) -> dict[str, Tensor]:
        """The distances of each sound's reconstruction by name, [batch]; what it has after the end does not count.

        Args:
            original: what `padded` returned.
            result: reconstructions of the same shape.
        """
        longest = max(self.lengths)
        original, result = original[:, :longest], inside(result[:, :longest], ends_of(self.lengths, self._device))
        if self._heard is None:
            # measured once, as the originals stay the same
            self._heard = hear(original, self._rate, self.lengths)
        values = spectral_distances(loss, original, result, self.lengths, with_stft, with_lsd)
        return values | heard_distances(result, self._rate, self._heard, self.lengths)


def make_batches(
    waves: Sequence[np.ndarray], sample_rate: int, seconds: float, device: torch.device
) -> list[SoundBatch]:
    """Batches of about so many `seconds` at most, padding included, or of a single sound."""
    chosen: list[list[np.ndarray]] = []
    for wave in sorted(waves, key=len):
        batch = chosen[-1] if chosen else []
        fits = (len(batch) + 1) * len(wave) <= seconds * sample_rate
        if batch and fits and transform_size(len(batch[0]), sample_rate) == transform_size(len(wave), sample_rate):
            batch.append(wave)
        else:
            chosen.append([wave])
    return [SoundBatch(batch, sample_rate, device) for batch in chosen]
