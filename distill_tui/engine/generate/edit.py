"""Edits of sounds of the user's: variations, what follows, gaps filled, one sound turning into another."""

import numpy as np
import torch
from numpy.random import Generator as Random
from torch import Tensor

from distill_tui.engine.generate.blend import at, mix, resize, together
from distill_tui.engine.generate.codec import Codec
from distill_tui.engine.generate.material import Material, Part
from distill_tui.engine.generate.sounds import Sounds
from distill_tui.engine.generate.source import Source
from distill_tui.engine.generate.walk import POOL, Walk

JOIN = 6
"""Latent frames in which what follows a sound comes from where that sound is to where it is itself."""
LEAST_MORE = 8
"""Latent frames that follow a sound at least."""
GAPS = 8
"""Places of training sounds that a gap is filled from: the ones that fit best."""


def like(codec: Codec, source: Source, new: Material, strength: float) -> Material:
    """A variation: the source mixed with a new sound of its kind, `strength` (0 to 1) of it.

    Latents go in a straight line from the one to the other, so the distance to the source grows with the strength.
    """
    return mix(codec, source.part(codec), Part.of(codec, new.latents, new.samples), strength)


def resized(codec: Codec, material: Material, frames: int) -> Material:
    """A sound slowed down or hurried to a number of frames."""
    part = Part.of(codec, material.latents, material.samples)
    return Material(resize(part, frames, min(part.peak, frames - 1)), frames * codec.hop)


def kind_of(sounds: Sounds, source: Source, label: str, count: int = POOL) -> list[int]:
    """The training sounds that a source is most like, the most alike first."""
    return sounds.nearest(sounds.feature(source.latents), sounds.rows(label), count)


def go_on(
    sounds: Sounds, source: Source, random: Random, label: str, frames: int | None, longest: int | None
) -> Material:
    """The source, and a walk through training sounds that begins where they meet its end.

    Args:
        frames: of all of it; None: to the end of a training sound.
    """
    own = whole_frames(source, sounds.codec)
    way = Walk(sounds, kind_of(sounds, source, label), random, longest)
    least = LEAST_MORE if frames is None else min(LEAST_MORE, frames - own)
    latents, rest = way.run(None if frames is None else frames - own, way.from_outside(source.latents[:own], least))
    hop = sounds.codec.hop
    samples = len(latents) * hop - (-rest % hop if frames is None and rest >= 0 else 0)
    return Material(torch.cat((source.latents[:own], joined(source.latents[own - 1], latents))), own * hop + samples)


