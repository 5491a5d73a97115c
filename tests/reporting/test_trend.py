"""The course of a number: its first value, the least, and the change of the last minute."""

import math

from distill_tui.reporting import trend
from distill_tui.runs.series import Series


def series(*points: tuple[float, float]) -> Series:
    """Values at times; a step a second."""
    found = Series()
    for time, value in points:
        found.append(time, 1, time, value, value, value)
    return found


def test_the_change_is_that_of_the_last_minute() -> None:
    falling = series(*[(float(second), 2.0 - second / 200) for second in range(0, 201, 2)])
    change = trend.change_of(falling, 0)
    assert change is not None
    assert math.isclose(change.share, (1.01 - 1.3) / 1.3)
    assert (change.text, change.over, change.role) == ("↓ 22 %", "1 min", "good")


def test_rare_values_are_compared_with_the_one_before_and_few_since_they_began() -> None:
    rare = trend.change_of(series((0, 1.0), (300, 1.1)), 0)
    assert rare is not None
    assert (rare.text, rare.over, rare.role) == ("↑ 10 %", "5 min", "fair")
    young = series((0, 9.0), (10, 1.0), (20, 1.0), (40, 1.001))
    change = trend.change_of(young, 10)
    assert change is not None
    assert (change.text, change.over, change.role) == ("→ 0.1 %", "30 s", "dim")
    assert trend.change_of(young, 30) is None
    assert trend.change_of(series((0, 1.0), (5, 0.5)), 0) is None
    assert trend.change_of(Series(), 0) is None


def test_first_and_least_leave_out_what_is_not_finite() -> None:
    found = series((0, math.nan), (1, 2.0), (2, 0.5), (3, 1.5), (4, math.nan))
    assert trend.first_value(found) == 2.0
    assert trend.least_value(found, 0) == 0.5
    assert trend.least_value(found, 3) == 1.5
    assert trend.least_value(found, 9) is None
    assert trend.change_of(series((0, math.nan), (60, math.nan)), 0) is None
