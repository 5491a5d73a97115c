"""Reconstruction losses: multi-scale log-mel and STFT distances. The first is also what quality is reported by."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.hearing import LSD_FFT, log_spectral_distance
from distill_tui.engine.dsp.stft import FLOOR, MelSpectrogram, log_mel

SCALES = ((256, 32), (512, 64), (1024, 80), (2048, 128), (4096, 160))
"""(n_fft, mel bands); the hop length is a quarter of n_fft."""


class Loss(nn.Module):
    """Scalars by name for a result [batch, ...] and its target [batch, ...]."""

    def draw(self) -> list[int]:
        """Draw the parts that one step compares, by their numbers, if it compares only some: [] for all of them."""
        return []

    def as_flags(self, drawn: Sequence[int]) -> Tensor:
        """What `draw` drew as a 1 for each part that is compared and a 0 for each that is not."""
        return torch.tensor([float(number in drawn or not drawn) for number in range(self.parts)])

    @property
    def parts(self) -> int:
        """How many parts it compares at most."""
        return 1

    def use(self, drawn: Sequence[int] | Tensor) -> None:
        """Compare these parts in later calls: what `draw` drew, or the same as flags on the device.

        Flags let one captured CUDA graph serve every draw: all parts are computed then.
        """


class SpectralLoss(Loss):
    """Distances of two sounds, as means over scales. Less is better; 0 means equal magnitudes.

    - mel: L1 distance of log10 mel magnitudes clamped at 1e-4, over five windows from 256 to 4096 samples: the
      multi-scale mel distance of DAC (Kumar et al. 2023, arXiv 2306.06546), with magnitudes as there.
    - stft: spectral convergence plus L1 distance of natural-log magnitudes (Yamamoto et al. 2020, arXiv 1910.11480).

    A training step takes the mean over `drawn` of the scales only: the same on average, in a fraction of the time.
    """

    def __init__(self, sample_rate: int, length: int | None = None, drawn: int = len(SCALES)) -> None:
        super().__init__()
        self.drawn = drawn
        usable = [(n_fft, mels) for n_fft, mels in SCALES if length is None or n_fft <= max(length, SCALES[0][0])]
        self.scales = [MelSpectrogram(sample_rate, n_fft, n_fft // 4, mels) for n_fft, mels in usable]
        self.layers = nn.ModuleList(self.scales)
        self._chosen: list[tuple[MelSpectrogram, Tensor | None]] = [(scale, None) for scale in self.scales]
        self._count = len(self.scales)

    @property
    def parts(self) -> int:
        return len(self.scales)

    def forward(
        self, result: Tensor, target: Tensor, with_stft: bool = True, with_lsd: bool = False
    ) -> dict[str, Tensor]:
        """Distances of [batch, samples] to [batch, samples]: `mel`, `stft` unless left out, `lsd` if asked; scalars."""
        more: dict[str, Tensor] = {}
        mel, stft = result.new_zeros(()), result.new_zeros(())
        with torch.autocast(result.device.type, enabled=False):
            for scale, flag in self._chosen:
                a, b = scale.magnitudes(result), scale.magnitudes(target)
                difference = (log_mel(scale.filters @ a) - log_mel(scale.filters @ b)).abs().mean()
                mel = mel + (difference if flag is None else flag * difference)
                if with_lsd and scale.n_fft == LSD_FFT:
                    more["lsd"] = log_spectral_distance(b, a)
                if with_stft:
                    # of each example: a batch in pieces is then the same as in one
                    error, size = (torch.linalg.vector_norm(x, dim=(1, 2)) for x in (a - b, b))
                    size = size.clamp(min=FLOOR * b[0].numel() ** 0.5)
                    logarithms = (a.clamp(min=FLOOR).log() - b.clamp(min=FLOOR).log()).abs().mean()
                    convergence = (error / size).mean()
                    if flag is not None:
                        convergence, logarithms = flag * convergence, flag * logarithms
                    stft = stft + convergence + logarithms
        count = self._count
        return {"mel": mel / count, **({"stft": stft / count} if with_stft else {}), **more}

    def draw(self) -> list[int]:
        if self.drawn >= len(self.scales):
            return []
        return [int(index) for index in torch.randperm(len(self.scales))[: self.drawn].tolist()]

    def use(self, drawn: Sequence[int] | Tensor) -> None:
        self._count = min(self.drawn, len(self.scales))
        if isinstance(drawn, Tensor):
            self._chosen = list(zip(self.scales, drawn.unbind(), strict=True))
        else:
            numbers = drawn or range(len(self.scales))
            self._chosen = [(self.scales[number], None) for number in numbers]


class ImageLoss(Loss):
    """Distance of images: `mel`, the mean absolute difference of log-mel spectrograms, or `recon`, the mean square."""

    def __init__(self, name: Literal["mel", "recon"]) -> None:
        super().__init__()
        self.name = name

    def forward(self, result: Tensor, target: Tensor, **_options: bool) -> dict[str, Tensor]:
        """The distance of [batch, height, width] by its name; there is no STFT of images."""
        difference = result - target
        return {self.name: difference.abs().mean() if self.name == "mel" else difference.square().mean()}
