"""Series: one number of a run over time, bounded in memory without losing a spike."""

from array import array
from dataclasses import dataclass, field
from functools import reduce
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Column = array[float]
else:
    # what `runs.summary` reads a column as; Python 3.11 cannot tell what is in an array
    Column = array

NAN = float("nan")
Point = tuple[float, float, float, float, float, float]
"""Step, epoch, time, value, low, high."""


def _column() -> Column:
    return array("d")


@dataclass
class Series:
    """One number over time, as columns of equal length; missing values are NaN.

    `low` and `high` are minimum and maximum over the steps that a point stands for. `most_points` is an even number, or
    0 for no limit: a series that is full is thinned to half in place, and from then on twice as many of the numbers
    appended become one point. The newest of them wait until there are enough, or for `flush`.
    """

    most_points: int = 0
    steps: Column = field(default_factory=_column)
    epochs: Column = field(default_factory=_column)
    times: Column = field(default_factory=_column)
    values: Column = field(default_factory=_column)
    low: Column = field(default_factory=_column)
    high: Column = field(default_factory=_column)
    per_point: int = 1
    waiting: list[Point] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def last(self) -> float:
        """The newest value; NaN if there is none."""
        return self.waiting[-1][3] if self.waiting else self.values[-1] if self.values else NAN

    def append(self, step: float, epoch: float, time: float, value: float, low: float, high: float) -> None:
        if self.per_point == 1 and not 0 < self.most_points <= len(self):
            self._add(step, epoch, time, value, low, high)
            return
        self.waiting.append((step, epoch, time, value, low, high))
        if len(self.waiting) >= self.per_point and 0 < self.most_points <= len(self):
            self._thin()
        if len(self.waiting) >= self.per_point:
            self.flush()

    def flush(self) -> None:
        """Make a point of the numbers that wait."""
        if self.waiting:
            steps, epochs, times, values, low, high = zip(*self.waiting, strict=True)
            self.waiting.clear()
            known = [value for value in values if value == value]
            mean = sum(known) / len(known) if known else NAN
            self._add(steps[-1], epochs[-1], times[-1], mean, reduce(_min, low), reduce(_max, high))

    def _add(self, step: float, epoch: float, time: float, value: float, low: float, high: float) -> None:
        self.steps.append(step)
        self.epochs.append(epoch)
        self.times.append(time)
        self.values.append(value)
        self.low.append(low)
        self.high.append(high)

    def _thin(self) -> None:
        """Merge each two neighbours, at the place of the second."""
        self.per_point *= 2
        for column in (self.steps, self.epochs, self.times):
            del column[::2]
        self.values = array("d", map(_mean, self.values[::2], self.values[1::2]))
        # where nothing is missing, the built-in functions do, which are five times as fast
        least, greatest = (min, max) if isfinite(sum(self.low) + sum(self.high)) else (_min, _max)
        self.low = array("d", map(least, self.low[::2], self.low[1::2]))
        self.high = array("d", map(greatest, self.high[::2], self.high[1::2]))

    def drop_after(self, step: float) -> bool:
        """Drop the points of later steps; whether there were any."""
        before = len(self) + len(self.waiting)
        self.waiting = [point for point in self.waiting if point[0] <= step]
        keep = len(self)
        while keep and self.steps[keep - 1] > step:
            keep -= 1
        for column in (self.steps, self.epochs, self.times, self.values, self.low, self.high):
            del column[keep:]
        return len(self) + len(self.waiting) < before


# of NaN and a number, each gives the number


def _mean(a: float, b: float) -> float:
    return (a + b) / 2 if a == a and b == b else b if a != a else a


def _min(a: float, b: float) -> float:
    return a if a <= b or b != b else b


def _max(a: float, b: float) -> float:
    return a if a >= b or b != b else b
