"""What a map's level looks like: points with their letters, codes, their cells and paths, on a plane."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Literal

from rich.style import Style

from distill_tui.runs.codebook_map import CodebookMap, Deadness, Level, Point, dead_codes
from distill_tui.ui.screens.explorer.plane import Frame, Plane, borders, frame_for

LIVE, DEAD = "◆", "◇"
MOST_CELLS = 256
"""Of so many codes the cells are found while a key waits for its answer."""
STAYS = (1.6, 3.2)
"""A letter stays where it is until its point is so many dots from the character's middle: points that tremble on the
border of two characters would else flicker, and every change goes down the line."""

NOWHERE: Point = (math.nan, math.nan)

What = Literal["outputs", "residuals", "sums"]


@dataclass
class MapOptions:
    """What is drawn. `points` stands for the data, and so for the plane that each level is drawn in.

    - residuals: what enters a level, with its codes, in the level's plane.
    - outputs: encoder outputs in the plane of the latents. Codes of later levels, which are differences and lie
      nowhere in it, stand at the mean of the points that chose them.
    - sums: encoder outputs with what the codes so far add up to.
    """

    points: What = "residuals"
    cells: bool = False
    trails: bool = False
    deadness: Deadness = "even"


@dataclass(frozen=True)
class Selection:
    """The code and the point that are chosen, if any, and which of the code's places in the data."""

    level: int = 0
    code: int | None = None
    point: int | None = None
    place: int = 0


def letters_of(groups: Sequence[str]) -> list[str]:
    """A letter for each group: its name if that is one character, else its first, else one after the other."""
    first = [name.strip()[:1] for name in groups]
    if len(set(first)) == len(groups) and all(char.isalnum() and char.isascii() for char in first):
        return first
    row = ascii_lowercase + ascii_uppercase + digits
    return [row[i] if i < len(row) else "·" for i in range(len(groups))]


