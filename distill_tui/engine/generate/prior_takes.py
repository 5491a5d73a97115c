"""What a prior is drawn for: new sounds, sounds of a given length, minutes, variations, continuations, gaps."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from distill_tui.engine.generate.blend import resize
from distill_tui.engine.generate.codec import Codec
from distill_tui.engine.generate.copies import copy_ban
from distill_tui.engine.generate.edit import LEAST_MORE, bent, joined, whole_frames
from distill_tui.engine.generate.generator import Generator
from distill_tui.engine.generate.material import Material, Part
from distill_tui.engine.generate.sampler import Steer, draw
from distill_tui.engine.generate.source import Source
from distill_tui.takes.request import Request

TRIES = 8
"""Draws for a take of a given length, or for a gap: the one that fits best is taken."""
STRIDE = 1_000_003
"""Between the seeds of draws for one take."""
Stop = Callable[[], bool]
LONGEST_SECONDS = 20.0
"""Of a sound that ends by itself."""
PRIME = 24
"""Frames of a long take that the next part is drawn after."""
FADED = 30.0
"""dB under the loudest frame so far from which a long take goes on with a new sound."""
PULL = 4.0
"""How strongly a variation is pulled to its source, in the variance of a level's codes: 2 at strength 0.5."""


class PriorTakes:
    """A generator, as the maker uses it.

    Attributes:
        most: frames that are drawn in one go; a longer take is drawn part by part.
    """

    def __init__(self, generator: Generator, codec: Codec) -> None:
        self.generator, self.codec = generator, codec
        longest = max(len(codes) for codes in generator.bank.codes)
        self.longest = max(longest, 8)
        self.most = min(2 * self.longest, max(self.longest, codec.frames(LONGEST_SECONDS)))

    def new(self, request: Request, seeds: Sequence[int], frames: int | None, stop: Stop) -> list[Material]:
        """New sounds, one for each seed, that end by themselves or have `frames` frames.

        Args:
            stop: looked at between the parts of long takes, which end where it is true.
        """
        if frames is None:
            return [self._whole(codes) for codes in self._draw(request, seeds, self.most)]
        if frames > self.most:
            return [self._long(request, seed, frames, stop) for seed in seeds]
        many = [seed + number * STRIDE for seed in seeds for number in range(TRIES)]
        drawn = self._draw(request, many, min(2 * frames, self.most))
        made = []
        for place in range(len(seeds)):
            tries = drawn[place * TRIES : (place + 1) * TRIES]
            # a sound that ended is slowed down or hurried by as little as may be; one that had to stop is cut
            best = min(tries, key=lambda codes: abs(torch.tensor(len(codes) / frames).log().item()))
            made.append(self._fitted(best, frames))
        return made

    def like(self, request: Request, seeds: Sequence[int], source: Source) -> list[Material]:
        """Variations of a source: drawn with a pull to its codes, the weaker the more they may differ."""
        whole = Material(source.latents, len(source.wave))
        if request.strength == 0:
            return [whole] * len(seeds)
        most = 2 * len(source.codes)
        if request.strength == 1:
            return [self._whole(codes) for codes in self._draw(request, seeds, most)]
        pull = PULL * (1 - request.strength) ** 2 / request.strength
        drawn = self._draw(request, seeds, most, steer=self._pulled(source, pull))
        own = len(source.codes)
        return [
            Material(self.codec.latents(codes), whole.samples) if len(codes) == own else self._whole(codes)
            for codes in drawn
        ]

    def go_on(
        self, request: Request, seeds: Sequence[int], source: Source, frames: int | None, stop: Stop
    ) -> list[Material]:
        """The source and what follows, to its own end or up to `frames`; `stop` as for `new`."""
        own = whole_frames(source, self.codec)
        prefix = source.codes[:own]
        if frames is not None and frames - own > self.most:
            return [self._long(request, seed, frames, stop, prefix) for seed in seeds]
        most = own + self.most if frames is None else frames
        drawn = self._draw(request, seeds, most, prefix=prefix, end=frames is None, steer=_no_end(own + LEAST_MORE))
        return [self._whole(codes) for codes in drawn]

    def fill(self, request: Request, seeds: Sequence[int], source: Source, first: int, last: int) -> list[Tensor]:
        """Latents of the source with frames `first` to `last` drawn: of some tries the one that meets what follows."""
        many = [seed + number * STRIDE for seed in seeds for number in range(2 * TRIES)]
        prefix = source.codes[:first] if first else None
        drawn = self._draw(request, many, min(len(source.codes), last + 1), prefix=prefix, end=False)
        after = source.latents[min(last, len(source.latents) - 1)]
        before = source.latents[max(0, first - 1)]
        filled = []
        for place in range(len(seeds)):
            tries = [self.codec.latents(codes) for codes in drawn[place * 2 * TRIES : (place + 1) * 2 * TRIES]]
            best = min(tries, key=lambda x: float((x[-1] - after).square().sum()))
            if len(best) > last:
                inner = bent(torch.cat((before[None], best[first:])), before, after)
            else:
                inner = joined(before, best[first:])
            filled.append(torch.cat((source.latents[:first], inner, source.latents[last:])))
        return filled

    def _draw(
        self,
        request: Request,
        seeds: Sequence[int],
        most: int,
        *,
        prefix: Tensor | None = None,
        end: bool = True,
        steer: Steer | None = None,
    ) -> list[Tensor]:
        ban = None if request.max_copy is None else copy_ban(self.generator.bank, request.max_copy)
        return draw(
            self.generator,
            len(seeds),
            max_frames=most,
            seeds=list(seeds),
            label=request.label,
            temperature=request.temperature,
            top_p=request.top_p,
            prefix=prefix,
            end=end,
            steer=_both(steer, ban),
        )

    def _whole(self, codes: Tensor) -> Material:
        return Material(self.codec.latents(codes), len(codes) * self.codec.hop)

    def _fitted(self, codes: Tensor, frames: int) -> Material:
        """A drawn sound at exactly so many frames."""
        latents = self.codec.latents(codes)
        if len(codes) != frames:
            part = Part.of(self.codec, latents, len(latents) * self.codec.hop)
            latents = resize(part, frames, min(part.peak, frames - 1))
        return Material(latents, frames * self.codec.hop)

    def _long(self, request: Request, seed: int, frames: int, stop: Stop, prefix: Tensor | None = None) -> Material:
        """Longer than any training sound: parts drawn one after the other, each after the end of the last one.

        A part that has faded is followed by a new sound, so that nothing drifts into silence; a part of all others
        begins with PRIME frames of what came before, so that nothing drifts away from the training sounds either.
        """
        whole = prefix if prefix is not None else torch.zeros(0, self.codec.levels, dtype=torch.long)
        loudest, number = -100.0, 0
        while len(whole) < frames and not (len(whole) and stop()):
            loud = self.codec.loudness(self.codec.latents(whole[-self.most :])) if len(whole) else None
            if loud is not None:
                loudest = max(loudest, float(loud.max()))
            faded = loud is None or float(loud[-3:].max()) < loudest - FADED
            primed = None if faded else whole[-PRIME:]
            part = self._draw(request, [seed + number * STRIDE], self.most, prefix=primed)[0]
            fresh = part if primed is None else part[len(primed) :]
            # a sound that wants to end here and has not faded is followed by a new one too
            whole = torch.cat(
                (whole, fresh if len(fresh) else self._draw(request, [seed + number * STRIDE], self.most)[0])
            )
            number += 1
        return self._whole(whole[:frames])

    def _pulled(self, source: Source, pull: float) -> Steer:
        """A steer to the codes of a source: logits fall with the distance of codes to what is left of its latents."""
        books = self.codec.codebooks()
        size = books.shape[1]
        own = len(source.latents)

        def steer(so_far: Tensor, in_frame: Tensor, logits: Tensor) -> Tensor:
            place, level = so_far.shape[1], in_frame.shape[1]
            logits = logits.clone()
            if place < own:
                target = source.latents[place].to(books.device).expand(len(logits), -1)
                for below in range(level):
                    target = target - books[below][in_frame[:, below]]
                far = torch.cdist(target, books[level]).square() / books[level].var(0).sum().clamp(min=1e-9)
                logits[:, :size] -= pull * far.to(logits.device).to(logits)
            if level == 0 and logits.shape[1] > size:
                # the end is pulled to that of the source
                logits[:, size] += pull * (place - own + (1 if place >= own else 0)) / 2
            return logits

        return steer


def _no_end(frames: int) -> Steer:
    """A steer that lets no sound end before it has so many frames."""

    def steer(so_far: Tensor, in_frame: Tensor, logits: Tensor) -> Tensor:
        if in_frame.shape[1] or so_far.shape[1] >= frames:
            return logits
        logits = logits.clone()
        logits[:, -1] = -torch.inf
        return logits

    return steer


def _both(first: Steer | None, second: Steer | None) -> Steer | None:
    if first is None or second is None:
        return first or second
    one, other = first, second
    return lambda so_far, in_frame, logits: other(so_far, in_frame, one(so_far, in_frame, logits))
