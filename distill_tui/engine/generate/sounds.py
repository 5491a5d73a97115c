"""The training sounds of a bank as latents, and which of them are of a kind."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.codec import Codec
from distill_tui.engine.generate.material import Part

PIECE_SECONDS = 4.0
"""A longer sound, such as a recording, counts as pieces of half of this."""
LENGTHS = 4
"""Times that a sound is slowed down or hurried at the most, if there are others."""
KIND = 12
"""Sounds that count as of a kind with another where there are no labels."""


class Sounds:
    """The sounds of a bank that the codec was trained on.

    Attributes:
        latents: of each sound, float32 [frames, dim].
        labels: of each.
        lengths: samples of each.
        features: float32 [sounds, features], of about one scale: near ones are of a kind.
    """

    def __init__(self, codec: Codec, bank: CodeBank) -> None:
        self.codec = codec
        part = bank.part(held_out=False)
        self.latents: list[Tensor] = []
        self.lengths: list[int] = []
        self.labels: list[str] = []
        for codes, label, length in zip(part.codes, part.labels, part.lengths, strict=True):
            for latents, samples in self._pieces(codec.latents(codes), length):
                self.latents.append(latents)
                self.lengths.append(samples)
                self.labels.append(label)
        self._step: Tensor | None = None
        raw = torch.stack([_features(latents, codec.loudness(latents)) for latents in self.latents])
        self._mean, self._scale = raw.mean(0), raw.std(0, correction=0).clamp(min=1e-6)
        self.features = self._normalised(raw)

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def step(self) -> float:
        """The median squared distance of a sound's neighbouring frames."""
        if self._step is None:
            each = torch.cat([x.diff(dim=0).square().sum(-1) for x in self.latents if len(x) > 1] or [torch.ones(1)])
            self._step = torch.tensor(float(each.median()))
        return float(self._step)

    def rows(self, label: str) -> list[int]:
        """The sounds with a label; all for ""."""
        return [row for row, name in enumerate(self.labels) if not label or name == label]

    def about(self, frames: int, rows: Sequence[int]) -> list[int]:
        """Those of `rows` that last about as long, up to LENGTHS times as long or short; all where none does."""
        near = [row for row in rows if frames / LENGTHS <= len(self.latents[row]) <= frames * LENGTHS]
        return near if len(near) > 1 else list(rows)

    def feature(self, latents: Tensor) -> Tensor:
        """The features of another sound."""
        return self._normalised(_features(latents, self.codec.loudness(latents)))

    def nearest(self, feature: Tensor, rows: Sequence[int], count: int) -> list[int]:
        """The `count` of `rows` whose features are nearest, the nearest first."""
        far = (self.features[list(rows)] - feature).square().sum(-1)
        return [rows[int(place)] for place in far.argsort(stable=True)[:count]]

    def of_a_kind(self, row: int, rows: Sequence[int]) -> list[int]:
        """Sounds of `rows` that are of a kind with one, itself left out: the nearest KIND of its label."""
        others = [other for other in rows if other != row]
        same = [other for other in others if self.labels[other] == self.labels[row]]
        return self.nearest(self.features[row], same or others, KIND)

    def part(self, row: int) -> Part:
        """A sound as something to mix."""
        return Part.of(self.codec, self.latents[row], self.lengths[row])

    def _pieces(self, latents: Tensor, samples: int) -> list[tuple[Tensor, int]]:
        """A sound, or a long one in pieces, with the samples of each."""
        most, hop = max(2, round(PIECE_SECONDS * self.codec.frame_rate)), self.codec.hop
        if len(latents) <= most:
            return [(latents, samples)]
        frames = most // 2
        # what is left at the end goes with the last piece
        starts = range(0, len(latents) - frames + 1, frames)
        stops = [*starts[1:], len(latents)]
        return [
            (latents[start:stop], min(samples, stop * hop) - start * hop)
            for start, stop in zip(starts, stops, strict=True)
        ]

    def _normalised(self, raw: Tensor) -> Tensor:
        # of constant features (one sound) nothing is left
        return torch.where(self._scale > 1e-5, (raw - self._mean) / self._scale, 0.0)


def _features(latents: Tensor, loudness: Tensor) -> Tensor:
    """What a sound is like: its latents where it is loud, their spread, how it begins, its length and its decay."""
    weight = (10 ** (loudness / 20)).clamp(min=1e-6)[:, None]
    mean = (latents * weight).sum(0) / weight.sum()
    spread = ((latents - mean).square() * weight).sum(0).div(weight.sum()).sqrt()
    begin = latents[: max(1, min(4, len(latents)))].mean(0)
    length = torch.tensor(float(np.log(len(latents))))
    centre = (torch.arange(len(latents))[:, None] * weight).sum() / weight.sum() / len(latents)
    dim = latents.shape[1] ** 0.5
    # the three numbers of time weigh as much as a set of latents
    return torch.cat((mean, spread, begin, torch.stack((length, centre)).repeat(max(1, round(dim)))))


def shuffled_place(seed: int, count: int) -> int:
    """Place `seed` of an order without end in which each of `count` comes once before any comes again.

    Neighbouring seeds so begin with different sounds, and many of them with all.
    """
    turn, place = divmod(seed, count)
    return int(np.random.default_rng((count, turn)).permutation(count)[place])
