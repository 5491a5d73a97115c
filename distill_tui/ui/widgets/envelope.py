"""A long series reduced to columns, each with its least and greatest: no spike is lost, however long the series.

The reduction goes on from where it was, so that a repaint of a million points costs what a thousand do.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, Self

from distill_tui.runs.state import Series

MOST_BUCKETS = 1024


class Column(NamedTuple):
    """What a column of a chart shows: least, greatest, and the value that it leaves on. Not finite where nothing is."""

    low: float
    high: float
    last: float


@dataclass
class _Buckets:
    """As columns: first and last step of each bucket, least and greatest (infinite where nothing is finite), and the
    value that it leaves on."""

    firsts: list[float] = field(default_factory=list)
    lasts: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.firsts)

    def add(self, series: Series, start: int, end: int) -> None:
        """One more, of these points of the series."""
        self.firsts.append(series.steps[start])
        self.lasts.append(series.steps[end - 1])
        self.lows.append(min(_finite(series.low[start:end]), default=math.inf))
        self.highs.append(max(_finite(series.high[start:end]), default=-math.inf))
        self.leaves.append(series.values[end - 1])

    def drop_last(self) -> None:
        for column in (self.firsts, self.lasts, self.lows, self.highs, self.leaves):
            column.pop()

    def halved(self) -> Self:
        """Two of an even number as one each."""
        return type(self)(
            self.firsts[::2],
            self.lasts[1::2],
            [min(pair) for pair in zip(self.lows[::2], self.lows[1::2], strict=True)],
            [max(pair) for pair in zip(self.highs[::2], self.highs[1::2], strict=True)],
            self.leaves[1::2],
        )


class Envelope:
    """Follows one series, in at most `MOST_BUCKETS` buckets of as many points each."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._buckets = _Buckets()
        self._size = 1
        self._taken = 0
        self._last_step = math.nan

    def columns(self, series: Series, width: int, first: float, last: float) -> list[Column | None]:
        """The series between the steps `first` and `last` as `width` columns; None where there is no point."""
        if width < 1:
            return []
        self._take_in(series)
        unfinished = self._taken < len(series)
        if unfinished:
            self._buckets.add(series, self._taken, len(series))
        found = [self._column(left, right) for left, right in pairwise(self._edges(width, first, last))]
        if unfinished:
            self._buckets.drop_last()
        return found

    def _edges(self, width: int, first: float, last: float) -> Iterator[float]:
        """Where columns begin, in steps: the first and the last one are half as wide as the others."""
        step = max(last - first, 1e-9) / max(1, width - 1)
        yield first
        for index in range(1, width):
            yield first + (index - 0.5) * step
        # what lies at the end belongs to the last column
        yield math.nextafter(last, math.inf)

    def _column(self, left: float, right: float) -> Column | None:
        """What lies between two steps, the second of them not included. A bucket may lie in several columns."""
        found = self._buckets
        start, end = bisect_left(found.lasts, left), bisect_left(found.firsts, right)
        if start >= end:
            return None
        return Column(min(found.lows[start:end]), max(found.highs[start:end]), found.leaves[end - 1])

    def _take_in(self, series: Series) -> None:
        """Make buckets of what is new, as far as it fills them."""
        length = len(series)
        # a resumed run drops its newest points and repeats them
        if length < self._taken or (self._taken and series.steps[self._taken - 1] != self._last_step):
            self._reset()
        while self._taken + self._size <= length:
            self._buckets.add(series, self._taken, self._taken + self._size)
            self._taken += self._size
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets = self._buckets.halved()
                self._size *= 2
        if self._taken:
            self._last_step = series.steps[self._taken - 1]


def _finite(numbers: "array[float]") -> "array[float] | list[float]":
    # one sum tells whether there is anything to sort out
    return numbers if math.isfinite(sum(numbers)) else [n for n in numbers if math.isfinite(n)]
