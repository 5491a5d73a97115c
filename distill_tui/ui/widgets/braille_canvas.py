"""A canvas of braille dots, two columns and four rows of them a cell; a cell has the ink that was used last in it."""

import math
from bisect import bisect_left
from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from distill_tui.reporting.axis import Scale
from distill_tui.reporting.series import Point

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
# SPANS[side][from][to]: the dots of one side of a cell, from a row to a row
SPANS = [[[sum(DOTS[y][side] for y in range(a, b + 1)) for b in range(4)] for a in range(4)] for side in range(2)]
DOTTED = 3
"""A dotted curve has dots in every third column."""

Cell = tuple[str, Style | None]
"""A character and its style; the cell after a double-width character is ''."""


class BrailleCanvas:
    """`width` by `height` cells of 2 by 4 dots, and characters over them."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots = bytearray(width * height)
        self._inks: list[Style | None] = [None] * (width * height)
        self._over: dict[int, Cell] = {}

    def dot(self, x: int, y: int, ink: Style) -> None:
        """Set a dot; what lies outside is left out."""
        self.fill(x, y, y, ink)

    def fill(self, x: int, top: int, bottom: int, ink: Style) -> None:
        """Set the dots of column `x` from row `top` to row `bottom`; what lies outside is left out."""
        if not 0 <= x < self.width * 2:
            return
        side, column = x & 1, x >> 1
        top, bottom = max(0, top), min(self.height * 4 - 1, bottom)
        for row in range(top >> 2, (bottom >> 2) + 1):
            cell = row * self.width + column
            self._dots[cell] |= SPANS[side][max(0, top - row * 4)][min(3, bottom - row * 4)]
            self._inks[cell] = ink

    def put(self, column: int, row: int, text: str, ink: Style | None) -> None:
        """Write over the dots, from a cell on; what lies outside is left out."""
        if not 0 <= row < self.height:
            return
        for char in text:
            size = cell_len(char)
            if size and column >= 0 and column + size <= self.width:
                self._over[row * self.width + column] = char, ink
                if size == 2:
                    self._over[row * self.width + column + 1] = "", ink
            column += size

    # curves

    def curve(self, points: Sequence[Point], scale: Scale, ink: Style, dotted: bool = False) -> None:
        """From the least to the greatest of each point, joined to its neighbours."""
        every = DOTTED if dotted else 1
        before: Point | None = None
        its_top = its_bottom = 0
        for point in points:
            top, bottom = scale.row(point.high), scale.row(point.low)
            if before is not None and before.x < point.x - 1:
                self.line((before, point), scale, ink, every)
            # neighbours must touch, or a steep fall looks like two curves
            joined = before is not None and before.x == point.x - 1 and not dotted
            if point.x % every == 0:
                first, last = (min(top, its_bottom), max(bottom, its_top)) if joined else (top, bottom)
                self.fill(point.x, first, last, ink)
            before, its_top, its_bottom = point, top, bottom

    def envelope(self, points: Sequence[Point], scale: Scale, ink: Style, every: int = 1) -> None:
        """From the least to the greatest of each point, in every so many columns."""
        for point in points:
            if point.x % every == 0:
                self.fill(point.x, scale.row(point.high), scale.row(point.low), ink)

    def line(self, points: Sequence[Point], scale: Scale, ink: Style, every: int = 1) -> None:
        """A line through the means, in every so many columns."""
        before: tuple[int, float] | None = None
        for point in points:
            y = min(2.0 * scale.rows, max(-1.0 * scale.rows, scale.place(point.mean)))
            if before is not None:
                self._stroke(*before, point.x, y, ink, every)
            elif 0 <= y < scale.rows and point.x % every == 0:
                self.fill(point.x, round(y), round(y), ink)
            before = (point.x, y)

    def _stroke(self, x0: int, y0: float, x1: int, y1: float, ink: Style, every: int) -> None:
        slope = (y1 - y0) / max(1, x1 - x0)
        for x in range(max(x0, -1), min(x1, self.width * 2) + 1):
            if x % every:
                continue
            # each column holds its share of a steep line, or it would fall apart into dots
            near, far = sorted((max(x0, x - 0.5), min(x1, x + 0.5)))
            a, b = sorted((y0 + (near - x0) * slope, y0 + (far - x0) * slope))
            if b >= 0 and a < self.height * 4:
                self.fill(x, round(a), round(b), ink)

    def letter(self, points: Sequence[Point], scale: Scale, char: str, ink: Style, cells: Sequence[int]) -> None:
        """Write a letter onto the line through the means, in these columns of cells; where there is no line, none."""
        for column in cells:
            x = 2 * column
            after = bisect_left(points, x, key=lambda point: point.x)
            if after == len(points) or (after == 0 and points[0].x > x + 1):
                continue
            here, before = points[after], points[max(0, after - 1)]
            share = (x - before.x) / (here.x - before.x) if here.x > before.x else 1.0
            a, b = scale.place(before.mean), scale.place(here.mean)
            row = round(a + (b - a) * share) if math.isfinite(a + b) else -1
            if 0 <= row < scale.rows:
                self.put(column, row >> 2, char, ink)

    # reading

    def is_empty(self, y: int, first: int, last: int) -> bool:
        """True if the cells from `first` up to `last` of a row have no dot."""
        return not any(self._dots[y * self.width + max(0, first) : y * self.width + last])

    def cells(self, y: int) -> list[Cell]:
        """The characters of a row with their inks; an empty cell is a space without ink."""
        row: list[Cell] = []
        for cell in range(y * self.width, (y + 1) * self.width):
            over, dots = self._over.get(cell), self._dots[cell]
            row.append(over or ((chr(0x2800 + dots), self._inks[cell]) if dots else (" ", None)))
        return row

    def row(self, y: int, cursor: int | None = None, cursor_ink: Style | None = None) -> Text:
        """A row of cells as text; the cursor is a line down through the cell column `cursor`."""
        text = Text()
        run, run_ink = "", None
        for x, (char, ink) in enumerate(self.cells(y)):
            if x == cursor and cursor_ink is not None:
                char, ink = ("│", cursor_ink) if char == " " else (char, (ink or Style()) + Style(reverse=True))
            if ink is not run_ink and run:
                text.append(run, run_ink)
                run = ""
            run, run_ink = run + char, ink
        if run:
            text.append(run, run_ink)
        return text
