"""A series reduced to the columns of a chart in any window of it: least, greatest and mean, from sums kept by blocks.

`Envelope` follows a whole series; this answers for any part of it, so that zooming into a night's training costs no
more than looking at all of it.
"""

import math
from array import array
from bisect import bisect_left
from typing import NamedTuple

from distill_tui.runs.state import Series

BLOCK = 64
"""Points in a block: a part of a series costs at most two blocks of points and one number for each block between."""


class Point(NamedTuple):
    """What a column of a chart shows; `x` is its place in columns and lies outside of the chart for its neighbours."""

    x: int
    low: float
    high: float
    mean: float


class Pyramid:
    """Follows one series; only what is new in it is read again."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._lows, self._highs, self._sums = array("d"), array("d"), array("d")
        self._counts: list[int] = []
        self._last_step = math.nan

    def points(self, series: Series, xs: "array[float]", width: int, first: float, last: float) -> list[Point]:
        """The series between `first` and `last` of `xs` (its steps or times) in `width` columns, and one point beside.

        Columns in which there is nothing finite have no point.
        """
        self._take_in(series)
        found: list[Point] = []
        if width < 2 or not len(series) or last <= first:
            return found
        column = (last - first) / (width - 1)
        index = bisect_left(xs, first - column / 2)
        if index:
            self._add(found, series, max(-100_000, math.floor((xs[index - 1] - first) / column)), index - 1, index)
        while index < len(xs):
            # straight to the next column that has a point: a column without one costs nothing
            x = math.floor((xs[index] - first) / column + 0.5)
            if x >= width:
                self._add(found, series, min(x, 100_000), index, index + 1)
                break
            end = max(index + 1, bisect_left(xs, first + (x + 0.5) * column, index))
            self._add(found, series, x, index, end)
            index = end
        return found

    def _add(self, found: list[Point], series: Series, x: int, start: int, end: int) -> None:
        low, high, total, count = math.inf, -math.inf, 0.0, 0
        whole, after = -(-start // BLOCK), end // BLOCK
        parts = [(start, end)] if whole >= after else [(start, whole * BLOCK), (after * BLOCK, end)]
        for a, b in parts:
            if a < b:
                part_low, part_high, part_sum, part_count = _sum_up(series, a, b)
                low, high = min(low, part_low), max(high, part_high)
                total, count = total + part_sum, count + part_count
        if whole < after:
            low = min(low, min(self._lows[whole:after]))
            high = max(high, max(self._highs[whole:after]))
            total += sum(self._sums[whole:after])
            count += sum(self._counts[whole:after])
        if count:
            found.append(Point(x, low, high, total / count))

    def _take_in(self, series: Series) -> None:
        taken = len(self._counts) * BLOCK
        # a resumed run drops its newest points and repeats them
        if len(series) < taken or (taken and series.steps[taken - 1] != self._last_step):
            self._reset()
            taken = 0
        while taken + BLOCK <= len(series):
            low, high, total, count = _sum_up(series, taken, taken + BLOCK)
            self._lows.append(low)
            self._highs.append(high)
            self._sums.append(total)
            self._counts.append(count)
            taken += BLOCK
            self._last_step = series.steps[taken - 1]


def _sum_up(series: Series, start: int, end: int) -> tuple[float, float, float, int]:
    """Least, greatest, sum and number of the points that are finite."""
    low, high, values = series.low[start:end], series.high[start:end], series.values[start:end]
    # one sum tells whether there is anything to sort out
    if math.isfinite(sum(low) + sum(high) + sum(values)):
        return min(low), max(high), sum(values), end - start
    good = [
        (a, b, v)
        for a, b, v in zip(low, high, values, strict=True)
        if math.isfinite(a) and math.isfinite(b) and math.isfinite(v)
    ]
    if not good:
        return math.inf, -math.inf, 0.0, 0
    return min(a for a, _, _ in good), max(b for _, b, _ in good), sum(v for _, _, v in good), len(good)


def smoothed(points: list[Point], reach: int) -> list[Point]:
    """The points with each mean replaced by that of its neighbours up to `reach` columns away; 0 changes nothing."""
    if reach < 1 or len(points) < 3:
        return points
    found, start, end, total = [], 0, 0, 0.0
    for point in points:
        while end < len(points) and points[end].x <= point.x + reach:
            total += points[end].mean
            end += 1
        while points[start].x < point.x - reach:
            total -= points[start].mean
            start += 1
        found.append(point._replace(mean=total / (end - start)))
    return found
