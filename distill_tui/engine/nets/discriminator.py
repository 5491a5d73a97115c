"""The discriminator of adversarial training: it tells sounds from reconstructions by their complex spectrograms.

One stack of convolutions for each of several windows, as in EnCodec (Défossez et al. 2022, arXiv 2210.13438, section
3.4) and DAC (Kumar et al. 2023, arXiv 2306.06546). A model does not contain it.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from distill_tui.engine.dsp.stft import stft
from distill_tui.recipe.arithmetic import crop_samples
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.size import discriminator_channels

WINDOWS = (2048, 512, 128)
"""Samples: long ones see what repeats itself, short ones see attacks. The hop length is a quarter."""
SLOPE = 0.1
"""Of the leaky ReLUs, as in DAC."""
COMPRESSION, KNEE = 0.3, 1e-7
"""Magnitudes are raised to this power, so that quiet partials and noise count beside loud ones; below the square root
of the knee (-70 dB of full scale) they stay linear."""
PEAK, QUIETEST = 0.8, 1e-3
"""A sound is scaled to this peak, and its reconstruction by the same factor, so that a wrong level is seen; what is
quieter than -60 dB is scaled as if it were that loud."""

Features = list[list[Tensor]]
"""By window: the output of each layer [batch, channels, frames, bands]; the last one is the score."""


class WindowDiscriminator(nn.Module):
    """Judges waves by the complex STFT of one window; dilation over frames lets it see 19 of them at once."""

    window: Tensor

    def __init__(self, n_fft: int, channels: int) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        inputs = (2, channels, channels, channels)
        self.layers = nn.ModuleList(
            _conv(before, channels, (3, 9), stride=(1, 2), dilation=(dilation, 1))
            for before, dilation in zip(inputs, (1, 1, 2, 4), strict=True)
        )
        self.layers.append(_conv(channels, channels, (3, 3)))
        self.score = _conv(channels, 1, (3, 3))

    def forward(self, wave: Tensor) -> list[Tensor]:
        """Outputs of the layers for [batch, samples]; the last is the score [batch, 1, frames, bands]."""
        x = self._spectrum(wave)
        features = []
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return [*features, self.score(x)]

    def _spectrum(self, wave: Tensor) -> Tensor:
        """Real and imaginary part [batch, 2, frames, bins], compressed."""
        with torch.autocast(wave.device.type, enabled=False):
            parts = stft(wave.float(), self.window, self.n_fft // 4) * (2 / self.n_fft)
            squares = parts.square().sum(-1, keepdim=True)
            compressed = parts * (squares + KNEE).pow((COMPRESSION - 1) / 2)
        return compressed.permute(0, 3, 1, 2)


class Discriminator(nn.Module):
    """Judges waves by several windows, of those that fit into `length` samples.

    Args:
        channels: of each layer.
    """

    def __init__(self, channels: int, length: int) -> None:
        super().__init__()
        usable = [n_fft for n_fft in WINDOWS if n_fft <= length] or WINDOWS[-1:]
        self.windows = nn.ModuleList(WindowDiscriminator(n_fft, channels) for n_fft in usable)

    def forward(self, wave: Tensor) -> Features:
        return [window(wave) for window in self.windows]


def build_discriminator(recipe: Recipe) -> Discriminator:
    """The discriminator that fits the width of a recipe's net, with new weights from torch's random state."""
    return Discriminator(discriminator_channels(recipe.model), crop_samples(recipe))


def common_gain(target: Tensor) -> Tensor:
    """The factor [batch, 1] that brings sounds [batch, samples] to one peak."""
    return PEAK / target.abs().amax(-1, keepdim=True).clamp(min=QUIETEST)


def _conv(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> nn.Module:
    padding = (dilation[0] * (kernel[0] // 2), kernel[1] // 2)
    layer: nn.Module = weight_norm(nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation))
    return layer
