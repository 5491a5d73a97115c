"""Walks: through the codes of training sounds, with jumps to other sounds where their frames meet.

This is concatenative synthesis on codes (Schwarz 2006, "Concatenative sound synthesis: the early years"): two places
meet where their latents, and those of the frames before, are as near as neighbouring frames of one sound are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator as Random
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.engine.generate.material import Material
from distill_tui.engine.generate.sounds import KIND, Sounds, shuffled_place

JUMP = 0.5
"""The probability of a jump after a frame, where there is somewhere to go."""
MEET = 12.0
"""How near two places are that meet, in the median squared distance of neighbouring frames. That is of the quiet ends
of sounds; where something happens it is several times larger. With 2 a walk is nearly the sound that it begins with."""
CHOICES = 6
"""Places that a jump chooses from: the nearest."""
POOL = 24
"""Sounds that a walk goes through: the nearest to the one it begins with."""
MOST_FRAMES = 1 << 15
"""Of a walk that ends by itself, at the most."""
LANDING = 24
"""Frames before the end in which a walk of a given length looks for the end of a sound."""
FADED = 30.0
"""dB under the loudest frame of its sound from which a frame is an end that is left alone."""
QUIET = 6
"""Quiet frames in a row, by the loudness of their own sound or of the usual one, after which a walk of a given length
begins another sound: all quiet ends meet one another, and a walk would hardly leave them."""
PATIENCE = 6
"""Frames of a sound that a jump leaves at least."""


@dataclass
class Place:
    """A frame of the pool: place `frame` in sound `row` of the pool."""

    row: int
    frame: int


class Walk:
    """A walk through some of the sounds.

    Args:
        rows: the sounds to go through.
        longest: frames of one sound that may follow one another; None: any number.
    """

    def __init__(self, sounds: Sounds, rows: Sequence[int], random: Random, longest: int | None = None) -> None:
        self._random, self._longest = random, longest
        self.limit = MEET * sounds.step
        self.latents = [sounds.latents[row] for row in rows]
        self.samples = [sounds.lengths[row] for row in rows]
        counts = [len(latents) for latents in self.latents]
        self._all = torch.cat(self.latents)
        self._row = np.repeat(np.arange(len(counts)), counts)
        self._frame = np.concatenate([np.arange(count) for count in counts])
        self._left = np.concatenate([np.arange(count)[::-1] for count in counts])
        self._first = np.concatenate(([0], np.cumsum(counts)[:-1]))
        loud = [sounds.codec.loudness(latents) for latents in self.latents]
        self._faded = [(one < one.max() - FADED).numpy() for one in loud]
        usual = torch.stack([one.max() for one in loud]).median()
        self._quiet = [(one < torch.maximum(one.max(), usual) - FADED).numpy() for one in loud]
        # squared lengths, and each frame beside the one before it
        self._before = torch.cat([torch.cat((x[:1], x[:-1])) for x in self.latents])

    def run(self, frames: int | None, start: Place) -> tuple[Tensor, int]:
        """Walk from a place on: latents [frames, dim], and the samples of the last frame that are the sound's.

        Args:
            frames: how many; None: up to the end of a sound.
        """
        now, run, quiet = start, 1, 0
        path = [now]
        while frames is None or len(path) < frames:
            wanted = None if frames is None else frames - len(path)
            quiet = quiet + 1 if self._quiet[now.row][now.frame] else 0
            if wanted is not None and wanted > LANDING and quiet >= QUIET:
                following, quiet = self._again(), 0
            elif (onward := self._next(now, run, wanted)) is None:
                break
            else:
                following = onward
            run = run + 1 if (following.row, following.frame) == (now.row, now.frame + 1) else 1
            now = following
            path.append(now)
            if frames is None and len(path) >= MOST_FRAMES:
                break
        latents = torch.stack([self.latents[place.row][place.frame] for place in path])
        return latents, self._rest(now)

    def _rest(self, place: Place) -> int:
        """Samples of a sound's frame that are its own, as a number to take away from whole frames."""
        ends = place.frame == len(self.latents[place.row]) - 1
        return self.samples[place.row] if ends else -1

    def _next(self, now: Place, run: int, wanted: int | None) -> Place | None:
        """Where to go after a frame; `wanted` is how many frames are still to come, None if the sound may end."""
        left = len(self.latents[now.row]) - 1 - now.frame
        ahead = Place(now.row, now.frame + 1) if left else None
        must = self._longest is not None and run >= self._longest
        if wanted is None:
            if ahead is None:
                return None
            if (must or self._random.random() < JUMP) and (far := self.jump(now, least=1, anyway=must)):
                return far
            return ahead
        if wanted <= LANDING and left != wanted and (landing := self._land(now, wanted)):
            return landing
        if ahead is None:
            return self._again()
        near_end = left < min(wanted, PATIENCE) and not self._faded[now.row][now.frame]
        if (must or near_end or self._random.random() < JUMP) and (
            far := self.jump(now, least=min(wanted, 2 * PATIENCE if near_end else PATIENCE), anyway=must)
        ):
            return far
        return ahead

    def jump(self, now: Place, least: int, anyway: bool = False) -> Place | None:
        """A frame that may follow a place in another sound, with `least` frames from there on; None where none meets.

        Args:
            anyway: take the nearest even if it is far.
        """
        far = self._distances(now)
        far[self._left < least] = np.inf
        near = np.argpartition(far, min(CHOICES, len(far) - 1))[:CHOICES]
        near = near[np.isfinite(far[near])]
        if not len(near):
            return None
        meets = near[far[near] <= self.limit]
        if not len(meets):
            if not anyway:
                return None
            meets = near[[int(far[near].argmin())]]
        chosen = int(np.sort(meets)[int(self._random.integers(len(meets)))])
        return Place(int(self._row[chosen]), int(self._frame[chosen]) + 1)

    def from_outside(self, latents: Tensor, least: int) -> Place:
        """The frame that best follows the last of `latents` [frames, dim], one of the nearest at random.

        Where all sounds are shorter than `least`, the longest rest is taken.
        """
        before = latents[-2] if len(latents) > 1 else latents[-1]
        far = self._far(latents[-1], before)
        far[self._left < min(least, int(self._left.max()))] = np.inf
        near = np.argpartition(far, min(CHOICES, len(far) - 1))[:CHOICES]
        near = np.sort(near[np.isfinite(far[near])])
        chosen = int(near[int(self._random.integers(len(near)))])
        return Place(
            int(self._row[chosen]), min(int(self._frame[chosen]) + 1, len(self.latents[self._row[chosen]]) - 1)
        )

    def _land(self, now: Place, wanted: int) -> Place | None:
        """A frame from which a sound ends after exactly `wanted` frames, if one meets this place."""
        far = self._distances(now, own=True)
        far[self._left != wanted] = np.inf
        best = int(far.argmin())
        if far[best] > self.limit and not (wanted <= PATIENCE and np.isfinite(far[best])):
            return None
        return Place(int(self._row[best]), int(self._frame[best]) + 1)

    def _again(self) -> Place:
        """The beginning of a sound, without silence before it: after an end, a walk goes on as a listener expects."""
        row = int(self._random.integers(len(self.latents)))
        return Place(row, max(0, int(self._quiet[row].argmin()) - 1))

    def _distances(self, now: Place, own: bool = False) -> NDArray[np.float64]:
        place = int(self._first[now.row]) + now.frame
        far = self._far(self._all[place], self._before[place])
        if not own:
            far[self._row == now.row] = np.inf
        return far

    def _far(self, latents: Tensor, before: Tensor) -> NDArray[np.float64]:
        far = (self._all - latents).square().sum(-1) + 0.5 * (self._before - before).square().sum(-1)
        return far.numpy().astype(np.float64)


