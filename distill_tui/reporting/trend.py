"""The course of a number in four: its first value, the newest, the least, and the change of the last minute."""

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from distill_tui.reporting.lines import Role
from distill_tui.runs.series import Series

MINUTE = 60.0
LEAST_SECONDS = 15.0
"""The shortest time over which a change is told."""
REACH = 5.0
"""Seconds around a moment whose values are averaged: a single step says little."""
STEADY = 0.005
"""Relative change that is none."""


class Change(NamedTuple):
    """The relative change of a number, and the seconds over which it happened."""

    share: float
    seconds: float

    @property
    def arrow(self) -> str:
        return "→" if abs(self.share) < STEADY else "↓" if self.share < 0 else "↑"

    @property
    def text(self) -> str:
        """`↓ 3.1 %`."""
        percent = abs(self.share) * 100
        return f"{self.arrow} {percent:.{1 if percent < 9.95 else 0}f} %" if percent < 999.5 else f"{self.arrow} much"

    @property
    def over(self) -> str:
        """`1 min`, `25 s`: the time of the change."""
        return f"{self.seconds:.0f} s" if self.seconds < 50 else f"{max(1, round(self.seconds / 60))} min"

    @property
    def role(self) -> Role:
        """The role for a number that should fall."""
        return {"↓": "good", "↑": "fair"}.get(self.arrow, "dim")  # type: ignore[return-value]


def first_value(series: Series) -> float | None:
    """The first finite value; None if there is none."""
    return next((value for value in series.values if math.isfinite(value)), None)


def least_value(series: Series, from_step: float) -> float | None:
    """The least value from a step on; None if there is none."""
    start = bisect_left(series.steps, from_step)
    values = series.values[start:]
    # where nothing is missing the built-in function does, which is ten times as fast
    known = values if math.isfinite(sum(values)) else [value for value in values if math.isfinite(value)]
    return min(known, default=None)


def change_of(series: Series, from_step: float) -> Change | None:
    """The change over the last minute, since the value before it where values are rarer, or since `from_step` where
    that is nearer; None where too little is known."""
    start = bisect_left(series.steps, from_step)
    if len(series) - start < 2:
        return None
    newest = series.times[-1]
    before = max(start, bisect_right(series.times, newest - MINUTE) - 1)
    seconds = newest - series.times[before]
    old, new = _mean_around(series, series.times[before], start), _mean_around(series, newest, start)
    if seconds < LEAST_SECONDS or old is None or new is None or old == 0:
        return None
    return Change((new - old) / abs(old), seconds)


def _mean_around(series: Series, time: float, start: int) -> float | None:
    first = max(start, bisect_left(series.times, time - REACH))
    values = [v for v in series.values[first : bisect_right(series.times, time + REACH)] if math.isfinite(v)]
    return sum(values) / len(values) if values else None
