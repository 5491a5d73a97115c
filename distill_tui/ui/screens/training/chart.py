"""The large charts of the desk, by plotext, in our colours and without a frame of its own.

Series are reduced to columns first, each drawn from its least to its greatest.
"""

import math
from collections.abc import Callable

from rich.text import Text
from textual.app import RenderResult
from textual.containers import Vertical
from textual.widgets import Static
from textual_plotext import PlotextPlot

from distill_tui.reporting.axis import Scale, round_numbers, scale_for
from distill_tui.reporting.marks import legend, marks_of
from distill_tui.reporting.metrics import COMMIT, PRIOR, RECON, TRAIN, VAL, Loss, levels_of_prior
from distill_tui.reporting.series import Point, SeriesReducer, quantizer_start, split_at
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.text_widget import again_in_another_theme, theme_style

AXIS_CELLS = 6
"""About the width that plotext needs for the numbers of the axis of values."""
AXIS_ROWS = 1
TICKS = 8
LETTER_CELLS = 24
"""Distance between the letters that mark a curve."""


class DeskChart(Vertical):
    """Two charts below each other, and a line that says what the marks in the first mean."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._kind: tuple[Loss, ...] | None = None
        self._marks = ""

    def show(self, state: RunState) -> None:
        """Draw this state of a run."""
        kind = levels_of_prior(state) if state.is_prior else ()
        if kind != self._kind:
            # another kind of run has other numbers
            self._kind = kind
            self.remove_children()
            self.mount(*self._charts(state, kind), Static(id="chart-marks"))
            self._marks = ""
            self.call_after_refresh(self.show, state)
            return
        for chart in self.query(LossChart):
            chart.show(state)
        if (marks := legend(marks_of(state, "step"))) != self._marks:
            self._marks = marks
            self.query_one("#chart-marks", Static).update(Text(marks))

    def _charts(self, state: RunState, kind: tuple[Loss, ...]) -> list["LossChart"]:
        if state.is_prior:
            return [
                LossChart(tuple(reversed(PRIOR)), "bits a frame", with_marks=True, classes="chart-first"),
                LossChart(kind, "held-out bits a frame, by level"),
            ]
        # what is drawn last is in front
        return [
            LossChart((RECON, TRAIN, VAL), "loss", with_marks=True, classes="chart-first"),
            LossChart((COMMIT,), "commitment loss"),
        ]


class LossChart(PlotextPlot):
    """Some losses against steps, on a logarithmic scale once they span much; the quantizer warm-up is faint."""

    def __init__(
        self, series: tuple[Loss, ...], title: str, *, with_marks: bool = False, classes: str | None = None
    ) -> None:
        super().__init__(classes=classes)
        # that of the terminal: no ground of its own
        self.theme = "textual-default"
        self._with_marks = with_marks
        self._keys = series
        self._title = title
        self._reducers = {key: SeriesReducer() for key, _, _ in series}
        self._state: RunState | None = None
        self._drawn: tuple[object, ...] = ()
        self._place: Callable[[float], float] = float

    def show(self, state: RunState) -> None:
        """Draw this state, if it differs from what is drawn."""
        if state is not self._state:
            self._reducers = {key: SeriesReducer() for key, _, _ in self._keys}
        self._state = state
        lengths = tuple(len(state.series.get(key, ())) for key, _, _ in self._keys)
        drawn = (id(state), state.step, lengths, self.size, self.app.theme)
        if drawn == self._drawn or not self.size.width:
            return
        self._drawn = drawn
        self._plot_series(state)
        self.refresh()

    def render(self) -> RenderResult:
        drawn = super().render()
        if isinstance(drawn, Text):
            # the numbers of the axes, which have no colour
            drawn.stylize_before(theme_style(self, "dim"))
        return drawn

    def on_mount(self) -> None:
        super().on_mount()
        again_in_another_theme(self, self.on_resize)

    def on_resize(self) -> None:
        if self._state is not None:
            self.show(self._state)

    def _plot_series(self, state: RunState) -> None:
        plot = self.plt
        plot.clear_figure()
        plot.frame(False)
        plot.grid(False, False)
        width = max(2, (self.size.width - AXIS_CELLS) * 2)
        last = max([1.0, *(s.steps[-1] for key, _, _ in self._keys if len(s := state.series.get(key, Series())))])
        reduced = {
            key: self._reducers[key].points(state.series.get(key, Series()), width, 0.0, last)
            for key, _, _ in self._keys
        }
        scale = scale_for([(p.low, p.high) for points in reduced.values() for p in points], 1)
        if scale is None:
            return
        self._place = math.log10 if scale.logarithmic else float
        start, step = quantizer_start(state), last / (width - 1)
        parted = {key: split_at(points, start, 0.0, last, width) for key, points in reduced.items()}
        for key, _, variable in self._keys:
            before, after = parted[key]
            self._draw_curve(before, step, self._color("faint"))
            self._draw_curve(after, step, self._color(variable))
        # after the curves, which would cover them; the legend shows the letters too
        for number, (key, label, variable) in enumerate(self._keys):
            marked = spread(parted[key][1], LETTER_CELLS * (2 * number + 1) // len(self._keys), 2 * LETTER_CELLS)
            if marked:
                dots = [(p.x * step, self._place(p.mean)) for p in marked]
                plot.scatter(*zip(*dots, strict=True), marker=letter(label), color=self._color(variable))
        plot.text(
            self._title,
            last,
            self._place(scale.high),
            color=self._color("dim"),
            background="default",
            alignment="right",
        )
        if self._with_marks:
            for mark in marks_of(state, "step"):
                at = [min(last, max(0.0, mark.at))], [self._place(scale.low)]
                plot.scatter(*at, marker=mark.sign, color=self._color(mark.color))
        self._draw_axes(scale, last)

    def _draw_curve(self, points: list[Point], step: float, color: tuple[int, int, int] | str) -> None:
        # both ends of a column, so that a spike reaches its true height
        dots = [(p.x * step, self._place(value)) for p in points for value in {p.low, p.high}]
        if dots:
            self.plt.plot(*zip(*dots, strict=True), marker="braille", color=color)

    def _draw_axes(self, scale: Scale, last: float) -> None:
        self.plt.ylim(self._place(scale.low), self._place(scale.high))
        # two ticks in one row, and plotext shows either
        ticks = scale.ticks(max(2, min(TICKS, (self.size.height - AXIS_ROWS) // 2)))
        self.plt.yticks([self._place(tick) for tick in ticks], [f"{tick:.3g}" for tick in ticks])
        self.plt.xlim(0.0, last)
        steps = round_numbers(0.0, last, TICKS, whole=True)
        self.plt.xticks(steps, [f"{step:,.0f}" for step in steps])

    def _color(self, variable: str) -> tuple[int, int, int] | str:
        """A colour of the theme for plotext, which has names of its own for the sixteen of the terminal."""
        color = theme_style(self, variable).color
        if color is None or color.is_default:
            return "white"
        if color.triplet is not None:
            return color.triplet.red, color.triplet.green, color.triplet.blue
        name = color.name.replace("bright_black", "gray")
        return name.replace("bright_", "")


def letter(label: str) -> str:
    """The mark of a curve: its first letter, or the number of its level."""
    return label[-1] if label[-1].isdecimal() else label[0]


def spread(points: list[Point], begin: int, apart: int) -> list[Point]:
    """The first point of each stretch of `apart` columns, from `begin` columns behind the first point on."""
    first: dict[int, Point] = {}
    for point in points:
        if (index := (point.x - points[0].x - begin) // apart) >= 0:
            first.setdefault(index, point)
    return list(first.values())
