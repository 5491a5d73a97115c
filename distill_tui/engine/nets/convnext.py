"""The default net: log-mel frames in, ConvNeXt blocks, a bottleneck, ConvNeXt blocks, an inverse STFT out.

The shape follows Vocos (Siuzdak 2023, arXiv 2306.00814): all layers work at the spectrogram's rate or below,
and the waveform comes from magnitudes and phases. `stride` spectrogram frames share one latent frame; the blocks work
at the frame rate of the latents, where a wide layer is cheap.
"""

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.stft import synthesise
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.training.cpu_shards import Dropout
from distill_tui.recipe.schema import Recipe


class ConvNeXtBlock(nn.Module):
    """ConvNeXt (Liu et al. 2022, arXiv 2201.03545) in one dimension: [batch, frames, channels] to the same."""

    def __init__(self, channels: int, dropout: float, scale: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 3 * channels)
        self.narrow = nn.Linear(3 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), scale))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = depthwise(x, self.depthwise)
        y = self.narrow(nn.functional.gelu(self.widen(self.norm(y))))
        out: Tensor = x + self.dropout(self.scale * y)
        return out


def depthwise(x: Tensor, layer: nn.Conv1d) -> Tensor:
    """`layer`, a depthwise convolution, of [batch, frames, channels].

    On the CPU as two dimensions with channels last, in float32: half the time of one dimension in bfloat16, whose
    backward alone was a twelfth of a step.
    """
    if x.device.type != "cpu":
        out: Tensor = layer(x.transpose(1, 2))
        return out.transpose(1, 2)
    padding = (0, layer.kernel_size[0] // 2)
    with torch.autocast("cpu", enabled=False):
        image = x.float().transpose(1, 2).unsqueeze(2)
        y = nn.functional.conv2d(image, layer.weight.unsqueeze(2), layer.bias, padding=padding, groups=layer.groups)
    return y.squeeze(2).transpose(1, 2)


def blocks(count: int, channels: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(*(ConvNeXtBlock(channels, dropout, 1 / count) for _ in range(count)))


class Encoder(nn.Module):
    """Log-mel frames [batch, n_mels, stride x latent frames] to latents [batch, latent frames, latent_dim]."""

    def __init__(self, n_mels: int, stride: int, channels: int, count: int, latent_dim: int, dropout: float) -> None:
        super().__init__()
        self.stride = stride
        self.embed = nn.Conv1d(n_mels * stride, channels, 3, padding=1)
        self.norm = nn.LayerNorm(channels)
        self.blocks = blocks(count, channels, dropout)
        self.final = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, latent_dim)

    def forward(self, mel: Tensor) -> Tensor:
        batch, bands, frames = mel.shape
        folded = mel.view(batch, bands, frames // self.stride, self.stride).transpose(2, 3)
        x = self.embed(folded.reshape(batch, bands * self.stride, frames // self.stride)).transpose(1, 2)
        out: Tensor = self.out(self.final(self.blocks(self.norm(x))))
        return out


class Decoder(nn.Module):
    """Latents [batch, latent frames, latent_dim] to log-magnitudes and phases, each [batch, frames, bins]."""

    def __init__(self, bins: int, stride: int, channels: int, count: int, latent_dim: int, dropout: float) -> None:
        super().__init__()
        self.bins, self.stride = bins, stride
        self.embed = nn.Conv1d(latent_dim, channels, 7, padding=3)
        self.norm = nn.LayerNorm(channels)
        self.blocks = blocks(count, channels, dropout)
        self.final = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, 2 * bins * stride)
        with torch.no_grad():
            # sounds are mostly quiet: starting at e^-4 instead of e^0 saves the first hundreds of steps
            self.out.bias.view(stride, 2, bins)[:, 0].fill_(-4.0)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        x = self.embed(latents.transpose(1, 2)).transpose(1, 2)
        x = self.out(self.final(self.blocks(self.norm(x)))).float()
        batch, frames = x.shape[:2]
        x = x.view(batch, frames * self.stride, 2, self.bins)
        return x[:, :, 0], x[:, :, 1]


class ConvNeXt(SoundNet):
    """The default net."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        model, bins = recipe.model, self.n_fft // 2 + 1
        width, dropout = int(model.channels), model.dropout
        before, after = int(model.encoder_blocks), int(model.decoder_blocks)
        self.encoder = Encoder(self.n_mels, self.stride, width, before, model.latent_dim, dropout)
        self.decoder = Decoder(bins, self.stride, width, after, model.latent_dim, dropout)
        self.context = 3 * max(before, after) + 4

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [batch, n, latent_dim] to samples [batch, n x latent_hop]."""
        log_magnitude, phase = self.decoder(latents)
        with torch.autocast(latents.device.type, enabled=False):
            length = latents.shape[1] * self.latent_hop
            return synthesise(log_magnitude, phase, self.window, self.hop_length, length)
