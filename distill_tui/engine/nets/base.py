"""Base class of autoencoders: an encoder, a bottleneck, a decoder, and the loss that they are trained on."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.losses import Loss, SpectralLoss
from distill_tui.engine.dsp.padded import ends_of, reflected
from distill_tui.engine.dsp.stft import MelSpectrogram, log_mel, stft, synthesise
from distill_tui.engine.quantizers import QuantizerOutput, build_quantizer
from distill_tui.recipe.arithmetic import crop_samples, latent_hop
from distill_tui.recipe.schema import Recipe

SILENCE = 1e-4
"""A latent frame whose samples all stay below this (-80 dB) is silent, and does not count in codebook health."""
QUIETEST = 1e-7
"""Magnitude that a resynthesised one is clamped to before its logarithm is taken."""


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
        self, latents: Tensor, _data: Tensor, _seed: int | Tensor, _start: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The result of `decode`, and losses of what else the decoder says of the data, scalars by name.

        Args:
            _seed: of what is drawn; also as a scalar on the device, where a step is captured.
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
    takes_ends: ClassVar[bool] = False
    """Whether sounds of different lengths can go through together: `encode` and `decode` take `ends`."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        model = recipe.model
        self.sample_rate, self.stride, self.n_mels = int(model.sample_rate), int(model.stride), int(model.n_mels)
        self.hop_length, self.n_fft = int(model.hop_length), int(model.n_fft)
        self.latent_hop = latent_hop(recipe)
        self.mel = MelSpectrogram(self.sample_rate, self.n_fft, self.hop_length, self.n_mels)
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)

    def features(self, wave: Tensor, ends: Tensor | None = None) -> Tensor:
        """[batch, n x latent_hop samples] to log-mel [batch, n_mels, n x stride], without the frame after the end.

        Args:
            ends: the number of latent frames of each, if they are not equally long; the wave is zero after them.
        """
        whole = reflected(wave, None if ends is None else ends * self.latent_hop, self.n_fft // 2)
        return log_mel(self.mel(whole))[..., : wave.shape[-1] // self.hop_length]

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

    def reconstruct(
        self, data: Tensor, frames: Sequence[int], use_bottleneck: bool = True
    ) -> tuple[Tensor, Tensor, QuantizerOutput | None]:
        """`forward` of sounds [batch, n x latent_hop] of different lengths, as if each were alone.

        Args:
            frames: the number of latent frames of each; the wave is zero after them.

        Returns:
            The reconstructions, zero after the end of each; the places of all latent frames in a flattened [batch, n];
            and what the quantizer gives for these, in a row, as [1, all of them, ...].
        """
        ends = ends_of(frames, data.device)
        given = {} if ends is None else {"ends": ends}
        latents = self.encode(data, **given)
        shape = latents.shape
        places = (torch.arange(shape[1]) < torch.tensor(frames)[:, None]).flatten().nonzero()[:, 0].to(data.device)
        quantized = None
        if use_bottleneck:
            quantized = self.bottleneck(latents.flatten(0, 1)[None, places])
            decoded = latents.new_zeros(shape[0] * shape[1], quantized.latents.shape[-1])
            decoded[places] = quantized.latents[0]
            latents = decoded.view(shape[0], shape[1], -1)
        return self.render(self.decode(latents, **given)), places, quantized

    def resynthesise(self, data: Tensor) -> Tensor:
        """Waves [batch, n x latent_hop] through the analysis and the synthesis alone, without encoder and decoder.

        The magnitudes are those that the mel bands tell, by the pseudo-inverse of their filters; a decoder is free to
        choose phases, so they are the sound's own. It is about the best that a net of this spectrogram can do.
        """
        length = data.shape[-1]
        # reflection needs more than half a window
        data = nn.functional.pad(data, (0, max(0, self.n_fft - length)))
        spectrum = torch.view_as_complex(stft(data, self.window, self.hop_length)[:, :-1].contiguous())
        mel = spectrum.abs() @ self.mel.filters.T
        magnitudes = (mel @ self.mel.inverse_filters.to(data.device).T).clamp(min=QUIETEST)
        return synthesise(magnitudes.log(), spectrum.angle(), self.window, self.hop_length, data.shape[-1])[:, :length]

    def decode_audio(self, latents: Tensor, first: Tensor | int = 0) -> Tensor:
        """Latents [batch, n, latent_dim] to samples [batch, n x latent_hop]; `first` is as for `decode`."""
        return self.render(self.decode(latents, first))
