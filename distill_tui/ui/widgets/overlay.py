"""Two curves over one another in braille: the first is solid, the second dotted, so that no colour is needed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from distill_tui.library.card import Number
from distill_tui.ui.widgets.braille import DOTS, LOG_RATIO

DOTTED = 3
"""Of a dotted curve one column in so many is drawn."""


@dataclass(frozen=True)
class Points:
    """A curve: its places along the axis and its values, as a card keeps them; None is left out."""

    places: Sequence[Number]
    values: Sequence[Number]

    def known(self) -> list[tuple[float, float]]:
        """(place, value) where both are finite."""
        pairs = zip(self.places, self.values, strict=False)
        return [(x, y) for x, y in pairs if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)]


def points_of(history: dict[str, dict[str, list[Number]]], key: str) -> Points:
    """A series of a card's history by its steps; empty when there is none."""
    series = history.get(key, {})
    return Points(series.get("steps", []), series.get("values", []))


def overlay(curves: Sequence[tuple[Points, Style]], width: int, height: int) -> list[Text]:
    """`height` lines of `width` characters: the curves on one pair of axes, each column from its least to its greatest.

    The axis of values is logarithmic when they reach over more than LOG_RATIO. The second curve and those after it
    are dotted; where curves meet the first one's style is used.
    """
    known = [points.known() for points, _ in curves]
    every = [point for points in known for point in points]
    if not every or width < 1 or height < 1:
        return [Text(" " * max(0, width))] * max(0, height)
    last = max(max(x for x, _ in every), 1.0)
    low, high = min(y for _, y in every), max(y for _, y in every)
    logarithmic = low > 0 and high / low > LOG_RATIO
    bottom, top = (math.log(low), math.log(high)) if logarithmic else (low, high)
    rows = height * 4 - 1

    def row_of(value: float) -> int:
        if top <= bottom:
            return rows // 2
        return rows - round(((math.log(value) if logarithmic else value) - bottom) / (top - bottom) * rows)

    layers = []
    for number, points in enumerate(known):
        cells = [[0] * width for _ in range(height)]
        for x, first, second in _spans([(round(x / last * (width * 2 - 1)), row_of(y)) for x, y in points]):
            if number and x % DOTTED:
                continue
            for y in range(first, second + 1):
                cells[y // 4][x // 2] |= DOTS[y % 4][x % 2]
        layers.append(cells)
    lines = []
    for row in range(height):
        line = Text()
        for column in range(width):
            dots = [layer[row][column] for layer in layers]
            style = next((style for (_, style), dot in zip(curves, dots, strict=True) if dot), Style())
            every_dot = 0
            for dot in dots:
                every_dot |= dot
            line.append(chr(0x2800 + every_dot) if every_dot else " ", style)
        lines.append(line)
    return lines


def _spans(points: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(column, first row, last row) of a line through these points, columns between two points included."""
    columns: dict[int, tuple[int, int]] = {}
    for x, y in points:
        first, last = columns.get(x, (y, y))
        columns[x] = (min(first, y), max(last, y))
    found: list[tuple[int, int, int]] = []
    previous: tuple[int, int, int] | None = None
    for x in sorted(columns):
        first, last = columns[x]
        if previous is not None:
            before, its_first, its_last = previous
            start, end = (its_first + its_last) / 2, (first + last) / 2
            for between in range(before + 1, x):
                y = round(start + (end - start) * (between - before) / (x - before))
                found.append((between, y, y))
        found.append((x, first, last))
        previous = (x, first, last)
    return found
