"""Planes to look at vectors in, and the levels of a quantizer in theirs."""

import torch
from torch import Tensor

from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.runs.codebook_map import Level, Point

DIGITS = 4
"""Decimals of a coordinate."""
KEEPS = 0.85
"""A plane that follows another stays that one while it holds so much of what the best would hold."""


class Plane:
    """The plane that shows most of some vectors [count, dim]: the vectors themselves where they have two dimensions.

    `turn` is [dim, 2] and `centre` [dim]; `explained` is the share of the vectors' variance in it. One that follows
    another stays the same while that still shows nearly as much, for a plane that swings cannot be read, and is not
    turned over from it; `has_moved` says whether it is another one.
    """

    def __init__(self, vectors: Tensor, before: "Plane | None" = None) -> None:
        self.dim = vectors.shape[1]
        if self.dim <= 2:
            self.turn, self.centre = torch.eye(self.dim, 2), torch.zeros(self.dim)
            self.explained, self.has_moved = 1.0, False
            return
        self.centre = vectors.mean(0)
        spread = vectors - self.centre
        _, _, turned = torch.linalg.svd(spread, full_matrices=False)
        self.turn = torch.zeros(self.dim, 2)
        self.turn[:, : min(2, len(turned))] = turned[:2].T
        self.explained, self.has_moved = _held(spread, self.turn), True
        if before is None:
            return
        if (still := _held(spread, before.turn)) >= KEEPS * self.explained:
            self.turn, self.centre, self.explained, self.has_moved = before.turn, before.centre, still, False
        else:
            self.turn *= torch.where((self.turn * before.turn).sum(0) < 0, -1.0, 1.0)

    def places(self, vectors: Tensor) -> list[Point]:
        """Where vectors [count, dim] lie."""
        return [(round(x, DIGITS), round(y, DIGITS)) for x, y in ((vectors - self.centre) @ self.turn).tolist()]


def _held(spread: Tensor, turn: Tensor) -> float:
    """The share of the variance of centred vectors [count, dim] that a plane holds."""
    return float((spread @ turn).square().sum() / spread.square().sum().clamp(min=1e-12))


def levels_of(
    quantizer: Quantizer, points: Tensor, codes: Tensor, counts: list[list[int]], plane: Plane, before: list[Plane]
) -> tuple[list[Level], list[Plane]]:
    """The levels of a map and their planes, for points [count, dim], their codes [count, levels] and each code's use.

    `plane` is that of the points, which is the first level's; later levels have that of what enters them, which follow
    those `before`.
    """
    left, total = points, torch.zeros_like(points)
    levels: list[Level] = []
    planes: list[Plane] = []
    for number, book in enumerate(quantizer.codebooks.detach().float().cpu()):
        own = plane
        if number:
            own = Plane(left, before[number] if number < len(before) else None)
        chosen = codes[:, number]
        level = Level(codes=own.places(book), counts=counts[number], chosen=chosen.tolist())
        step = book[chosen.clamp(min=0)] * (chosen >= 0)[:, None]
        total = total + step
        if number and own.dim > 2:
            level.entering, level.explained = own.places(left), own.explained
            level.sums = plane.places(total)
        left = left - step
        levels.append(level)
        planes.append(own)
    return levels, planes
