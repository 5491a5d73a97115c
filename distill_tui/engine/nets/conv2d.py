"""The classic shape, as a baseline: strided convolutions over the log-mel spectrogram, and Griffin-Lim for the phases.

It loses twice: mel bands cannot tell close frequencies apart, and the phases are estimated.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.losses import ImageLoss
from distill_tui.engine.dsp.mel import griffin_lim
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.training.cpu_shards import Dropout
from distill_tui.recipe.arithmetic import CONV2D_STRIDE
from distill_tui.recipe.schema import Recipe

LAYERS = 4
ITERATIONS, MOMENTUM = 32, 0.99
"""Of Griffin-Lim: torchaudio's defaults."""


def layer_sizes(channels: int) -> list[tuple[int, int]]:
    """Channels before and after each layer of the encoder, doubling up to the recipe's; mirrored in the decoder."""
    sizes = [1, *(max(1, channels >> (LAYERS - 1 - layer)) for layer in range(LAYERS))]
    return list(pairwise(sizes))


class Encoder(nn.Module):
    """Log-mel frames [batch, n_mels, 16 n] to latents [batch, n, latent_dim]."""

    def __init__(self, n_mels: int, channels: int, latent_dim: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(before, after, 4, 2, 1) for before, after in layer_sizes(channels))
        self.dropout = Dropout(dropout)
        self.out = nn.Linear(channels * (n_mels // CONV2D_STRIDE), latent_dim)

    def forward(self, mel: Tensor) -> Tensor:
        x = (mel[:, None] + 1) / 3
        for layer in self.layers:
            x = nn.functional.gelu(layer(x))
        out: Tensor = self.out(self.dropout(x.permute(0, 3, 1, 2).flatten(2)))
        return out


class Decoder(nn.Module):
    """Latents [batch, n, latent_dim] to log-mel frames [batch, n_mels, 16 n]: the encoder, mirrored."""

    def __init__(self, n_mels: int, channels: int, latent_dim: int, dropout: float) -> None:
        super().__init__()
        self.shape = (channels, n_mels // CONV2D_STRIDE)
        self.embed = nn.Linear(latent_dim, channels * self.shape[1])
        self.dropout = Dropout(dropout)
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(after, before, 4, 2, 1) for before, after in reversed(layer_sizes(channels))
        )

    def forward(self, latents: Tensor) -> Tensor:
        x = self.dropout(self.embed(latents)).unflatten(2, self.shape).permute(0, 2, 3, 1)
        *inner, last = self.layers
        for layer in inner:
            x = layer(nn.functional.gelu(x))
        out: Tensor = last(nn.functional.gelu(x)).float()[:, 0] * 3 - 1
        return out


class Conv2d(SoundNet):
    """Four strided layers each way, trained on log-mel spectrograms and rendered by Griffin-Lim."""

    unmix: Tensor

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        model, channels = recipe.model, int(recipe.model.channels)
        self.encoder = Encoder(self.n_mels, channels, model.latent_dim, model.dropout)
        self.decoder = Decoder(self.n_mels, channels, model.latent_dim, model.dropout)
        # each layer looks a frame to the side at its own rate: one at the frame rate, and Griffin-Lim some more
        self.context = LAYERS
        self.register_buffer("unmix", torch.linalg.pinv(self.mel.filters), persistent=False)

    def decode(self, latents: Tensor, _first: Tensor | int = 0) -> Tensor:
        """Latents [batch, n, latent_dim] to log-mel [batch, n_mels, n x stride]."""
        picture: Tensor = self.decoder(latents)
        return picture

    def target(self, data: Tensor) -> Tensor:
        return self.features(data)

    def render(self, decoded: Tensor) -> Tensor:
        """Log-mel [batch, n_mels, n x stride] to samples [batch, n x latent_hop]; the same for the same picture."""
        length = decoded.shape[-1] * self.hop_length
        with torch.autocast(decoded.device.type, enabled=False):
            magnitudes = (self.unmix @ (10 ** decoded.float())).clamp(min=0)
            # the frame centred on the last sample was left out
            magnitudes = torch.cat((magnitudes, magnitudes[..., -1:]), -1)
            if length <= self.n_fft // 2:
                magnitudes = nn.functional.pad(magnitudes, (0, self.n_fft // self.hop_length))
            wave = griffin_lim(magnitudes, self.window, self.hop_length, ITERATIONS, MOMENTUM)
            return nn.functional.pad(wave, (0, max(0, length - wave.shape[-1])))[:, :length]

    def resynthesise(self, data: Tensor) -> Tensor:
        """Waves through the log-mel spectrogram and Griffin-Lim: the decoder does not choose the phases here."""
        return self.render(self.features(data))

    def loss(self) -> ImageLoss:
        return ImageLoss("mel")
