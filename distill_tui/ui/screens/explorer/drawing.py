"""Draws one level of a map: letters for its points, marks for its codes, their cells and trails."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style

from distill_tui.runs.codebook_map import Point
from distill_tui.ui.screens.explorer.plane import Frame, Plane, borders
from distill_tui.ui.screens.explorer.scene import MapOptions, Scene, Selection

LIVE, DEAD = "◆", "◇"
MOST_CELLS = 256
"""Cells of up to so many codes are computed while a key waits for its answer."""
LETTER_MARGIN = (1.6, 3.2)
"""A letter stays in its character until its point is so many dots (x, y) from the middle: points that tremble on the
border of two characters would else flicker, and every change is sent to the terminal."""

LetterPositions = dict[int, tuple[int, int]]
"""The column and row of each point's letter, by the point's index."""


@dataclass(frozen=True)
class Palette:
    """The styles of a map. `groups` repeat; `chosen` is added to what is selected, `served` to a code's points."""

    groups: Sequence[Style]
    code: Style
    dead: Style
    faint: Style
    trail: Style
    served: Style
    chosen: Style


@dataclass(frozen=True)
class LevelDrawing:
    """One level of a scene, drawn on a plane through a frame."""

    scene: Scene
    level: int
    options: MapOptions
    selection: Selection
    plane: Plane
    frame: Frame
    palette: Palette

    @property
    def _selected_code(self) -> int | None:
        return self.selection.code if self.selection.level == self.level else None

    def draw(self, before: LetterPositions) -> LetterPositions:
        """Draw the level and return the letters' positions. `before` are those of the last drawing in this frame."""
        own = self.scene.levels[self.level].codes
        codes = self.scene.codes(self.level, self.options.points)
        # cells and trails are drawn only where codes have their true positions
        if codes is own:
            if self.options.cells and len(codes) <= MOST_CELLS:
                borders(codes, self.frame, self.plane, self.palette.faint)
            if self.options.trails:
                self._draw_trails()
        letters = self._draw_points(before)
        if self.options.points == "sums":
            for place, of in self.scene.sums(self.level).items():
                self._mark(place, LIVE, self.palette.code, self._selected_code in of)
        else:
            self._draw_codes(codes)
        return letters

    def _draw_codes(self, codes: list[Point]) -> None:
        dead, here = self.scene.dead(self.level, self.options.deadness), self._selected_code
        # the selected one last, so that nothing hides it
        for code in sorted(range(len(codes)), key=lambda code: (code == here, not dead[code])):
            mark, style = (DEAD, self.palette.dead) if dead[code] else (LIVE, self.palette.code)
            self._mark(codes[code], mark, style, code == here)

    def _mark(self, at: Point, mark: str, style: Style, is_selected: bool) -> None:
        """Draw a code; one outside the frame is drawn at the edge."""
        x, y = self._place(at)
        if x == x and y == y:
            column = min(self.plane.width - 1, max(0, int(max(-9.0, min(x, 1e6))) >> 1))
            row = min(self.plane.height - 1, max(0, int(max(-9.0, min(y, 1e6))) >> 2))
            self.plane.put(column, row, mark, style + self.palette.chosen if is_selected else style)

    def _place(self, point: Point) -> Point:
        return self.frame.place(point, self.plane.wide, self.plane.high)

    def _draw_trails(self) -> None:
        found, here = self.scene.levels[self.level], self._selected_code
        for code in sorted(range(len(found.codes)), key=lambda code: code == here):
            path = [self._place(then[code]) for then in found.trail if code < len(then)]
            path.append(self._place(found.codes[code]))
            for start, end in itertools.pairwise(path):
                self.plane.segment(start, end, self.palette.code if code == here else self.palette.trail)

    def _draw_points(self, before: LetterPositions) -> LetterPositions:
        """Draw one letter in each character that has points in it: that of their most frequent group."""
        letters = self._letter_positions(before)
        within: dict[tuple[int, int], list[int]] = {}
        for index, cell in letters.items():
            within.setdefault(cell, []).append(index)
        labels, serves, code = self.scene.map.labels, self.scene.levels[self.level].chosen, self._selected_code
        for (column, row), indices in within.items():
            counted = Counter(labels[index] if index < len(labels) else 0 for index in indices)
            label = min(counted, key=lambda one: (-counted[one], one))
            style = self._style_of_group(label)
            if code is not None and any(index < len(serves) and serves[index] == code for index in indices):
                style = style + self.palette.served
            letter = self.scene.letters[label] if 0 <= label < len(self.scene.letters) else "·"
            self.plane.put(column, row, letter, style)
        point = self.selection.point
        if point is not None and point in letters:
            style = self._style_of_group(labels[point]) + self.palette.chosen
            self.plane.put(*letters[point], self.scene.letters[labels[point]], style)
        return letters

    def _letter_positions(self, before: LetterPositions) -> LetterPositions:
        found: LetterPositions = {}
        for index, point in enumerate(self.scene.points(self.level, self.options.points)):
            x, y = self._place(point)
            if not (-0.5 <= x < self.plane.wide and -0.5 <= y < self.plane.high):
                continue
            cell = before.get(index)
            if (
                cell is None
                or abs(x - cell[0] * 2 - 0.5) > LETTER_MARGIN[0]
                or abs(y - cell[1] * 4 - 1.5) > LETTER_MARGIN[1]
            ):
                cell = round(x) >> 1, round(y) >> 2
            found[index] = cell
        return found

    def _style_of_group(self, label: int) -> Style:
        return self.palette.groups[label % len(self.palette.groups)]
