"""Projections to a plane by principal components: of latents, and of the input of each quantizer level."""

import torch
from torch import Tensor

from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.runs.codebook_map import Level, Point

DIGITS = 4
"""Decimals of a coordinate."""
KEPT_FRACTION = 0.85
"""A plane is kept while it explains at least this fraction of what the best one would."""


class Plane:
    """The plane of the first two principal components of vectors [count, dim]; the identity for two dimensions.

    `turn` [dim, 2] projects, after `centre` [dim] was subtracted; `explained` is the fraction of the variance, 0..1.
    The plane `before` is kept while it explains nearly as much, because a plane that keeps turning is unreadable, and a
    new one is not mirrored against it; `has_moved` says whether it is a new one.
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
        if (still := _held(spread, before.turn)) >= KEPT_FRACTION * self.explained:
            self.turn, self.centre, self.explained, self.has_moved = before.turn, before.centre, still, False
        else:
            self.turn *= torch.where((self.turn * before.turn).sum(0) < 0, -1.0, 1.0)

    def places(self, vectors: Tensor) -> list[Point]:
        """Project vectors [count, dim]."""
        return [(round(x, DIGITS), round(y, DIGITS)) for x, y in ((vectors - self.centre) @ self.turn).tolist()]


def _held(spread: Tensor, turn: Tensor) -> float:
    """Return the fraction of the variance of centred vectors [count, dim] that a plane explains."""
    return float((spread @ turn).square().sum() / spread.square().sum().clamp(min=1e-12))


def levels_of(
    quantizer: Quantizer, points: Tensor, codes: Tensor, counts: list[list[int]], plane: Plane, before: list[Plane]
) -> tuple[list[Level], list[Plane]]:
    """Return the levels of a map and their planes.

    Args:
        points: latents [count, dim].
        codes: their codes [count, levels].
        counts: uses of each code of each level.
        plane: that of the points, and so of the first level; later levels have that of their input.
        before: the planes of an earlier map, which are kept while they explain nearly as much; [] for none.
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
