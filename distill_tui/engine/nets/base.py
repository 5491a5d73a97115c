"""What every net is: an encoder, a bottleneck and a decoder, and how its results are judged."""

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.losses import Loss, SpectralLoss
from distill_tui.engine.dsp.stft import MelSpectrogram, log_mel
from distill_tui.engine.quantizers import QuantizerOutput, build_bottleneck
from distill_tui.recipe.arithmetic import latent_hop, segment_samples
from distill_tui.recipe.schema import Recipe

SILENCE = 1e-4
"""A latent frame whose samples all stay below this (-80 dB) is silent, and not counted in health."""


class Autoencoder(nn.Module):
    """A net of a resolved recipe. Data is what it takes: sounds or pictures.

    `encoder` and `decoder` are its own; `context` is how many latent frames a frame's result depends on, to each side.
    """

    encoder: nn.Module
    decoder: nn.Module
    context: int = 0

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.bottleneck = build_bottleneck(recipe)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def encode(self, data: Tensor) -> Tensor:
        """Data [batch, ...] to latents [batch, frames, latent_dim]."""
        raise NotImplementedError

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [batch, frames, latent_dim] to what is compared with `wanted`."""
        raise NotImplementedError

    def wanted(self, data: Tensor) -> Tensor:
        """What `decode` should come to."""
        return data

    def render(self, decoded: Tensor) -> Tensor:
        """What `decode` gave, as data."""
        return decoded

    def counted(self, data: Tensor) -> Tensor:
        """Which latent frames [batch, frames] count in the health of the codes."""
        raise NotImplementedError

    def loss(self) -> Loss:
        """What it is trained on, called with what `decode` and `wanted` gave."""
        raise NotImplementedError

    def forward(
        self, data: Tensor, use_bottleneck: bool = True, levels: int | None = None
    ) -> tuple[Tensor, QuantizerOutput | None]:
        """Reconstruct data, through the first `levels` codebooks or, if not `use_bottleneck`, around them."""
        latents = self.encode(data)
        if not use_bottleneck:
            return self.render(self.decode(latents)), None
        passed = self.bottleneck(latents, levels)
        return self.render(self.decode(passed.latents)), passed


class SoundNet(Autoencoder):
    """A net that hears log-mel frames. A wave of n latent frames has n x `latent_hop` samples; `rate` is in Hz."""

    window: Tensor

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        model = recipe.model
        self.rate, self.hop, self.size = int(model.sample_rate), int(model.hop_length), int(model.n_fft)
        self.stride, self.mels = int(model.stride), int(model.n_mels)
        self.latent_hop = latent_hop(recipe)
        self.mel = MelSpectrogram(self.rate, self.size, self.hop, self.mels)
        self.register_buffer("window", torch.hann_window(self.size), persistent=False)

    def features(self, wave: Tensor) -> Tensor:
        """[batch, n x latent_hop samples] to log-mel [batch, mels, n x stride]: the frame after the end is left out."""
        return log_mel(self.mel(wave))[..., : wave.shape[-1] // self.hop]

    def encode(self, data: Tensor) -> Tensor:
        """[batch, n x latent_hop] samples in -1..1 to latents [batch, n, latent_dim]."""
        latents: Tensor = self.encoder(self.features(data))
        return latents.float()

    def counted(self, data: Tensor) -> Tensor:
        """Which latent frames [batch, n] of waves [batch, n x latent_hop] are not silent."""
        return data.view(len(data), -1, self.latent_hop).abs().amax(-1) > SILENCE

    def loss(self) -> Loss:
        return SpectralLoss(self.rate, segment_samples(self.recipe), self.recipe.loss.scales)

    def sound(self, latents: Tensor) -> Tensor:
        """Latents [batch, n, latent_dim] to samples [batch, n x latent_hop]."""
        return self.render(self.decode(latents))
