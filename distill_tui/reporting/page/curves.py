"""Losses and other numbers over time as drawings: their spread, their mean, what happened, and the warm-up apart."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from distill_tui.reporting import marks
from distill_tui.reporting.axis import Scale, round_numbers, scale_for
from distill_tui.reporting.formatting import number
from distill_tui.reporting.metrics import CODEBOOK, KL, LOSSES, PRIOR, losses_of_run, pane_name, short_name
from distill_tui.reporting.page.chart import PLANE, Sign, Tick, area, frame, legend, polyline
from distill_tui.reporting.page.html import Html, element, join
from distill_tui.reporting.series import (
    History,
    Point,
    SeriesReducer,
    card_quantizer_start,
    card_series,
    quantizer_start,
    split_at,
)
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState

COLUMNS = 500
"""Points of a curve, at most: what lies within one is drawn as its least and greatest."""
ROWS = 1001
"""So that row 1000 of a scale is the lower edge of the plane."""
ROOM = 0.035
"""Of the height, above and below the curves."""
MOST_UP, MOST_ACROSS = 6, 7
"""Labels of the axes."""
DISTANCES = ("distance/val", "distance/train")
MODEL_CURVES = {loss.key: loss.color for loss in (*LOSSES, CODEBOOK, KL, *PRIOR)} | dict(
    zip(DISTANCES, ("series-val", "series-train"), strict=True)
)
SIGN_COLORS = {
    "series-recon": "preview",
    "dim": "checkpoint",
    "accent": "setting",
    "primary": "start",
    "success": "best",
}
"""Classes of the marks, by the theme's colours that `marks` names."""
SIGN_WORDS = {
    "setting": "a setting changed",
    "start": "quantizing from here",
    "best": "best epoch",
    "preview": "preview",
    "checkpoint": "checkpoint",
}


@dataclass(frozen=True)
class Curve:
    """One curve: its name, the class of its colour, its numbers, and the place of each along the axis."""

    title: str
    color: str
    series: Series
    factor: float = 1.0
    shift: float = 0.0
    xs: Sequence[float] | None = None


@dataclass(frozen=True)
class Axis:
    """What lies across: from `first` to `last` in the unit of `along`, and where quantization began."""

    first: float
    last: float
    along: str = "step"
    warm_up: float = 0.0
    signs: Sequence[Sign] = field(default_factory=tuple)

    def at(self, place: float) -> float:
        """A place as a share of the axis, 0 to 1."""
        return min(1.0, max(0.0, (place - self.first) / (self.last - self.first))) if self.last > self.first else 0.0


def run_charts(state: RunState, along: str = "step", kind: str = "auto") -> Html:
    """The losses of a run, its held-out distance or bits, a drawing for each kind of number.

    Args:
        along: step, epoch or time.
        kind: of the vertical axis: log, linear, or auto.
    """
    axis = axis_of(state, along)
    if axis is None:
        return Html()
    wanted = [(loss.key, loss.title, loss.color) for loss in losses_of_run(state)]
    wanted += [
        (key, short_name(key), color) for key, color in zip(DISTANCES, ("series-val", "series-train"), strict=True)
    ]
    panes: dict[str, list[Curve]] = {}
    for key, title, color in wanted:
        series = state.series.get(key)
        if series is not None and len(series):
            places, factor, shift = marks.places(state, series, along)
            panes.setdefault(pane_name(key), []).append(Curve(title, color, series, factor, shift, places))
    drawn = (pane(name, curves, axis, kind) for name, curves in panes.items())
    return join(element("div", *drawn, class_="curves"), signs_legend(axis))


def model_charts(history: History, kind: str = "auto") -> Html:
    """The curves of a model's card that are drawn of a run, too: it keeps every term of the loss."""
    series = {key: card_series(history, key) for key in history}
    series = {key: one for key, one in series.items() if len(one)}
    last = max((one.steps[-1] for one in series.values()), default=0.0)
    if last <= 0:
        return Html()
    axis = Axis(0.0, last, "step", card_quantizer_start(history))
    panes: dict[str, list[Curve]] = {}
    for key, color in MODEL_CURVES.items():
        if key in series:
            panes.setdefault(pane_name(key), []).append(Curve(short_name(key), color, series[key]))
    return element("div", *(pane(name, curves, axis, kind) for name, curves in panes.items()), class_="curves")


def axis_of(state: RunState, along: str = "step") -> Axis | None:
    """The axis of all drawings of a run, with its marks; None before there are two numbers."""
    longest = max(state.series.values(), key=len, default=Series())
    if len(longest) < 2:
        return None
    places, factor, shift = marks.places(state, longest, along)
    first, last = (0.0 if along != "epoch" else places[0] * factor + shift), places[-1] * factor + shift
    if last <= first:
        return None
    start = quantizer_start(state)
    warm_up = last if start == math.inf else marks.place_of_step(state, start, along) if start else first
    axis = Axis(first, last, along, warm_up)
    return Axis(first, last, along, warm_up, signs_of(marks.marks_of(state, along), axis))


