"""What the net is trained on: multi-scale log-mel and STFT distances. The first is also what its quality is told by."""

from typing import Literal

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.stft import FLOOR, MelSpectrogram, log_mel

SCALES = ((256, 32), (512, 64), (1024, 80), (2048, 128), (4096, 160))
"""(window in samples, mel bands); the hop is a quarter of the window."""


class Loss(nn.Module):
    """Scalars by name for [batch, ...] that was made and [batch, ...] that was wanted."""

    names: tuple[str, ...]

    def draw(self) -> None:
        """Choose, by torch's generator, what the calls until the next choice look at, where that is not everything."""


class SpectralLoss(Loss):
    """Distances of two sounds, as means over scales. Small is good; 0 is the same magnitudes.

    - mel: L1 distance of log10 mel magnitudes clamped at 1e-4, over five windows from 256 to 4096 samples: the
      multi-scale mel distance of DAC (Kumar et al. 2023, arXiv 2306.06546), with magnitudes as there.
    - stft: spectral convergence plus L1 distance of natural-log magnitudes (Yamamoto et al. 2020, arXiv 1910.11480).

    After `draw`, it is the mean over `drawn` of the scales only: the same on average, in a fraction of the time.
    """

    names = ("mel", "stft")

    def __init__(self, rate: int, length: int | None = None, drawn: int = len(SCALES)) -> None:
        super().__init__()
        self.drawn = drawn
        usable = [(w, m) for w, m in SCALES if length is None or w <= max(length, SCALES[0][0])]
        self.scales = [MelSpectrogram(rate, window, window // 4, mels) for window, mels in usable]
        self.layers = nn.ModuleList(self.scales)
        self._chosen = self.scales

    def forward(self, made: Tensor, wanted: Tensor, with_stft: bool = True) -> dict[str, Tensor]:
        """Distances of [batch, samples] to [batch, samples]: `mel`, and `stft` unless left out; scalars."""
        mel, stft = made.new_zeros(()), made.new_zeros(())
        with torch.autocast(made.device.type, enabled=False):
            for scale in self._chosen:
                a, b = scale.magnitudes(made), scale.magnitudes(wanted)
                mel = mel + (log_mel(scale.filters @ a) - log_mel(scale.filters @ b)).abs().mean()
                if with_stft:
                    convergence = (a - b).norm() / b.norm().clamp(min=FLOOR)
                    stft = stft + convergence + (a.clamp(min=FLOOR).log() - b.clamp(min=FLOOR).log()).abs().mean()
        count = len(self._chosen)
        return {"mel": mel / count, "stft": stft / count} if with_stft else {"mel": mel / count}

    def draw(self) -> None:
        if self.drawn < len(self.scales):
            self._chosen = [self.scales[index] for index in torch.randperm(len(self.scales))[: self.drawn].tolist()]


class PictureLoss(Loss):
    """How far pictures are from those wanted: `mel`, the mean distance of log-mel ones, or `mse`, the mean square."""

    def __init__(self, name: Literal["mel", "mse"]) -> None:
        super().__init__()
        self.name, self.names = name, (name,)

    def forward(self, made: Tensor, wanted: Tensor, **_asked: bool) -> dict[str, Tensor]:
        """The distance of [batch, height, width] by its name; there is no STFT of pictures."""
        difference = made - wanted
        return {self.name: difference.abs().mean() if self.name == "mel" else difference.square().mean()}
