"""Blends: the latents of two sounds of a kind mixed, or the lower levels of one under the upper levels of another.

Both are brought to one length first, about their loudest frames: so nothing of the shorter sound's end comes through
in the middle of the longer one, which clicks.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import Generator as Random
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.engine.generate.codec import Codec
from distill_tui.engine.generate.material import Material, Part
from distill_tui.engine.generate.sounds import Sounds, shuffled_place

LEAST_SHARE = 0.3
"""Of either sound in a blend."""
SWAPS = 0.25
"""Share of blends that swap levels."""
ATTACK = 4
"""Latent frames after the loudest one that keep their pace when a sound is brought to another length."""


def blend(sounds: Sounds, seed: int, random: Random, rows: Sequence[int], frames: int | None = None) -> Material:
    """A new sound of two training sounds of a kind.

    Args:
        seed: of the take: neighbouring ones begin with different sounds.
        random: of everything else.
        rows: the sounds to choose from.
        frames: the length; None: between those of the two.
    """
    first = rows[shuffled_place(seed, len(rows))]
    kind = sounds.of_a_kind(first, rows)
    second = kind[int(random.integers(len(kind)))] if kind else first
    share = float(random.uniform(LEAST_SHARE, 1 - LEAST_SHARE))
    swap, draw = random.random() < SWAPS, int(random.integers(1 << 30))
    codec = sounds.codec
    a, b = sounds.part(first), sounds.part(second)
    if swap and codec.levels > 1:
        return swap_levels(codec, a, b, 1 + draw % (codec.levels - 1), share, frames)
    return mix(codec, a, b, share, frames)


def mix(codec: Codec, a: Part, b: Part, share: float | Tensor, frames: int | None = None) -> Material:
    """The latents of two sounds, `b` with weight `share`: one number, or one a frame where `frames` is given."""
    between = float(share.mean()) if isinstance(share, Tensor) else share
    x, y, samples = together(codec, a, b, between, frames)
    weight = share[:, None] if isinstance(share, Tensor) else share
    return Material(x + weight * (y - x), samples)


def swap_levels(codec: Codec, a: Part, b: Part, level: int, share: float, frames: int | None = None) -> Material:
    """The levels below `level` of one sound and those from there on of the other."""
    x, y, samples = together(codec, a, b, share, frames, smooth=False)
    return Material(codec.latents(torch.cat((codec.codes(x)[:, :level], codec.codes(y)[:, level:]), 1)), samples)


def together(
    codec: Codec, a: Part, b: Part, share: float, frames: int | None = None, smooth: bool = True
) -> tuple[Tensor, Tensor, int]:
    """Both sounds at one length, their peaks at one place: latents of each, and the samples.

    Args:
        share: where between the two length and peak lie: 0 as of `a`, 1 as of `b`.
        frames: the length; None: between the two.
        smooth: whether frames between two are interpolated; otherwise the nearer one is taken.
    """
    samples = round((1 - share) * a.samples + share * b.samples) if frames is None else frames * codec.hop
    count = frames or max(1, -(-samples // codec.hop))
    peak = min(count - 1, round((1 - share) * a.peak + share * b.peak))
    x, y = (resize(part, count, peak, smooth) for part in (a, b))
    return x, y, samples


def resize(part: Part, frames: int, peak: int, smooth: bool = True) -> Tensor:
    """A sound's latents at another length, its peak at frame `peak`; the frames just after that keep their pace."""
    last = len(part.latents) - 1
    attack = max(0, min(ATTACK, frames - 1 - peak, last - part.peak))
    knots = {0: 0.0, peak: float(part.peak), peak + attack: float(part.peak + attack), frames - 1: float(last)}
    if peak == 0:
        knots[0] = float(part.peak)
    places = np.interp(np.arange(frames), list(knots), list(knots.values()))
    return at(part.latents, places, smooth)


def at(latents: Tensor, places: NDArray[np.float64], smooth: bool = True) -> Tensor:
    """Latents at places between frames."""
    last = len(latents) - 1
    if not smooth:
        return latents[torch.from_numpy(np.clip(np.rint(places), 0, last).astype(np.int64))]
    low = np.clip(np.floor(places), 0, last).astype(np.int64)
    part = torch.from_numpy((places - low).astype(np.float32))[:, None]
    below, above = latents[torch.from_numpy(low)], latents[torch.from_numpy(np.minimum(low + 1, last))]
    return below + part * (above - below)
