"""A codec as the methods use it: latents of single sounds, in and out."""

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from distill_tui.engine.dsp.loudness import loudness, with_loudness
from distill_tui.engine.inference.chunks import chunks
from distill_tui.engine.inference.model import Model
from distill_tui.engine.nets.convnext import LOUDNESS_CENTRE
from distill_tui.engine.quantizers.base import Quantizer

DECIBELS = 20 * math.log10(math.e)
"""Of a natural logarithm of an amplitude."""
BATCH_FRAMES = 1 << 14
"""Latent frames that are decoded together on an accelerator, at the most."""


class Codec:
    """The codec of a model. Everything goes in and comes out on the CPU.

    A sound is [samples], its latents float32 [frames, dim], its codes int64 [frames, levels]; of a bottleneck without
    codebooks the codes are the latents themselves.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.net = model, model.net
        self.hop, self.rate, self.levels = model.net.latent_hop, model.sample_rate, model.levels
        self.frame_rate = self.rate / self.hop
        self._scale = float(getattr(model.net, "loudness_scale", 0.0))

    def frames(self, seconds: float) -> int:
        """Latent frames that cover so many seconds."""
        return max(1, math.ceil(round(seconds * self.rate) / self.hop))

    def encode(self, wave: Tensor) -> Tensor:
        """A sound to its codes; zeros fill the last frame."""
        codes: Tensor = self.model.encode(wave[None])[0]
        return codes

    @torch.no_grad()
    def codes(self, latents: Tensor) -> Tensor:
        """The codes nearest to latents."""
        if not self.levels:
            return latents
        tokens: Tensor = self.net.bottleneck.tokens(latents[None].to(self.net.device))[0].cpu()
        return tokens

    @torch.no_grad()
    def latents(self, codes: Tensor) -> Tensor:
        """The latents of codes."""
        latents: Tensor = self.net.bottleneck.latents(codes[None].to(self.net.device))[0].float().cpu()
        return latents

    def codebooks(self) -> Tensor:
        """The vectors of the codes, float32 [levels, size, dim], on the net's device."""
        bottleneck = self.net.bottleneck
        assert isinstance(bottleneck, Quantizer)
        return bottleneck.codebooks.detach().float()

    def loudness(self, latents: Tensor) -> Tensor:
        """The loudness [frames] in dB of full scale, about -100 to 0.

        It is in the latents where the net puts it there; otherwise they are decoded to measure it.
        """
        if self._scale:
            return DECIBELS * (latents[:, 0] / self._scale + LOUDNESS_CENTRE)
        return DECIBELS * loudness(self.decode(latents)[None], self.hop)[0]

    def with_loudness(self, latents: Tensor, wanted: Tensor) -> Tensor:
        """Latents of another loudness [frames], in dB; unchanged where the net has none in them: see `impose`."""
        if not self._scale:
            return latents
        told = (wanted / DECIBELS - LOUDNESS_CENTRE) * self._scale
        return torch.cat((told[:, None], latents[:, 1:]), 1)

    def impose(self, wave: Tensor, wanted: Tensor) -> Tensor:
        """A decoded sound of frames x hop samples with the loudness [frames], in dB, where latents cannot tell it."""
        return wave if self._scale else with_loudness(wave[None], wanted[None] / DECIBELS, self.hop)[0][0]

    @torch.no_grad()
    def decode(self, latents: Tensor, loop: bool = False) -> Tensor:
        """Latents to [frames x hop] samples in bounded memory.

        Args:
            loop: the end meets the beginning: frames before the first are the last ones, and so on.
        """
        frames, context = len(latents), self.model.context
        places = torch.arange(-context, frames + context) % frames if loop else torch.arange(frames)
        parts = []
        for chunk in chunks(len(places), context):
            some = places[chunk.first : chunk.last]
            wave = self.net.decode_audio(latents[some][None].to(self.net.device), some[None].to(self.net.device))
            parts.append(wave[0, chunk.samples(self.hop)].cpu())
        wave = torch.cat(parts)
        return wave[context * self.hop : (context + frames) * self.hop] if loop else wave

    @torch.no_grad()
    def decode_all(self, takes: list[Tensor]) -> list[Tensor]:
        """Latents of several sounds to samples; together on an accelerator, one by one on the CPU.

        There each is then the same to the bit whatever it is decoded with, and no slower.
        """
        if self.net.device.type == "cpu":
            return [self.decode(latents) for latents in takes]
        waves: list[Tensor] = []
        for start, stop in _batches([len(latents) for latents in takes]):
            some = takes[start:stop]
            longest = max(len(latents) for latents in some)
            if len(some) == 1 or longest > BATCH_FRAMES:
                waves += [self.decode(latents) for latents in some]
                continue
            # the last frame goes on after the end, so that a sound ends as it does alone
            rows = [torch.cat((x, x[-1:].expand(longest - len(x), -1))) for x in some]
            out = self.net.decode_audio(torch.stack(rows).to(self.net.device)).cpu()
            waves += [wave[: len(x) * self.hop] for wave, x in zip(out, some, strict=True)]
        return waves


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread of the CPU: sums that several threads share are rounded as many threads as there are.

    A take so is the same to the bit whatever the threads, and short ones are made as fast; a minute of sound took
    0.54 s instead of 0.39 s to decode on two cores.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _batches(lengths: list[int]) -> list[tuple[int, int]]:
    """Slices of a list of sounds, each of BATCH_FRAMES frames at most when filled up to its longest."""
    found, start = [], 0
    for place in range(1, len(lengths) + 1):
        if place == len(lengths) or max(lengths[start : place + 1]) * (place + 1 - start) > BATCH_FRAMES:
            found.append((start, place))
            start = place
    return found
