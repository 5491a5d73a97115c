"""Dots in braille, each cell with the ink that was used last in it; and scales with their ticks."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from distill_tui.ui.widgets.braille import DOTS, LOG_RATIO
from distill_tui.ui.widgets.pyramid import Point

# SPANS[side][from][to]: the dots of one side of a cell, from a row to a row
SPANS = [[[sum(DOTS[y][side] for y in range(a, b + 1)) for b in range(4)] for a in range(4)] for side in range(2)]


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` on `rows` rows of dots, the greatest on row 0."""

    low: float
    high: float
    rows: int
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """The row of a value, which may lie outside; a value that has no logarithm lies far below."""
        low, high = self.low, self.high
        if self.logarithmic:
            if value <= 0:
                return 10.0 * self.rows
            low, high, value = math.log(low), math.log(high), math.log(value)
        if high <= low:
            return self.rows / 2
        return (self.rows - 1) * (1 - (value - low) / (high - low))

    def row(self, value: float) -> int:
        """The row of dots of a value, kept within the chart."""
        return round(min(self.rows - 1, max(0, self.place(value))))

    def ticks(self, most: int) -> list[float]:
        """At most `most` round numbers (two at least, if there are as many) within the scale."""
        if self.high <= self.low or not math.isfinite(self.high - self.low):
            return [self.low]
        if self.logarithmic:
            for steps in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
                decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
                found = [n * 10.0**d for d in decades for n in steps]
                found = [tick for tick in found if self.low <= tick <= self.high]
                if 2 <= len(found) <= most:
                    return found
        return round_numbers(self.low, self.high, most)


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """At most `most` numbers between `low` and `high` that are multiples of 1, 2, 2.5 or 5 times a power of ten."""
    rough = (high - low) / max(1, most)
    size = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    for factor in (1, 2, 2.5, 5, 10, 20, 25, 50):
        step = factor * size
        first = math.ceil(low / step - 1e-9)
        count = math.floor(high / step + 1e-9) - first + 1
        if count <= most:
            return [(first + i) * step for i in range(count)]
    return [low]


def scale_for(lows_and_highs: Sequence[tuple[float, float]], rows: int, kind: str) -> Scale | None:
    """A scale that holds all of these; `kind` is log, linear or auto (log once they span much). None for nothing."""
    found = [(low, high) for low, high in lows_and_highs if math.isfinite(low) and math.isfinite(high)]
    if not found:
        return None
    low, high = min(a for a, _ in found), max(b for _, b in found)
    positive = [a for a, _ in found if a > 0]
    logarithmic = bool(positive) and (kind == "log" or (kind == "auto" and low > 0 and high / low > LOG_RATIO))
    if logarithmic:
        low = min(positive)
    if high <= low:
        room = abs(low) * 0.05 or 1.0
        low, high = (low / 1.05, high * 1.05) if logarithmic else (low - room, high + room)
    return Scale(low, high, rows, logarithmic)


class Canvas:
    """`width` by `height` cells of 2 by 4 dots."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots = bytearray(width * height)
        self._inks: list[Style | None] = [None] * (width * height)
        self._letters: dict[int, str] = {}

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

    def envelope(self, points: Sequence[Point], scale: Scale, ink: Style) -> None:
        """From the least to the greatest of each point."""
        for point in points:
            self.fill(point.x, scale.row(point.high), scale.row(point.low), ink)

    def line(self, points: Sequence[Point], scale: Scale, ink: Style) -> None:
        """A line through the means."""
        before: tuple[int, float] | None = None
        for point in points:
            y = min(2.0 * scale.rows, max(-1.0 * scale.rows, scale.place(point.mean)))
            if before is not None:
                self._stroke(*before, point.x, y, ink)
            elif 0 <= y < scale.rows:
                self.fill(point.x, round(y), round(y), ink)
            before = (point.x, y)

    def _stroke(self, x0: int, y0: float, x1: int, y1: float, ink: Style) -> None:
        slope = (y1 - y0) / max(1, x1 - x0)
        for x in range(max(x0, -1), min(x1, self.width * 2) + 1):
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
            if 0 <= row < scale.rows and 0 <= column < self.width:
                cell = (row >> 2) * self.width + column
                self._letters[cell], self._inks[cell] = char, ink

    def is_empty(self, y: int, first: int, last: int) -> bool:
        """Whether the cells from `first` up to `last` of a row have no dot."""
        return not any(self._dots[y * self.width + max(0, first) : y * self.width + last])

    def row(self, y: int, cursor: int | None = None, cursor_ink: Style | None = None) -> Text:
        """A row of cells as text; the cursor is a line down through the cell column `cursor`."""
        found = Text()
        run, run_ink = "", None
        for x in range(self.width):
            cell = y * self.width + x
            dots = self._dots[cell]
            char = self._letters.get(cell) or (chr(0x2800 + dots) if dots else " ")
            ink = self._inks[cell] if char != " " else None
            if x == cursor and cursor_ink is not None:
                char, ink = ("│", cursor_ink) if char == " " else (char, (ink or Style()) + Style(reverse=True))
            if ink is not run_ink and run:
                found.append(run, run_ink)
                run = ""
            run, run_ink = run + char, ink
        if run:
            found.append(run, run_ink)
        return found