@dataclass(eq=False)
class Scene:
    """A map with what follows from it, worked out once. One without codes has a level of none."""

    map: CodebookMap
    levels: list[Level] = field(init=False)
    letters: list[str] = field(init=False)
    _means_of: dict[tuple[int, What], list[Point]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.levels = self.map.levels or [Level(codes=[], counts=[], chosen=[])]
        self.letters = letters_of(self.map.groups)

    @cached_property
    def _after(self) -> list[list[Point]]:
        """What the levels' codes of each point add up to: after none, one, two, ... levels."""
        found: list[list[Point]] = [[(0.0, 0.0)] * len(self.map.points)]
        for level in self.levels:
            sums = []
            for (x, y), code in zip(found[-1], level.chosen, strict=False):
                step = level.codes[code] if 0 <= code < len(level.codes) else (0.0, 0.0)
                sums.append((x + step[0], y + step[1]))
            # a map that is short of codes shows as many points as it has
            found.append(sums + found[-1][len(sums) :])
        return found

    def entering(self, level: int) -> list[Point]:
        """What enters a level: each point less the codes chosen before, in the level's plane."""
        if len(found := self.levels[level].entering) == len(self.map.points):
            return found
        before = self._after[level]
        return [(x - dx, y - dy) for (x, y), (dx, dy) in zip(self.map.points, before, strict=True)]

    def points(self, level: int, what: What) -> list[Point]:
        """Where the data is drawn."""
        return self.entering(level) if what == "residuals" else self.map.points

    def _sums_of_points(self, level: int) -> list[Point]:
        return self.levels[level].sums or self._after[level + 1]

    def sums(self, level: int) -> dict[Point, set[int]]:
        """The sums of codes up to a level that are in use, each with the codes of this level that led there."""
        found: dict[Point, set[int]] = {}
        for place, code in zip(self._sums_of_points(level), self.levels[level].chosen, strict=False):
            found.setdefault(place, set()).add(code)
        return found

    def codes(self, level: int, what: What) -> list[Point]:
        """The place of each code of a level among the data; NOWHERE for one that has none there."""
        codes = self.levels[level].codes
        if what == "residuals" or (what == "outputs" and level == 0):
            return codes
        return self._means(level, what)

    def _means(self, level: int, what: What) -> list[Point]:
        """The mean of the points, or of the sums, of each code."""
        if (known := self._means_of.get((level, what))) is not None:
            return known
        found = self.levels[level]
        places = self._sums_of_points(level) if what == "sums" else self.map.points
        totals = [[0.0, 0.0, 0] for _ in found.codes]
        for (x, y), code in zip(places, found.chosen, strict=False):
            if 0 <= code < len(totals):
                total = totals[code]
                total[0], total[1], total[2] = total[0] + x, total[1] + y, total[2] + 1
        means = [(x / count, y / count) if count else NOWHERE for x, y, count in totals]
        self._means_of[level, what] = means
        return means

    def explained(self, level: int, what: What) -> float:
        """The share of the variance of what is drawn that the level's plane holds."""
        own = self.levels[level]
        return own.explained if what == "residuals" and own.entering else self.map.explained

    def dead(self, level: int, deadness: Deadness) -> list[bool]:
        """Which codes of a level are dead."""
        return dead_codes(self.levels[level].counts, deadness)

    def frame(self, level: int, shows: MapOptions, wide: int, high: int, before: Frame | None) -> Frame:
        """The frame of a level: it holds the data and the live codes; a dead code may have been left far away."""
        if shows.points == "sums":
            marks = list(self.sums(level))
        else:
            dead = self.dead(level, shows.deadness)
            marks = [mark for mark, gone in zip(self.codes(level, shows.points), dead, strict=False) if not gone]
        points = [*self.points(level, shows.points), *marks]
        return frame_for(points or self.levels[level].codes, wide, high, before)

    def served(self, level: int, code: int) -> Counter[int]:
        """How many of the points that are shown chose a code, by group."""
        chosen = self.levels[level].chosen
        return Counter(label for label, one in zip(self.map.labels, chosen, strict=False) if one == code)


@dataclass(frozen=True)
class Palette:
    """The styles of a scene. `groups` are gone round; `chosen` is added to what is chosen."""

    groups: Sequence[Style]
    code: Style
    dead: Style
    faint: Style
    trail: Style
    served: Style
    chosen: Style


LetterPositions = dict[int, tuple[int, int]]
"""The character that each point's letter stood in."""


def draw(
    scene: Scene,
    level: int,
    shows: MapOptions,
    chosen: Selection,
    plane: Plane,
    frame: Frame,
    inks: Palette,
    stood: LetterPositions,
) -> LetterPositions:
    """Draw a level; where the points' letters stand now. `stood` is where they stood before, in the same frame."""
    codes = scene.codes(level, shows.points)
    wide, high = plane.wide, plane.high
    # cells and paths lie where the codes themselves do
    is_true = codes is scene.levels[level].codes
    if shows.cells and is_true and len(codes) <= MOST_CELLS:
        borders(codes, frame, plane, inks.faint)
    here = chosen.code if chosen.level == level else None
    if shows.trails and is_true:
        _draw_trails(scene, level, plane, frame, inks, here)
    stands = _draw_points(scene, level, shows, chosen, plane, frame, inks, stood)
    if shows.points == "sums":
        for place, of in scene.sums(level).items():
            _mark(plane, frame.place(place, wide, high), LIVE, inks.code + inks.chosen if here in of else inks.code)
        return stands
    dead = scene.dead(level, shows.deadness)
    # the chosen one last: nothing hides it
    for code in sorted(range(len(codes)), key=lambda code: (code == here, not dead[code])):
        ink = inks.dead if dead[code] else inks.code
        _mark(
            plane,
            frame.place(codes[code], wide, high),
            DEAD if dead[code] else LIVE,
            ink + inks.chosen if code == here else ink,
        )
    return stands


def _draw_trails(scene: Scene, level: int, plane: Plane, frame: Frame, inks: Palette, here: int | None) -> None:
    found = scene.levels[level]
    wide, high = plane.wide, plane.high
    for code in sorted(range(len(found.codes)), key=lambda code: code == here):
        path = [frame.place(then[code], wide, high) for then in found.trail if code < len(then)]
        path.append(frame.place(found.codes[code], wide, high))
        for start, end in itertools.pairwise(path):
            plane.line(start, end, inks.code if code == here else inks.trail)


def _draw_points(
    scene: Scene,
    level: int,
    shows: MapOptions,
    chosen: Selection,
    plane: Plane,
    frame: Frame,
    inks: Palette,
    stood: LetterPositions,
) -> LetterPositions:
    """One letter in each character with points in it: that of most of them."""
    labels = scene.map.labels
    serves = scene.levels[level].chosen
    code = chosen.code if chosen.level == level else None
    stands: LetterPositions = {}
    within: dict[tuple[int, int], list[int]] = {}
    for index, point in enumerate(scene.points(level, shows.points)):
        x, y = frame.place(point, plane.wide, plane.high)
        if not (-0.5 <= x < plane.wide and -0.5 <= y < plane.high):
            continue
        cell = stood.get(index)
        if cell is None or abs(x - cell[0] * 2 - 0.5) > STAYS[0] or abs(y - cell[1] * 4 - 1.5) > STAYS[1]:
            cell = round(x) >> 1, round(y) >> 2
        stands[index] = cell
        within.setdefault(cell, []).append(index)
    for (column, row), indices in within.items():
        counted = Counter(labels[index] if index < len(labels) else 0 for index in indices)
        label = min(counted, key=lambda one: (-counted[one], one))
        ink = inks.groups[label % len(inks.groups)]
        if code is not None and any(index < len(serves) and serves[index] == code for index in indices):
            ink = ink + inks.served
        plane.put(column, row, scene.letters[label] if 0 <= label < len(scene.letters) else "·", ink)
    if chosen.point in stands:
        label = labels[chosen.point]
        plane.put(*stands[chosen.point], scene.letters[label], inks.groups[label % len(inks.groups)] + inks.chosen)
    return stands


def _mark(plane: Plane, place: Point, mark: str, ink: Style) -> None:
    """A code; one outside stands at the edge."""
    x, y = place
    if x == x and y == y:
        column = min(plane.width - 1, max(0, int(max(-9.0, min(x, 1e6))) >> 1))
        plane.put(column, min(plane.height - 1, max(0, int(max(-9.0, min(y, 1e6))) >> 2)), mark, ink)


def neighbour(places: Sequence[Point], here: int | None, dx: int, dy: int) -> int | None:
    """Which of these one comes to in a direction from `here`: the nearest, where what lies aside counts twice.

    None for no places; `here` when there is nothing in that direction. From nowhere it is the one nearest the middle.
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
