"""Curves in braille: two columns and four rows of dots in each character."""

import math
from collections.abc import Callable, Sequence

from distill_tui.ui.widgets.envelope import Column

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
LOG_RATIO = 8.0
"""From this greatest / least on a curve is drawn on a logarithmic scale, or its later part would be flat."""


def draw(columns: Sequence[Column | None], height: int, logarithmic: bool | None = None) -> list[str]:
    """`height` lines of half as many characters as `columns`, a curve that touches every least and greatest.

    The scale is logarithmic if so wished and nothing lies at 0 or below; with None, once the curve spans much. Columns
    without a point between two that have one are drawn as a straight line; what is not finite is left out.
    """
    width = (len(columns) + 1) // 2
    cells = [[0] * width for _ in range(height)]
    points = [(i, c) for i, c in enumerate(columns) if c is not None and math.isfinite(c.low) and math.isfinite(c.high)]
    if not points or height < 1:
        return [" " * width] * height
    scale = _scale(min(c.low for _, c in points), max(c.high for _, c in points), height * 4 - 1, logarithmic)

    def fill(x: int, top: int, bottom: int) -> None:
        for y in range(top, bottom + 1):
            cells[y // 4][x // 2] |= DOTS[y % 4][x % 2]

    previous: tuple[int, int, int] | None = None
    for x, column in points:
        top, bottom = scale(column.high), scale(column.low)
        if previous is not None:
            before, its_top, its_bottom = previous
            middle, target = (its_top + its_bottom) / 2, (top + bottom) / 2
            for between in range(before + 1, x):
                y = round(middle + (target - middle) * (between - before) / (x - before))
                fill(between, y, y)
            if x == before + 1:
                # neighbours must touch, or a steep fall looks like two curves
                top, bottom = min(top, its_bottom), max(bottom, its_top)
        fill(x, top, bottom)
        previous = (x, scale(column.high), scale(column.low))
    return ["".join(chr(0x2800 + dots) if dots else " " for dots in row) for row in cells]


def _scale(low: float, high: float, rows: int, wanted: bool | None) -> Callable[[float], int]:
    logarithmic = low > 0 and (high / low > LOG_RATIO if wanted is None else wanted)
    bottom, top = (math.log(low), math.log(high)) if logarithmic else (low, high)

    def to_row(value: float) -> int:
        if top <= bottom:
            return rows // 2
        place = math.log(value) if logarithmic else value
        # halves, since the difference of two numbers may be beyond all numbers
        return rows - round((place / 2 - bottom / 2) / (top / 2 - bottom / 2) * rows)

    return to_row


BLOCKS = " ▁▂▃▄▅▆▇█"


def blocks(values: Sequence[float], most: float = 1.0) -> str:
    """One character a value: its height from 0 to `most`; `·` where it is not known."""
    found = []
    for value in values:
        if not math.isfinite(value):
            found.append("·")
            continue
        found.append(BLOCKS[1 + round(min(1.0, max(0.0, value / most)) * 7)])
    return "".join(found)
