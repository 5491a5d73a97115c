"""Series reduced for charts and cards: least, greatest and mean of each column, so that no spike is lost.

A chart asks a `SeriesReducer` for any part of a series; a card keeps a thinned series (`thin`).
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from distill_tui.library.card import Number
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState

BLOCK = 16
"""Points in a block, blocks in a block of the next level: any part of a million points costs a few short slices."""
SERIES_POINTS = 500
"""The most points of a series that a card keeps."""


class Point(NamedTuple):
    """One column of a chart: its index `x`, and the least, greatest and mean of the finite values in it."""

    x: int
    low: float
    high: float
    mean: float


@dataclass
class _Level:
    """Sums over blocks of the level below: least (infinite where nothing is finite), greatest, sum and count."""

    lows: "array[float]" = field(default_factory=lambda: array("d"))
    highs: "array[float]" = field(default_factory=lambda: array("d"))
    sums: "array[float]" = field(default_factory=lambda: array("d"))
    counts: "array[float]" = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.lows)

    def add(self, low: float, high: float, total: float, count: float) -> None:
        self.lows.append(low)
        self.highs.append(high)
        self.sums.append(total)
        self.counts.append(count)

    def total(self, start: int, end: int) -> tuple[float, float, float, float]:
        """Least, greatest, sum and count of these blocks, one at least."""
        part = slice(start, end)
        return min(self.lows[part]), max(self.highs[part]), sum(self.sums[part]), sum(self.counts[part])


class SeriesReducer:
    """Reduces one growing series; only its new points are read again."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._levels: list[_Level] = []
        self._last_step = math.nan

    def points(
        self, series: Series, width: int, first: float, last: float, xs: "array[float] | None" = None
    ) -> list[Point]:
        """The series between `first` and `last` of `xs` (its steps by default) in `width` columns.

        One point on either side is included, with an x outside of the columns, for lines that leave the chart. Columns
        without a finite value have no point.
        """
        self._update(series)
        xs = series.steps if xs is None else xs
        points: list[Point] = []
        if width < 2 or not len(series) or last <= first:
            return points
        column = (last - first) / (width - 1)
        index = bisect_left(xs, first - column / 2)
        if index:
            self._add(points, series, max(-100_000, math.floor((xs[index - 1] - first) / column)), index - 1, index)
        while index < len(xs):
            # straight to the next column that has a point: a column without one costs nothing
            x = math.floor((xs[index] - first) / column + 0.5)
            if x >= width:
                self._add(points, series, min(x, 100_000), index, index + 1)
                break
            end = max(index + 1, bisect_left(xs, first + (x + 0.5) * column, index))
            self._add(points, series, x, index, end)
            index = end
        return points

    def _add(self, points: list[Point], series: Series, x: int, start: int, end: int) -> None:
        low, high, total, count = self._total(series, 0, start, end)
        if count:
            # a sum of huge numbers may overflow
            points.append(Point(x, low, high, min(high, max(low, total / count))))

    def _total(self, series: Series, level: int, start: int, end: int) -> tuple[float, float, float, float]:
        """Least, greatest, sum and count from `start` to `end` of a level, 0 being the series itself."""
        first, after = -(-start // BLOCK), end // BLOCK
        if first >= after:
            return self._levels[level - 1].total(start, end) if level else _total_of(series, start, end)
        parts = [self._total(series, level + 1, first, after)]
        if start < first * BLOCK:
            parts.append(self._total(series, level, start, first * BLOCK))
        if after * BLOCK < end:
            parts.append(self._total(series, level, after * BLOCK, end))
        lows, highs, sums, counts = zip(*parts, strict=True)
        return min(lows), max(highs), sum(sums), sum(counts)

    def _update(self, series: Series) -> None:
        known = len(self._levels[0]) * BLOCK if self._levels else 0
        # a resumed run drops its newest points and repeats them
        if len(series) < known or (known and series.steps[known - 1] != self._last_step):
            self._reset()
        below, level = len(series), 0
        while below >= BLOCK:
            if level == len(self._levels):
                self._levels.append(_Level())
            blocks = self._levels[level]
            for start in range(len(blocks) * BLOCK, below - BLOCK + 1, BLOCK):
                end = start + BLOCK
                blocks.add(*(self._levels[level - 1].total(start, end) if level else _total_of(series, start, end)))
            below, level = len(blocks), level + 1
        if self._levels:
            self._last_step = series.steps[len(self._levels[0]) * BLOCK - 1]


def _total_of(series: Series, start: int, end: int) -> tuple[float, float, float, int]:
    """Least, greatest, sum and number of the finite points."""
    low, high, values = series.low[start:end], series.high[start:end], series.values[start:end]
    # one sum tells whether there is anything to sort out
    if math.isfinite(sum(low) + sum(high) + sum(values)):
        return min(low), max(high), sum(values), end - start
    finite = [
        (a, b, v)
        for a, b, v in zip(low, high, values, strict=True)
        if math.isfinite(a) and math.isfinite(b) and math.isfinite(v)
    ]
    if not finite:
        return math.inf, -math.inf, 0.0, 0
    return min(a for a, _, _ in finite), max(b for _, b, _ in finite), sum(v for _, _, v in finite), len(finite)


def smoothed(points: list[Point], reach: int) -> list[Point]:
    """The points with each mean averaged over the neighbours up to `reach` columns away; 0 changes nothing."""
    if reach < 1 or len(points) < 3:
        return points
    result, start, end, total = [], 0, 0, 0.0
    for point in points:
        while end < len(points) and points[end].x <= point.x + reach:
            total += points[end].mean
            end += 1
        while points[start].x < point.x - reach:
            total -= points[start].mean
            start += 1
        result.append(point._replace(mean=total / (end - start)))
    return result


def quantizer_start(state: RunState) -> float:
    """The step at which quantization began; earlier numbers are of a net without its quantizer.

    0 for a net that has no quantizer warm-up, infinity before it has begun.
    """
    if state.quantizing_from is not None:
        return float(state.quantizing_from)
    # a log that does not say when it began to quantize: not before there is a commitment loss
    return math.inf if state.health and "loss/commit" not in state.series else 0.0


def split_at(points: list[Point], at: float, first: float, last: float, width: int) -> tuple[list[Point], list[Point]]:
    """The points before the place `at` of an axis from `first` to `last` in `width` columns, and those from it on.

    The former end with the first of the latter, so that lines through both meet.
    """
    if at <= first or not points:
        return [], points
    column = (at - first) / (last - first) * (width - 1) if last > first else math.inf
    index = bisect_left(points, column, key=lambda point: point.x)
    return (points[: index + 1] if index else []), points[index:]


History = Mapping[str, Mapping[str, Sequence[Number]]]
"""The series of a card by name: the lists `steps`, `epochs` and `values`, as `thin` makes them."""


def card_series(history: History, key: str) -> Series:
    """A series of a card's history; empty when there is none."""
    series, stored = Series(), history.get(key, {})
    for step, value in zip(stored.get("steps", ()), stored.get("values", ()), strict=False):
        if step is not None and value is not None:
            series.append(step, 0, 0, value, value, value)
    return series


def card_quantizer_start(history: History) -> float:
    """As `quantizer_start`, of a card: the first step with a commitment loss, 0 where no other loss came before it."""
    commit, train = card_series(history, "loss/commit"), card_series(history, "loss/train")
    return commit.steps[0] if len(commit) and len(train) and train.steps[0] < commit.steps[0] else 0.0


def thin(
    steps: Sequence[float], epochs: Sequence[float], values: Sequence[float | None], points: int = SERIES_POINTS
) -> dict[str, list[Number]]:
    """A series as a card keeps it, in at most `points` points (4 or more).

    The first and the last point stay, and of each stretch between them the lowest and the highest, so that no spike
    is lost. Whole numbers become ints, values that are not finite None.
    """
    count = len(values)
    assert len(steps) == len(epochs) == count
    if count <= points:
        kept: Sequence[int] = range(count)
    else:
        chosen = {0, count - 1}
        stretches = (points - 2) // 2
        for i in range(stretches):
            start, end = 1 + i * (count - 2) // stretches, 1 + (i + 1) * (count - 2) // stretches
            stretch = [k for k in range(start, end) if _finite(values[k]) is not None] or [start]
            chosen.add(min(stretch, key=lambda k: values[k] or 0.0))
            chosen.add(max(stretch, key=lambda k: values[k] or 0.0))
        kept = sorted(chosen)
    return {
        "steps": [_whole(steps[k]) for k in kept],
        "epochs": [_whole(epochs[k]) for k in kept],
        "values": [_finite(values[k]) for k in kept],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _whole(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value
