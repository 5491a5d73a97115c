"""Previews of a codec: sounds, their reconstructions, and what those are by fewer levels."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from distill_tui.engine.dsp.hearing import Hearing, hear
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference.evaluate import heard_distances, spectral_distances
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.tasks.anchors import as_numbers
from distill_tui.engine.tasks.preview_files import LevelFile, PreviewPair, counts_of_levels, write_preview_sound
from distill_tui.reporting import sound_quality

LEVELS_SECONDS = 20.0
"""Sound in a preview that is reconstructed by fewer levels than all; the first sound is, however long it is."""


@dataclass
class CodecPreviews:
    """Writes previews of one net into a folder, `original-NN`, `reconstruction-NN` and `levels-NN-K` of the first K.

    Args:
        quantizing: whether the net goes through its quantizer; without it there are no levels.
    """

    net: SoundNet
    spectral: SpectralLoss
    device: torch.device
    quantizing: bool
    folder: Path
    format: Literal["wav", "flac"] = "wav"

    @torch.no_grad()
    def write(self, waves: Iterable[np.ndarray]) -> list[PreviewPair]:
        """The pairs of these sounds [samples].

        Raises:
            DistillError: a file cannot be written.
        """
        counts = counts_of_levels(self.net.bottleneck.levels) if self.quantizing else []
        pairs, seconds = [], 0.0
        for number, wave in enumerate(waves, 1):
            seconds += len(counts) * len(wave) / self.net.sample_rate
            pairs.append(self._pair(number, wave, counts if number == 1 or seconds <= LEVELS_SECONDS else []))
        return pairs

    def _pair(self, number: int, wave: np.ndarray, counts: list[int]) -> PreviewPair:
        whole = self.net.pad_to_frames(torch.from_numpy(np.array(wave)).to(self.device)[None])
        original, latents = whole[0, : len(wave)], self.net.encode(whole)
        heard = hear(original, self.net.sample_rate)
        name = write_preview_sound(self.folder, f"original-{number:02d}", wave, self.net.sample_rate, self.format)
        quantized = self.net.bottleneck(latents).latents if self.quantizing else latents
        made, numbers = self._reconstruction(f"reconstruction-{number:02d}", quantized, original, heard)
        levels = []
        for count in counts:
            partial = self.net.bottleneck(latents, count).latents
            file, of_count = self._reconstruction(f"levels-{number:02d}-{count}", partial, original, heard)
            levels.append(LevelFile(count, file, of_count["distance"]))
        return PreviewPair(name, made, numbers, tuple(levels))

    def _reconstruction(
        self, stem: str, latents: Tensor, original: Tensor, heard: Hearing
    ) -> tuple[str, dict[str, float]]:
        """The file of what latents [1, frames, dim] decode to, and its distances from the original."""
        rate = self.net.sample_rate
        wave = self.net.decode_audio(latents)[0, : len(original)]
        row = spectral_distances(self.spectral, original, wave, with_stft=False)
        row |= heard_distances(wave, rate, heard)
        name = write_preview_sound(self.folder, stem, wave.float().cpu().numpy(), rate, self.format)
        return name, sound_quality.summary(as_numbers([row]))
