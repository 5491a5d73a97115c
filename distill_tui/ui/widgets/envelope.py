"""A long series reduced to columns, each with its least and greatest: no spike is lost, however long the series.

The reduction goes on from where it was, so that a repaint of a million points costs what a thousand do.
"""

from __future__ import annotations

import math
from array import array
from typing import NamedTuple

from distill_tui.runs.state import Series

MOST_BUCKETS = 1024


class Column(NamedTuple):
    """What a column of a chart shows: least, greatest, and the value that it leaves on. Not finite where nothing is."""

    low: float
    high: float
    last: float


class _Bucket(NamedTuple):
    first_step: float
    last_step: float
    low: float
    high: float
    last: float


class Envelope:
    """Follows one series, in at most `MOST_BUCKETS` buckets of as many points each."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._buckets: list[_Bucket] = []
        self._size = 1
        self._taken = 0
        self._last_step = math.nan

    def columns(self, series: Series, width: int, first: float, last: float) -> list[Column | None]:
        """The series between the steps `first` and `last` as `width` columns; None where there is no point."""
        if width < 1:
            return []
        lows, highs, lasts = [math.nan] * width, [math.nan] * width, [math.nan] * width
        seen = [False] * width
        span, most = max(last - first, 1e-9), width - 1
        # a thousand buckets for each curve at every repaint: no call and no object is made for one here
        for its_first, its_last, low, high, leaves in self._all(series):
            if its_last < first or its_first > last:
                continue
            start = int((its_first - first) / span * most + 0.5) if its_first > first else 0
            end = int((its_last - first) / span * most + 0.5) if its_last < last else most
            for index in range(start, end + 1):
                before = lows[index]
                if low < before or before != before:
                    lows[index] = low
                before = highs[index]
                if high > before or before != before:
                    highs[index] = high
                lasts[index], seen[index] = leaves, True
        return [Column(lows[i], highs[i], lasts[i]) if seen[i] else None for i in range(width)]

    def _all(self, series: Series) -> list[_Bucket]:
        """The buckets of the whole series, the unfinished last one among them."""
        length = len(series)
        # a resumed run drops its newest points and repeats them
        if length < self._taken or (self._taken and series.steps[self._taken - 1] != self._last_step):
            self._reset()
        while self._taken + self._size <= length:
            self._buckets.append(_bucket(series, self._taken, self._taken + self._size))
            self._taken += self._size
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets = [
                    _Bucket(
                        one.first_step, two.last_step, _least(one.low, two.low), _greatest(one.high, two.high), two.last
                    )
                    for one, two in zip(self._buckets[::2], self._buckets[1::2], strict=True)
                ]
                self._size *= 2
        if self._taken:
            self._last_step = series.steps[self._taken - 1]
        if self._taken < length:
            return [*self._buckets, _bucket(series, self._taken, length)]
        return self._buckets


def _bucket(series: Series, start: int, end: int) -> _Bucket:
    low = _finite(series.low[start:end])
    high = _finite(series.high[start:end])
    return _Bucket(
        series.steps[start],
        series.steps[end - 1],
        min(low, default=math.nan),
        max(high, default=math.nan),
        series.values[end - 1],
    )


def _finite(numbers: array[float]) -> array[float] | list[float]:
    # one sum tells whether there is anything to sort out
    return numbers if math.isfinite(sum(numbers)) else [n for n in numbers if math.isfinite(n)]


def _least(one: float, two: float) -> float:
    return two if math.isnan(one) or two < one else one


def _greatest(one: float, two: float) -> float:
    return two if math.isnan(one) or two > one else one