def walk(
    sounds: Sounds,
    seed: int,
    random: Random,
    rows: Sequence[int],
    frames: int | None = None,
    longest: int | None = None,
) -> Material:
    """A new sound: a walk from the beginning of a training sound.

    Args:
        seed: of the take: neighbouring ones begin with different sounds.
        random: of everything else.
        rows: the sounds to choose from.
        frames: the length; None: to the end of a sound.
        longest: frames of one sound that may follow one another; None: any number.
    """
    first = rows[shuffled_place(seed, len(rows))]
    way = Walk(sounds, [first, *neighbours(sounds, first, rows)], random, longest)
    latents, samples = way.run(frames, Place(0, 0))
    return Material(latents, length(sounds, latents, samples, frames))


def neighbours(sounds: Sounds, first: int, rows: Sequence[int]) -> list[int]:
    """The sounds of `rows` that a walk which begins in one goes through, itself left out."""
    kind = sounds.of_a_kind(first, rows)
    near = sounds.nearest(sounds.features[first], [row for row in rows if row != first], POOL)
    return list(dict.fromkeys(kind[: max(KIND, POOL - len(near))] + near))[:POOL]


def length(sounds: Sounds, latents: Tensor, samples: int, frames: int | None) -> int:
    """Samples of a walk: its last frame is as full as that of the sound that it ends in."""
    hop = sounds.codec.hop
    whole = len(latents) * hop
    if frames is not None or samples < 0:
        return whole
    return whole - (-samples % hop)
