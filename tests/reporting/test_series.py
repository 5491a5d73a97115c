"""Series reduced to columns and to what a card keeps: no spike is lost."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from distill_tui.reporting.axis import Scale, scale_for
from distill_tui.reporting.series import (
    Point,
    SeriesReducer,
    card_quantizer_start,
    card_series,
    smoothed,
    split_at,
    thin,
)
from distill_tui.runs.series import Series


def a_series(values: list[float], first: int = 1) -> Series:
    series = Series()
    for index, value in enumerate(values):
        series.append(first + index, 0, 0, value, value, value)
    return series


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=1000), st.integers(2, 50))
def test_no_extreme_is_lost_by_reducing(values: list[float], width: int) -> None:
    points = SeriesReducer().points(a_series(values), width, 1, len(values))
    assert min(p.low for p in points) == min(values)
    assert max(p.high for p in points) == max(values)
    assert [p.x for p in points] == sorted({p.x for p in points})
    assert all(p.low <= p.mean <= p.high for p in points)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=200))
def test_what_is_not_finite_is_left_out(values: list[float]) -> None:
    finite = [v for v in values if math.isfinite(v)]
    points = SeriesReducer().points(a_series(values), 10, 1, max(2, len(values)))
    assert bool(points) == bool(finite)
    if finite:
        assert (min(p.low for p in points), max(p.high for p in points)) == (min(finite), max(finite))


def test_reducing_goes_on_as_a_series_grows_and_means_the_same() -> None:
    growing, series = SeriesReducer(), Series()
    for step in range(20_000):
        value = 99.0 if step == 7777 else step % 7
        series.append(step, 0, 0, value, value, value)
        if step % 997 == 0:
            growing.points(series, 40, 0, step + 1)
    points = growing.points(series, 40, 0, 19_999)
    assert points == SeriesReducer().points(series, 40, 0, 19_999)
    assert [p.high for p in points].count(99.0) == 1
    # steps 500 to 1499
    (middle,) = [p for p in growing.points(series, 21, 0, 20_000) if p.x == 1]
    assert middle == Point(1, 0, 6, sum(series.values[500:1500]) / 1000)


def test_points_that_a_resumed_run_dropped_are_forgotten() -> None:
    reducer = SeriesReducer()
    reducer.points(a_series([1.0] * 40 + [50.0]), 10, 1, 40)
    again = a_series([1.0] * 15)
    again.append(15.5, 0, 0, 3.0, 3.0, 3.0)
    assert max(p.high for p in reducer.points(again, 10, 1, 16)) == 3.0


def test_a_part_of_a_series_has_its_neighbours_beside_it() -> None:
    points = SeriesReducer().points(a_series([5.0, 1.0, 2.0, 3.0, 9.0]), 3, 2, 4)
    assert [(p.x, p.mean) for p in points] == [(-1, 5.0), (0, 1.0), (1, 2.0), (2, 3.0), (3, 9.0)]


def test_smoothing_takes_the_mean_of_neighbours() -> None:
    points = [Point(x, value, value, value) for x, value in enumerate((0.0, 3.0, 0.0, 0.0))]
    assert [p.mean for p in smoothed(points, 1)] == [1.5, 1.0, 1.0, 0.0]
    assert smoothed(points, 0) == points


def test_a_warm_up_is_split_off() -> None:
    points = [Point(x, 1.0, 1.0, 1.0) for x in range(11)]
    assert [len(part) for part in split_at(points, 0.0, 0.0, 100.0, 11)] == [0, 11]
    assert [len(part) for part in split_at(points, 30.0, 0.0, 100.0, 11)] == [4, 8]
    assert [len(part) for part in split_at(points, math.inf, 0.0, 100.0, 11)] == [11, 0]


def test_a_card_tells_when_quantization_began() -> None:
    train = thin([1.0, 50.0, 100.0], [0.0] * 3, [3.0, None, 1.0])
    assert list(card_series({"loss/train": train}, "loss/train").steps) == [1, 100]
    assert card_quantizer_start({"loss/train": train}) == 0
    assert card_quantizer_start({"loss/train": train, "loss/commit": thin([50.0], [0.0], [0.1])}) == 50
    assert card_quantizer_start({"loss/train": train, "loss/commit": thin([1.0], [0.0], [0.1])}) == 0


def test_a_scale_is_logarithmic_once_the_values_span_much() -> None:
    assert scale_for([(1.0, 7.0)], 8) == Scale(1.0, 7.0, 8)
    assert scale_for([(1.0, 9.0)], 8) == Scale(1.0, 9.0, 8, logarithmic=True)
    assert scale_for([(0.0, 9.0)], 8) == Scale(0.0, 9.0, 8)
    assert scale_for([(0.0, 9.0), (0.1, 0.2)], 8, "log") == Scale(0.1, 9.0, 8, logarithmic=True)
    assert scale_for([(math.nan, 1.0)], 8) is None
    scale = scale_for([(0.1, 10.0)], 9)
    assert scale is not None
    assert [scale.row(value) for value in (10.0, 1.0, 0.1, 0.0, 1e9)] == [0, 4, 8, 8, 0]
    assert scale.ticks(3) == [0.1, 1.0, 10.0]


def test_a_short_series_is_kept_whole_with_gaps_for_what_is_not_finite() -> None:
    assert thin([0.0, 5.0, 10.0], [0.0, 0.5, 1.0], [1.0, math.nan, None]) == {
        "steps": [0, 5, 10],
        "epochs": [0, 0.5, 1],
        "values": [1.0, None, None],
    }


@settings(database=None, deadline=None, max_examples=100)
@given(
    values=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(math.inf)), max_size=400),
    points=st.integers(4, 60),
)
def test_a_thinned_series_keeps_its_ends_its_order_and_its_extremes(values: list[float | None], points: int) -> None:
    steps = [float(i) for i in range(len(values))]
    kept = thin(steps, steps, values, points)
    assert len(kept["steps"]) == len(kept["epochs"]) == len(kept["values"]) <= max(points, 0)
    chosen = [int(step or 0) for step in kept["steps"]]
    assert chosen == sorted(set(chosen))
    if values:
        assert chosen[0] == 0 and chosen[-1] == len(values) - 1
    finite = [v for v in values if v is not None and math.isfinite(v)]
    left = [v for v in kept["values"] if v is not None]
    assert (min(left), max(left)) == (min(finite), max(finite)) if finite else not left
