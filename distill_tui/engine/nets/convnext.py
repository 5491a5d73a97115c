"""The default net: log-mel frames in, ConvNeXt blocks, a bottleneck, ConvNeXt blocks, an inverse STFT out.

The shape follows Vocos (Siuzdak 2023, arXiv 2306.00814): all layers work at the spectrogram's rate or below,
and the waveform comes from magnitudes and phases. `stride` spectrogram frames share one latent frame; the blocks work
at the frame rate of the latents, where a wide layer is cheap.

Beside them the decoder says how noisy each band is (`model.noise_bands`), which turns its phases at random, and a gain
for each small part of a frame (`model.gains_per_frame`), which shapes attacks. The first latent is the loudness
(`model.loudness_scale`), which is imposed on the result.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.loudness import loudness, with_loudness
from distill_tui.engine.dsp.noise import Noisiness, band_of_bins, random_phases, repetition
from distill_tui.engine.dsp.stft import synthesise
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.training.cpu_shards import Dropout
from distill_tui.recipe.schema import Recipe

LOUDNESS_CENTRE = -6.0
"""The loudness whose latent is 0, as a natural logarithm: -52 dB, between silence and full scale."""
HEARD, SILENT = 0.985, -30.0
"""What the bins of DC and above this part of the highest frequency are made quieter by, as a natural logarithm: the mel
bands of the loss hardly see them, so a net that has to be so loud would put there what it has no place for."""
TURNS = 2
"""Random phases in a latent frame. Frames that turn together keep the shape of an attack; one phase for all of them
leaves a repetition at their own rate (tests/benchmarks/RESULTS.md)."""
PLACES_APART = 2**20
"""Latent frames between the examples of a batch."""
MAX_GAIN = 8.0
"""The most that a part of a frame is made louder or quieter by, as a natural logarithm: 69 dB."""


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


class Decoded(NamedTuple):
    """A decoder's outputs for latents [batch, n, latent_dim]; what it has no head for is None.

    Log-magnitudes and phases are [batch, n x stride, bins], `noisiness` [batch, n, bands] are logits, `gains`
    [batch, n x gains per frame] natural logarithms.
    """

    log_magnitude: Tensor
    phase: Tensor
    noisiness: Tensor | None
    gains: Tensor | None


class Decoder(nn.Module):
    """Latents [batch, latent frames, latent_dim] to `Decoded`."""

    def __init__(
        self,
        bins: int,
        stride: int,
        channels: int,
        count: int,
        latent_dim: int,
        dropout: float,
        noise_bands: int = 0,
        gains: int = 0,
    ) -> None:
        super().__init__()
        self.bins, self.stride = bins, stride
        self.embed = nn.Conv1d(latent_dim, channels, 7, padding=3)
        self.norm = nn.LayerNorm(channels)
        self.blocks = blocks(count, channels, dropout)
        self.final = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, 2 * bins * stride)
        self.noisiness = nn.Linear(channels, noise_bands) if noise_bands else None
        self.gains = nn.Linear(channels, gains) if gains else None
        with torch.no_grad():
            # sounds are mostly quiet: starting at e^-4 instead of e^0 saves the first hundreds of steps
            self.out.bias.view(stride, 2, bins)[:, 0].fill_(-4.0)
            for head in (self.noisiness, self.gains):
                if head is not None:
                    head.weight.zero_()
                    head.bias.zero_()

    def forward(self, latents: Tensor) -> Decoded:
        x = self.embed(latents.transpose(1, 2)).transpose(1, 2)
        x = self.final(self.blocks(self.norm(x)))
        batch, frames = x.shape[:2]
        out = self.out(x).float().view(batch, frames * self.stride, 2, self.bins)
        noisiness = None if self.noisiness is None else self.noisiness(x).float()
        gains = None if self.gains is None else self.gains(x).float().flatten(1)
        return Decoded(out[:, :, 0], out[:, :, 1], noisiness, gains)


class ConvNeXt(SoundNet):
    """The default net."""

    head_losses = ("noise", "repetition", "loudness")
    band: Tensor
    unheard: Tensor

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        model, bins = recipe.model, self.n_fft // 2 + 1
        width, dropout = int(model.channels), model.dropout
        before, after = int(model.encoder_blocks), int(model.decoder_blocks)
        self.loudness_scale, gains = float(model.loudness_scale), model.gains_per_frame
        told = 1 if self.loudness_scale else 0
        self.encoder = Encoder(self.n_mels, self.stride, width, before, model.latent_dim - told, dropout)
        self.decoder = Decoder(bins, self.stride, width, after, model.latent_dim, dropout, model.noise_bands, gains)
        place = torch.arange(bins) / (bins - 1)
        unheard = torch.where((place == 0) | (place > HEARD), SILENT, 0.0)
        self.register_buffer("unheard", unheard, persistent=False)
        self.noisiness = None
        if model.noise_bands:
            self.noisiness = Noisiness(self.sample_rate, self.n_fft, self.latent_hop, model.noise_bands)
            self.register_buffer(
                "band", band_of_bins(self.sample_rate, self.n_fft, model.noise_bands), persistent=False
            )
        self.context = 3 * max(before, after) + (8 if told else 4)

    def encode(self, data: Tensor) -> Tensor:
        """[batch, n x latent_hop] samples in -1..1 to latents [batch, n, latent_dim]."""
        if not self.loudness_scale:
            return super().encode(data)
        with torch.autocast(data.device.type, enabled=False):
            level = loudness(data.float(), self.latent_hop)
            # without its loudness a sound has one shape, however loud it is: less to learn
            shape = self.features(data) - math.log10(math.e) * level.repeat_interleave(self.stride, 1)[:, None]
        latents = self.encoder(shape).float()
        return torch.cat((((level - LOUDNESS_CENTRE) * self.loudness_scale)[..., None], latents), -1)

    def decode(self, latents: Tensor, first: Tensor | int = 0) -> Tensor:
        """Latents [batch, n, latent_dim] to samples [batch, n x latent_hop]."""
        return self._synthesise(self.decoder(latents), latents, first)[0]

    def decode_to_train(self, latents: Tensor, data: Tensor, seed: int, start: int) -> tuple[Tensor, dict[str, Tensor]]:
        """`decode`, and the losses of what the decoder is for beside it.

        `noise` is the binary cross-entropy of the noisiness of bands that can be heard; `repetition` is the most that
        the result repeats itself beyond the original, as far as this is noise: that of a tone is its pitch; `loudness`
        is how far (natural logarithm) the result is from its loudness before that is imposed, or the net would drift
        to where no gain reaches.
        """
        decoded = self.decoder(latents)
        # places far from each other in a sound without end, and others in the next step
        number = torch.arange(start, start + len(data), device=latents.device)
        wave, gain = self._synthesise(decoded, latents, seed % 2**31 + PLACES_APART * number)
        losses = {} if gain is None else {"loudness": gain.abs().mean()}
        if self.noisiness is None or decoded.noisiness is None:
            return wave, losses
        # every other example of the batch tells as much at half the price
        some = slice(start % 2, None, 2)
        if not len(data[some]):
            nothing = 0 * (decoded.noisiness.sum() + wave.sum())
            return wave, losses | {"noise": nothing, "repetition": nothing}
        with torch.autocast(latents.device.type, enabled=False):
            noise, repeated = self._noise_losses(decoded.noisiness[some], wave[some], data[some].float())
        share = 2 / len(data)
        return wave, losses | {"noise": share * noise.sum(), "repetition": share * repeated.sum()}

    def _noise_losses(self, logits: Tensor, wave: Tensor, original: Tensor) -> tuple[Tensor, Tensor]:
        """The losses `noise` and `repetition` of each example [batch]."""
        assert self.noisiness is not None
        with torch.no_grad():
            noisy, heard = self.noisiness(original)
            weight = heard / heard.sum((1, 2), keepdim=True).clamp(min=1)
            repeats = repetition(original, self.sample_rate)
        each = nn.functional.binary_cross_entropy_with_logits(logits, noisy, reduction="none")
        excess = (repetition(wave, self.sample_rate) - repeats).clamp(min=0).amax(-1)
        return (each * weight).sum((1, 2)), excess * (noisy * weight).sum((1, 2))

    def _synthesise(self, decoded: Decoded, latents: Tensor, first: Tensor | int) -> tuple[Tensor, Tensor | None]:
        """Samples [batch, n x latent_hop], and the gain [batch, n] that gave them their loudness."""
        gain = None
        length = latents.shape[1] * self.latent_hop
        with torch.autocast(latents.device.type, enabled=False):
            phase = decoded.phase
            if decoded.noisiness is not None:
                phase = phase + self._random_turns(decoded.noisiness.detach(), first)
            log_magnitude = decoded.log_magnitude
            if self.loudness_scale:
                log_magnitude = log_magnitude + self.unheard
            wave = synthesise(log_magnitude, phase, self.window, self.hop_length, length)
            if decoded.gains is not None:
                gains = nn.functional.interpolate(decoded.gains[:, None], size=length, mode="linear")[:, 0]
                wave = wave * gains.clamp(-MAX_GAIN, MAX_GAIN).exp()
            if self.loudness_scale:
                wanted = latents[..., 0].float() / self.loudness_scale + LOUDNESS_CENTRE
                wave, gain = with_loudness(wave, wanted, self.latent_hop)
        return wave, gain

    def _random_turns(self, noisiness: Tensor, first: Tensor | int) -> Tensor:
        """Random phases [batch, n x stride, bins] as far as bands are noisy, TURNS of them in a latent frame."""
        batch, frames = noisiness.shape[:2]
        turns = TURNS if self.stride % TURNS == 0 else 1
        if isinstance(first, int):
            first = torch.full((batch,), first, device=noisiness.device)
        places = first * turns
        if places.dim() == 2:
            places = (places[..., None] + torch.arange(turns, device=places.device)).flatten(1)
        phases = random_phases(places, frames * turns, len(self.band)).view(batch, frames, turns, -1)
        phases = phases * noisiness.sigmoid()[:, :, None, self.band]
        return phases.repeat_interleave(self.stride // turns, dim=2).flatten(1, 2)
