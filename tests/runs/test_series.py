"""Series of a run that is watched for hours: bounded, with every spike."""

import math
from itertools import pairwise

import pytest

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.follow import WATCHED_POINTS, RunFollower
from distill_tui.runs.series import Series
from tests.runs.support import a_run, metrics, started, write


def test_a_bounded_series_keeps_range_end_and_mean() -> None:
    series = Series(most_points=64)
    for step in range(10_001):
        spike = 1000.0 * (step == 1234) - 1000.0 * (step == 4321)
        series.append(step, step // 100, 2.0 * step, 1.0 + step % 2, -1.0 + min(spike, 0), 3.0 + max(spike, 0))
        assert len(series) <= 64
    assert series.last == 1.0
    series.flush()
    columns = (series.epochs, series.times, series.values, series.low, series.high)
    assert {len(column) for column in columns} == {len(series.steps)}
    assert (series.steps[-1], series.times[-1]) == (10_000, 20_000)
    assert 32 <= len(series) <= 64
    # as fine at its beginning as at its end
    assert {b - a for a, b in pairwise(list(series.steps)[:-1])} == {256.0}
    assert (min(series.low), max(series.high)) == (-1001.0, 1003.0)
    assert sum(high > 3.0 for high in series.high) == sum(low < -1.0 for low in series.low) == 1
    assert all(value == pytest.approx(1.5, abs=0.01) for value in list(series.values)[:-1])
    assert series.drop_after(5000)
    assert 4700 < series.steps[-1] <= 5000
    assert not series.drop_after(5000)


def test_missing_values_hide_no_number() -> None:
    series = Series(most_points=4)
    for step, value in enumerate([math.nan, 2.0, math.nan, math.nan, 5.0]):
        series.append(step, 0, 0, value, value, value)
    series.flush()
    assert list(series.steps) == [1, 3, 4]
    assert list(series.high)[0::2] == [2.0, 5.0]
    assert math.isnan(series.values[1])


def test_a_followed_run_is_bounded_and_shows_its_end(home: Home) -> None:
    run, last = a_run(home), WATCHED_POINTS + 1
    write(run, started(run), *(metrics(step, loss_train=step % 7) for step in range(1, last + 1)))
    follower = RunFollower(run)
    with run.hold():
        series = follower.catch_up().series["loss/train"]
        assert (len(series), series.steps[-1]) == (WATCHED_POINTS / 2, last - 1)
    write(run, e.Finished(step=last, epoch=1, seconds=1.0))
    follower.catch_up()
    assert (series.steps[-1], max(series.high)) == (last, 6)