def whole_frames(source: Source, codec: Codec) -> int:
    """Latent frames of a source that are full of it; at least 1."""
    return max(1, len(source.wave) // codec.hop)


def joined(last: Tensor, following: Tensor) -> Tensor:
    """What follows a frame `last`, bent so that it comes from there: it begins half a step away."""
    weight = (1 - (torch.arange(len(following)) + 0.5) / JOIN).clamp(min=0)[:, None]
    return following + weight * (last - following[0])


def fill_smooth(latents: Tensor, first: int, last: int) -> Tensor:
    """A straight line of latents from the frame before `first` to frame `last`, in place of those between."""
    before, after = latents[max(0, first - 1)], latents[min(len(latents) - 1, last)]
    weight = ((torch.arange(last - first) + 1) / (last - first + 1))[:, None]
    return torch.cat((latents[:first], before + weight * (after - before), latents[last:]))


def fill_from(sounds: Sounds, source: Source, first: int, last: int, random: Random, label: str) -> Tensor:
    """A gap filled with a part of a training sound that begins and ends as it does, bent to meet both sides.

    Where no training sound is so long, the gap is filled by a straight line.
    """
    latents, count = source.latents, last - first
    before, after = latents[max(0, first - 1)], latents[min(len(latents) - 1, last)]
    found: list[tuple[float, int, int]] = []
    for row in kind_of(sounds, source, label, 4 * POOL):
        x = sounds.latents[row]
        ends = len(x) - count - 1
        if ends <= 0:
            continue
        far = (x[:ends] - before).square().sum(-1) + (x[count + 1 : count + 1 + ends] - after).square().sum(-1)
        for place in far.argsort(stable=True)[:GAPS].tolist():
            found.append((float(far[place]), row, place))
    if not found:
        return fill_smooth(latents, first, last)
    _, row, place = sorted(found)[:GAPS][int(random.integers(min(GAPS, len(found))))]
    x = sounds.latents[row][place : place + count + 2]
    return torch.cat((latents[:first], bent(x, before, after), latents[last:]))


def bent(x: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """The inner frames of `x`, moved by a straight line so that its first and last would be `before` and `after`."""
    weight = torch.linspace(0, 1, len(x))[:, None]
    moved: Tensor = x + (1 - weight) * (before - x[0]) + weight * (after - x[-1])
    return moved[1:-1]


def put_back(source: Source, filled: Tensor, first: int, last: int, hop: int) -> Tensor:
    """The source's own samples outside of the gap, and the decoded ones in it, crossfaded over a frame at both ends."""
    wave, length = filled[: len(source.wave)], len(source.wave)
    keep = torch.ones(length)
    keep[first * hop : last * hop] = 0
    ramp = torch.linspace(0, 1, hop)
    before, after = slice(max(0, (first - 1) * hop), first * hop), slice(last * hop, min(length, (last + 1) * hop))
    keep[before] = 1 - ramp[hop - (before.stop - before.start) :] if first else 1.0
    keep[after] = ramp[: max(0, after.stop - after.start)]
    # phases of the two have nothing to do with each other: powers add up
    return keep.sqrt() * source.wave + (1 - keep).sqrt() * wave


def morph(codec: Codec, a: Source, b: Source, seed: int, random: Random, frames: int | None) -> Material:
    """One sound on its way to another: along time, by levels along time, or between the two, in turn by seed."""
    first, second = a.part(codec), b.part(codec)
    samples = (len(a.wave) + len(b.wave)) // 2
    count = frames or max(1, -(-samples // codec.hop))
    centre, width = random.uniform(0.35, 0.65), random.uniform(0.5, 1.0)
    if seed % 3 == 2:
        return mix(codec, first, second, float(random.uniform(0.3, 0.7)), frames)
    place = (torch.arange(count) + 0.5) / count
    share = ((place - centre) / width + 0.5).clamp(0, 1)
    if seed % 3 == 1 and codec.levels > 1:
        return _morph_levels(codec, first, second, share, count, samples if frames is None else count * codec.hop)
    made = mix(codec, first, second, share, count)
    return made if frames else Material(made.latents, min(samples, made.samples))


def _morph_levels(codec: Codec, a: Part, b: Part, share: Tensor, frames: int, samples: int) -> Material:
    """The levels change over one after the other along time, the finest first."""
    x, y, _ = together(codec, a, b, 0.5, frames, smooth=False)
    level = torch.arange(codec.levels)
    # of `levels` + 1 steps; the loudness of most nets is in the coarsest level, which comes last
    over = (share[:, None] * (codec.levels + 1)).floor() >= codec.levels - level[None]
    return Material(codec.latents(torch.where(over, codec.codes(y), codec.codes(x))), samples)


def follow(codec: Codec, source: Source, new: Material) -> tuple[Material, Tensor]:
    """A new sound with the loudness and timing of the source: begun anew at each of its onsets.

    Returns:
        the sound, and the loudness [frames] in dB that it is to have, where latents cannot tell that (`Codec.impose`).
    """
    wanted = codec.loudness(source.latents)
    own = codec.loudness(new.latents)
    peak = int(own.argmax())
    # what is more than 40 dB down has no shape of its own that could be made louder
    heard = (own > own.max() - 40).nonzero()[:, 0]
    body = new.latents[: int(heard.max()) + 1]
    begin = max(0, peak - 1)
    starts = onsets(wanted)
    rows = []
    for start, stop in zip([0, *starts], [*starts, len(wanted)], strict=True):
        if stop > start:
            rows.append(_stretched(body[begin:], stop - start))
    latents = torch.cat(rows)
    return Material(codec.with_loudness(latents, wanted), len(source.wave)), wanted


def _stretched(body: Tensor, frames: int) -> Tensor:
    """A sound from its onset on, as many frames: cut, or slowed down."""
    if frames <= len(body):
        return body[:frames]
    attack = min(4, len(body) - 1)
    places = np.interp(np.arange(frames), [0, attack, frames - 1], [0, attack, len(body) - 1])
    return at(body, places)


RISE, AUDIBLE = 9.0, 40.0
"""dB that loudness rises by within two frames at an onset, and how far under the loudest frame an onset may be."""
BETWEEN = 3
"""Frames between two onsets, at least."""


def onsets(loudness: Tensor) -> list[int]:
    """Frames, from 1 on, where a sound becomes louder all at once."""
    found: list[int] = []
    level = loudness.tolist()
    least = max(level) - AUDIBLE
    for frame in range(1, len(level)):
        rise = level[frame] - min(level[max(0, frame - 2) : frame])
        far = not found or frame - found[-1] >= BETWEEN
        if rise >= RISE and level[frame] > least and far:
            found.append(frame)
    return found
