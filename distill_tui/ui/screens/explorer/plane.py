"""A plane drawn in a terminal: dots and lines in braille, with characters over them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.style import Style

from distill_tui.runs.codebook_map import Point
from distill_tui.ui.widgets.braille_canvas import BrailleCanvas

MARGIN = 0.06
"""Space around the outermost points, as a fraction of the span."""
LEAST_FILLED = 0.55
"""A frame is kept while its points fill more of it than this fraction: a plane that keeps rescaling is unreadable."""


@dataclass(frozen=True)
class Frame:
    """The visible part of a plane: its centre (x, y) and the distance between two dots, the same in both directions."""

    x: float
    y: float
    unit: float

    def place(self, point: Point, wide: int, high: int) -> Point:
        """Return the position of a point in dots, from the top left of `wide` by `high` dots."""
        return (wide - 1) / 2 + (point[0] - self.x) / self.unit, (high - 1) / 2 - (point[1] - self.y) / self.unit

    def point(self, x: float, y: float, wide: int, high: int) -> Point:
        """Return the point at a dot."""
        return self.x + (x - (wide - 1) / 2) * self.unit, self.y + ((high - 1) / 2 - y) * self.unit


def frame_for(points: Iterable[Point], wide: int, high: int, before: Frame | None = None) -> Frame:
    """Return a frame around all finite points: `before`, if it still holds them and is not far too large."""
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if not finite:
        return before or Frame(0.0, 0.0, 1.0)
    left, right = min(x for x, _ in finite), max(x for x, _ in finite)
    low, top = min(y for _, y in finite), max(y for _, y in finite)
    need = max((right - left) / max(1, wide - 1), (top - low) / max(1, high - 1), 1e-9 * (1 + abs(left) + abs(low)))
    if before is not None and need > LEAST_FILLED * before.unit:
        corners = (before.place(corner, wide, high) for corner in ((left, top), (right, low)))
        if all(-0.5 <= x <= wide - 0.5 and -0.5 <= y <= high - 0.5 for x, y in corners):
            return before
    return Frame((left + right) / 2, (low + top) / 2, need * (1 + 2 * MARGIN))


class Plane(BrailleCanvas):
    """A canvas of `wide` by `high` dots, with straight lines between any two points."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self.wide, self.high = width * 2, height * 4

    def segment(self, start: Point, end: Point, style: Style) -> None:
        """Draw the part of a line that lies inside."""
        clipped = _clip(start, end, self.wide, self.high)
        if clipped is None:
            return
        (x0, y0), (x1, y1) = clipped
        steps = max(1, round(max(abs(x1 - x0), abs(y1 - y0))))
        for i in range(steps + 1):
            self.dot(round(x0 + (x1 - x0) * i / steps), round(y0 + (y1 - y0) * i / steps), style)


def _clip(start: Point, end: Point, wide: int, high: int) -> tuple[Point, Point] | None:
    """Clip a line to the dots (Liang and Barsky 1984); None if nothing of it is inside."""
    if not all(map(math.isfinite, (*start, *end))):
        return None
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    first, last = 0.0, 1.0
    for step, room in ((-dx, x0 + 0.5), (dx, wide - 0.5 - x0), (-dy, y0 + 0.5), (dy, high - 0.5 - y0)):
        if step == 0:
            if room < 0:
                return None
        elif step < 0:
            first = max(first, room / step)
        else:
            last = min(last, room / step)
    if first > last:
        return None
    return (x0 + first * dx, y0 + first * dy), (x0 + last * dx, y0 + last * dy)


def borders(codes: Sequence[Point], frame: Frame, plane: Plane, style: Style) -> None:
    """Draw the borders of the codes' Voronoi cells, dotted."""
    wide, high = plane.wide, plane.high
    places = [(i, *frame.place(code, wide, high)) for i, code in enumerate(codes)]
    places = [(i, x, y) for i, x, y in places if math.isfinite(x) and math.isfinite(y)]
    if len(places) < 2:
        return

    def nearest(x: float, y: float, among: Iterable[tuple[int, float, float]]) -> int:
        best, found = math.inf, -1
        for i, at_x, at_y in among:
            far = (at_x - x) * (at_x - x) + (at_y - y) * (at_y - y)
            if far < best:
                best, found = far, i
        return found

    # the corners of the characters first: most characters lie inside one cell
    corners = [[nearest(x, y, places) for x in range(0, wide + 1, 2)] for y in range(0, high + 1, 4)]
    by_index = {i: (i, x, y) for i, x, y in places}
    for row in range(plane.height):
        above, below = corners[row], corners[row + 1]
        for column in range(plane.width):
            around = {above[column], above[column + 1], below[column], below[column + 1]}
            if len(around) == 1:
                continue
            near = [by_index[i] for i in sorted(around)]
            for y in range(row * 4, row * 4 + 4):
                for x in (column * 2, column * 2 + 1):
                    if (x + y) % 2:
                        continue
                    here = nearest(x, y, near)
                    if here != nearest(x + 1, y, near) or here != nearest(x, y + 1, near):
                        plane.dot(x, y, style)