def signs_of(found: Iterable[marks.Mark], axis: Axis) -> list[Sign]:
    """The marks of a run as signs; previews and checkpoints, which are many, are ticks at the lower edge."""
    signs = []
    for mark in found:
        class_ = SIGN_COLORS.get(mark.color, "setting")
        short = class_ in ("preview", "checkpoint")
        signs.append(Sign(axis.at(mark.at), mark.sign, class_, mark.text, short))
    return signs


def signs_legend(axis: Axis) -> Html:
    """The meaning of the signs of an axis."""
    seen = {sign.class_: sign for sign in axis.signs}
    entries = [("╷" if sign.short else sign.text, c, SIGN_WORDS.get(c, "")) for c, sign in seen.items()]
    if axis.warm_up > axis.first:
        entries.append(("▒", "dim", "before quantization"))
    return legend(entries)


def pane(name: str, curves: Sequence[Curve], axis: Axis, kind: str = "auto") -> Html:
    """Curves that share an axis, with their names and newest values below."""
    reduced = [reduce(curve, axis) for curve in curves]
    scale = scale_for([_span(points) for points in reduced if points], ROWS, kind)
    if scale is None:
        return Html()
    warm = axis.at(axis.warm_up)
    drawn = [_drawn(curve, points, axis, scale) for curve, points in zip(curves, reduced, strict=True)]
    shade = element("rect", x=0, y=0, width=PLANE * warm, height=PLANE, class_="warm-up") if warm > 0 else None
    words = ", ".join(f"{curve.title} {number(curve.series.last)}" for curve in curves)
    drawing = frame(
        join(shade, *drawn),
        across_ticks(axis),
        [Tick(1 - height(scale, value) / PLANE, f"{value:.6g}") for value in scale.ticks(MOST_UP)],
        f"{name} over {axis.along}s: {words} at the end" if axis.along != "time" else f"{name} over time: {words}",
        signs=axis.signs,
    )
    entries = [("", curve.color, f"{curve.title} {number(curve.series.last)}") for curve in curves]
    caption = f"{name} by {axis.along}{', log scale' if scale.logarithmic else ''}"
    return element("figure", element("figcaption", caption), drawing, legend(entries))


def height(scale: Scale, value: float) -> float:
    """The height of a value in the plane, downwards, with some room above and below the least and greatest."""
    return PLANE * ROOM + scale.place(value) / (ROWS - 1) * PLANE * (1 - 2 * ROOM)


def across_ticks(axis: Axis) -> list[Tick]:
    """Labels of the horizontal axis."""
    if axis.along == "time":
        span = axis.last - axis.first
        step = next(
            (s for s in (1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 86400) if span / s <= MOST_ACROSS),
            span,
        )
        places = [axis.first + step * n for n in range(int(span / step) + 1)] if step else []
    else:
        places = round_numbers(axis.first, axis.last, MOST_ACROSS, axis.along == "step")
    return [Tick(axis.at(place), marks.place_text(place, axis.along)) for place in places]


def reduce(curve: Curve, axis: Axis) -> list[Point]:
    """The points of a curve on the axis, in COLUMNS columns."""
    # the reducer knows the numbers' own places: the axis is turned into them
    factor = curve.factor or 1.0
    first, last = (axis.first - curve.shift) / factor, (axis.last - curve.shift) / factor
    xs = curve.xs if curve.xs is not None else curve.series.steps
    points = SeriesReducer().points(curve.series, COLUMNS, first, last, xs)  # type: ignore[arg-type]
    return [point for point in points if 0 <= point.x < COLUMNS]


def _span(points: Sequence[Point]) -> tuple[float, float]:
    """The range that a curve needs: the highest and lowest 2 % of its spread may leave the drawing, its mean not."""
    lows, highs = sorted(point.low for point in points), sorted(point.high for point in points)
    few = len(points) // 50
    means = [point.mean for point in points]
    return min(lows[few], *means), max(highs[-1 - few], *means)


def _drawn(curve: Curve, points: Sequence[Point], axis: Axis, scale: Scale) -> Html:
    """A curve: the spread of its numbers behind its mean, faint before quantization."""
    before, after = split_at(list(points), axis.warm_up, axis.first, axis.last, COLUMNS)
    across = PLANE / (COLUMNS - 1)

    def y(value: float) -> float:
        return min(PLANE * 1.2, max(-PLANE * 0.2, height(scale, value)))

    parts = []
    for part, faint in ((before, " faint"), (after, "")):
        if len(part) == 1 and not before:
            parts.append(element("circle", cx=part[0].x * across, cy=y(part[0].mean), r=4, class_=curve.color))
        if any(point.high > point.low for point in part):
            spread = [(point.x * across, y(point.low), y(point.high)) for point in part]
            parts.append(area(spread, f"spread {curve.color}{faint}"))
        if len(part) > 1:
            parts.append(polyline([(point.x * across, y(point.mean)) for point in part], f"curve {curve.color}{faint}"))
    return join(*parts)
