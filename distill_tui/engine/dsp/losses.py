"""Reconstruction losses: multi-scale log-mel and STFT distances. The first is also what quality is reported by."""

from typing import Literal

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.hearing import LSD_FFT, log_spectral_distance
from distill_tui.engine.dsp.stft import FLOOR, MelSpectrogram, log_mel

SCALES = ((256, 32), (512, 64), (1024, 80), (2048, 128), (4096, 160))
"""(n_fft, mel bands); the hop length is a quarter of n_fft."""


class Loss(nn.Module):
    """Scalars by name for a result [batch, ...] and its target [batch, ...]."""

    def draw(self) -> None:
        """Draw the part that later calls compare, if a step compares only a part."""


class SpectralLoss(Loss):
    """Distances of two sounds, as means over scales. Less is better; 0 means equal magnitudes.

    - mel: L1 distance of log10 mel magnitudes clamped at 1e-4, over five windows from 256 to 4096 samples: the
      multi-scale mel distance of DAC (Kumar et al. 2023, arXiv 2306.06546), with magnitudes as there.
    - stft: spectral convergence plus L1 distance of natural-log magnitudes (Yamamoto et al. 2020, arXiv 1910.11480).

    After `draw`, it is the mean over `drawn` of the scales only: the same on average, in a fraction of the time.
    """

    def __init__(self, sample_rate: int, length: int | None = None, drawn: int = len(SCALES)) -> None:
        super().__init__()
        self.drawn = drawn
        usable = [(n_fft, mels) for n_fft, mels in SCALES if length is None or n_fft <= max(length, SCALES[0][0])]
        self.scales = [MelSpectrogram(sample_rate, n_fft, n_fft // 4, mels) for n_fft, mels in usable]
        self.layers = nn.ModuleList(self.scales)
        self._chosen = self.scales

    def forward(
        self, result: Tensor, target: Tensor, with_stft: bool = True, with_lsd: bool = False
    ) -> dict[str, Tensor]:
        """Distances of [batch, samples] to [batch, samples]: `mel`, `stft` unless left out, `lsd` if asked; scalars."""
        more: dict[str, Tensor] = {}
        mel, stft = result.new_zeros(()), result.new_zeros(())
        with torch.autocast(result.device.type, enabled=False):
            for scale in self._chosen:
                a, b = scale.magnitudes(result), scale.magnitudes(target)
                mel = mel + (log_mel(scale.filters @ a) - log_mel(scale.filters @ b)).abs().mean()
                if with_lsd and scale.n_fft == LSD_FFT:
                    more["lsd"] = log_spectral_distance(b, a)
                if with_stft:
                    # of each example: a batch in pieces is then the same as in one
                    error, size = (torch.linalg.vector_norm(x, dim=(1, 2)) for x in (a - b, b))
                    size = size.clamp(min=FLOOR * b[0].numel() ** 0.5)
                    logarithms = (a.clamp(min=FLOOR).log() - b.clamp(min=FLOOR).log()).abs().mean()
                    stft = stft + (error / size).mean() + logarithms
        count = len(self._chosen)
        return {"mel": mel / count, **({"stft": stft / count} if with_stft else {}), **more}

    def draw(self) -> None:
        if self.drawn < len(self.scales):
            self._chosen = [self.scales[index] for index in torch.randperm(len(self.scales))[: self.drawn].tolist()]


class ImageLoss(Loss):
    """Distance of images: `mel`, the mean absolute difference of log-mel spectrograms, or `recon`, the mean square."""

    def __init__(self, name: Literal["mel", "recon"]) -> None:
        super().__init__()
        self.name = name

    def forward(self, result: Tensor, target: Tensor, **_options: bool) -> dict[str, Tensor]:
        """The distance of [batch, height, width] by its name; there is no STFT of images."""
        difference = result - target
        return {self.name: difference.abs().mean() if self.name == "mel" else difference.square().mean()}
