"""A codebook map prepared for drawing: where points, codes and sums of codes lie in each view of each level."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Literal

from distill_tui.runs.codebook_map import CodebookMap, Deadness, Level, Point, dead_codes
from distill_tui.ui.screens.explorer.plane import Frame, frame_for

NOWHERE: Point = (math.nan, math.nan)

PointView = Literal["outputs", "residuals", "sums"]


@dataclass
class MapOptions:
    """Options of the map. `points` is the view of the data, and so the plane in which each level is drawn.

    - residuals: the input of each level and its codes, in the level's own plane.
    - outputs: encoder outputs in the plane of the latents. Codes of later levels, which are differences and have no
      position in it, are drawn at the mean of the points that chose them.
    - sums: encoder outputs, and the sums of the codes so far.
    """

    points: PointView = "residuals"
    cells: bool = False
    trails: bool = False
    deadness: Deadness = "even"

    def toggle(self, option: str) -> None:
        """Switch an option over; of the views `residuals` and `sums`, from that view to another and back."""
        if option == "cells":
            self.cells = not self.cells
        elif option == "trails":
            self.trails = not self.trails
        elif option == "deadness":
            self.deadness = "total" if self.deadness == "even" else "even"
        elif self.points == option:
            self.points = "outputs"
        else:
            self.points = "sums" if option == "sums" else "residuals"


@dataclass(frozen=True)
class Selection:
    """The selected level, code and point, and which of the code's places in the data."""

    level: int = 0
    code: int | None = None
    point: int | None = None
    place: int = 0


def letters_of(groups: Sequence[str]) -> list[str]:
    """Return a letter for each group: its only or first character where these differ, else letters in order."""
    first = [name.strip()[:1] for name in groups]
    if len(set(first)) == len(groups) and all(char.isalnum() and char.isascii() for char in first):
        return first
    row = ascii_lowercase + ascii_uppercase + digits
    return [row[i] if i < len(row) else "·" for i in range(len(groups))]


@dataclass(eq=False)
class Scene:
    """A map and what follows from it, computed once. A map without codes has one empty level."""

    map: CodebookMap
    levels: list[Level] = field(init=False)
    letters: list[str] = field(init=False)
    _means_of: dict[tuple[int, PointView], list[Point]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.levels = self.map.levels or [Level(codes=[], counts=[], chosen=[])]
        self.letters = letters_of(self.map.groups)

    @cached_property
    def _partial_sums(self) -> list[list[Point]]:
        """The sum of each point's codes over the first 0, 1, 2, ... levels."""
        found: list[list[Point]] = [[(0.0, 0.0)] * len(self.map.points)]
        for level in self.levels:
            sums = []
            for (x, y), code in zip(found[-1], level.chosen, strict=False):
                step = level.codes[code] if 0 <= code < len(level.codes) else (0.0, 0.0)
                sums.append((x + step[0], y + step[1]))
            # points without codes keep their sum
            found.append(sums + found[-1][len(sums) :])
        return found

    def entering(self, level: int) -> list[Point]:
        """Return the input of a level: each point less the codes of the levels before, in the level's plane."""
        if len(found := self.levels[level].entering) == len(self.map.points):
            return found
        before = self._partial_sums[level]
        return [(x - dx, y - dy) for (x, y), (dx, dy) in zip(self.map.points, before, strict=True)]

    def points(self, level: int, view: PointView) -> list[Point]:
        """Return the positions of the data points."""
        return self.entering(level) if view == "residuals" else self.map.points

    def _sum_of_each_point(self, level: int) -> list[Point]:
        return self.levels[level].sums or self._partial_sums[level + 1]

    def sums(self, level: int) -> dict[Point, set[int]]:
        """Return the sums of codes up to a level that are in use, each with the codes of this level in it."""
        found: dict[Point, set[int]] = {}
        for place, code in zip(self._sum_of_each_point(level), self.levels[level].chosen, strict=False):
            found.setdefault(place, set()).add(code)
        return found

    def codes(self, level: int, view: PointView) -> list[Point]:
        """Return the position of each code of a level; NOWHERE for a code that has none in this view."""
        codes = self.levels[level].codes
        if view == "residuals" or (view == "outputs" and level == 0):
            return codes
        return self._means(level, view)

    def _means(self, level: int, view: PointView) -> list[Point]:
        """Return the mean of the points, or of the sums, that chose each code."""
        if (known := self._means_of.get((level, view))) is not None:
            return known
        found = self.levels[level]
        places = self._sum_of_each_point(level) if view == "sums" else self.map.points
        totals = [[0.0, 0.0, 0] for _ in found.codes]
        for (x, y), code in zip(places, found.chosen, strict=False):
            if 0 <= code < len(totals):
                total = totals[code]
                total[0], total[1], total[2] = total[0] + x, total[1] + y, total[2] + 1
        means = [(x / count, y / count) if count else NOWHERE for x, y, count in totals]
        self._means_of[level, view] = means
        return means

    def explained(self, level: int, view: PointView) -> float:
        """Return the fraction of the variance, 0..1, that the level's plane shows."""
        own = self.levels[level]
        return own.explained if view == "residuals" and own.entering else self.map.explained

    def dead(self, level: int, deadness: Deadness) -> list[bool]:
        """Return for each code of a level whether it is dead."""
        return dead_codes(self.levels[level].counts, deadness)

    def frame(self, level: int, options: MapOptions, wide: int, high: int, before: Frame | None) -> Frame:
        """Return a frame that holds the data and the live codes; dead codes may lie far outside."""
        if options.points == "sums":
            marks = list(self.sums(level))
        else:
            dead = self.dead(level, options.deadness)
            marks = [mark for mark, gone in zip(self.codes(level, options.points), dead, strict=False) if not gone]
        points = [*self.points(level, options.points), *marks]
        return frame_for(points or self.levels[level].codes, wide, high, before)

    def served(self, level: int, code: int) -> Counter[int]:
        """Count the points on the map that chose a code, by group."""
        chosen = self.levels[level].chosen
        return Counter(label for label, one in zip(self.map.labels, chosen, strict=False) if one == code)


def neighbour(places: Sequence[Point], here: int | None, dx: int, dy: int) -> int | None:
    """Return the index of the next place from `here` in a direction; distance to the side counts twice.

    None if there are no places, `here` if there is none in that direction. Without `here`, the most central place.
    """
    there = [i for i, (x, y) in enumerate(places) if math.isfinite(x) and math.isfinite(y)]
    if not there:
        return None
    if here not in there:
        x, y = (sum(places[i][axis] for i in there) / len(there) for axis in (0, 1))
        return min(there, key=lambda i: (places[i][0] - x) ** 2 + (places[i][1] - y) ** 2)
    assert here is not None

    def cost(index: int) -> float:
        x, y = places[index][0] - places[here][0], places[index][1] - places[here][1]
        along, aside = x * dx + y * dy, x * dy - y * dx
        return along + 2 * abs(aside) if along > 0 and abs(aside) <= 2 * along else float("inf")

    best = min(there, key=cost)
    return best if cost(best) < float("inf") else here
