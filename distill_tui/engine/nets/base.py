"""Base class of autoencoders: an encoder, a bottleneck, a decoder, and the loss that they are trained on."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.losses import Loss, SpectralLoss
from distill_tui.engine.dsp.stft import MelSpectrogram, log_mel
from distill_tui.engine.quantizers import QuantizerOutput, build_quantizer
from distill_tui.recipe.arithmetic import crop_samples, latent_hop
from distill_tui.recipe.schema import Recipe

SILENCE = 1e-4
"""A latent frame whose samples all stay below this (-80 dB) is silent, and does not count in codebook health."""


class Autoencoder(nn.Module):
    """An autoencoder of a resolved recipe. Its data is sounds or images.

    `context` is how many latent frames a frame's result depends on, to each side.
    """

    encoder: nn.Module
    decoder: nn.Module
    context: int = 0
    head_losses: ClassVar[tuple[str, ...]] = ()
    """Names of the losses of `decode_to_train`."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.bottleneck = build_quantizer(recipe)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def encode(self, data: Tensor) -> Tensor:
        """Data [batch, ...] to latents [batch, frames, latent_dim]."""
        raise NotImplementedError

    def decode(self, latents: Tensor, first: Tensor | int = 0) -> Tensor:
        """Latents [batch, frames, latent_dim] to what the loss compares with `target`.

        Args:
            first: the place of the first latent frame in its sound, for each of the batch or for all, which the random
                numbers of a decoder that has some follow from; or the places of all frames [batch, frames], which need
                not follow one another.
        """
        raise NotImplementedError

    def decode_to_train(
        self, latents: Tensor, _data: Tensor, _seed: int, _start: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The result of `decode`, and losses of what else the decoder says of the data, scalars by name.

        Args:
            _seed: of what is drawn.
            _start: the number of the first example here in its batch; what is drawn follows from it too, so that a
                batch in pieces is the same as in one.
        """
        return self.decode(latents), {}

    def target(self, data: Tensor) -> Tensor:
        """What `decode` should return for data."""
        return data

    def render(self, decoded: Tensor) -> Tensor:
        """Turn the result of `decode` into data."""
        return decoded

    def frame_mask(self, data: Tensor) -> Tensor:
        """Latent frames [batch, frames] that count in codebook health."""
        raise NotImplementedError

    def loss(self) -> Loss:
        """The reconstruction loss, called with results of `decode` and `target`."""
        raise NotImplementedError

    def forward(
        self, data: Tensor, use_bottleneck: bool = True, levels: int | None = None
    ) -> tuple[Tensor, QuantizerOutput | None]:
        """Reconstruct data, through the first `levels` codebooks or, if not `use_bottleneck`, around them."""
        latents = self.encode(data)
        if not use_bottleneck:
            return self.render(self.decode(latents)), None
        quantized = self.bottleneck(latents, levels)
        return self.render(self.decode(quantized.latents)), quantized


class SoundNet(Autoencoder):
    """An autoencoder of sounds with log-mel input. n latent frames are n x `latent_hop` samples at `sample_rate` Hz."""

    window: Tensor

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        model = recipe.model
        self.sample_rate, self.stride, self.n_mels = int(model.sample_rate), int(model.stride), int(model.n_mels)
        self.hop_length, self.n_fft = int(model.hop_length), int(model.n_fft)
        self.latent_hop = latent_hop(recipe)
        self.mel = MelSpectrogram(self.sample_rate, self.n_fft, self.hop_length, self.n_mels)
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)

    def features(self, wave: Tensor) -> Tensor:
        """[batch, n x latent_hop samples] to log-mel [batch, n_mels, n x stride], without the frame after the end."""
        return log_mel(self.mel(wave))[..., : wave.shape[-1] // self.hop_length]

    def pad_to_frames(self, wave: Tensor) -> Tensor:
        """[batch, samples] with zeros at the end, up to whole latent frames."""
        return nn.functional.pad(wave, (0, -wave.shape[-1] % self.latent_hop))

    def encode(self, data: Tensor) -> Tensor:
        """[batch, n x latent_hop] samples in -1..1 to latents [batch, n, latent_dim]."""
        latents: Tensor = self.encoder(self.features(data))
        return latents.float()

    def frame_mask(self, data: Tensor) -> Tensor:
        """Latent frames [batch, n] of waves [batch, n x latent_hop] that are not silent."""
        return data.view(len(data), -1, self.latent_hop).abs().amax(-1) > SILENCE

    def loss(self) -> Loss:
        return SpectralLoss(self.sample_rate, crop_samples(self.recipe), self.recipe.loss.scales)

    def decode_audio(self, latents: Tensor, first: Tensor | int = 0) -> Tensor:
        """Latents [batch, n, latent_dim] to samples [batch, n x latent_hop]; `first` is as for `decode`."""
        return self.render(self.decode(latents, first))
