"""The large chart, by plotext: series reduced to columns first, each drawn as its envelope."""

import math

from textual.color import Color
from textual_plotext import PlotextPlot

from distill_tui.runs.state import RunState, Series
from distill_tui.ui.widgets.braille import LOG_RATIO
from distill_tui.ui.widgets.canvas import Scale, round_numbers
from distill_tui.ui.widgets.envelope import Column, Envelope
from distill_tui.ui.widgets.text_widget import again_in_another_theme

AXIS_CELLS = 9
"""About what plotext takes for the numbers at the left."""
FRAME_ROWS = 4
"""What plotext takes for the title, the frame and the numbers below."""
TICKS = 6
LETTER_CELLS = 24
"""How far apart the letters stand that mark a curve."""


class LossChart(PlotextPlot):
    """Some losses against steps, on a logarithmic scale once they span much."""

    def __init__(self, series: tuple[tuple[str, str, str], ...], title: str, *, id: str | None = None) -> None:
        """`series` are (metric key, label, theme variable)."""
        super().__init__(id=id)
        self._keys = series
        self._title = title
        self._envelopes = {key: Envelope() for key, _, _ in series}
        self._state: RunState | None = None
        self._drawn: tuple[object, ...] = ()

    def show(self, state: RunState) -> None:
        """Draw this state, if it differs from what is drawn."""
        if state is not self._state:
            self._envelopes = {key: Envelope() for key, _, _ in self._keys}
        self._state = state
        lengths = tuple(len(state.series.get(key, ())) for key, _, _ in self._keys)
        drawn = (id(state), state.step, lengths, self.size, self.app.theme)
        if drawn == self._drawn or not self.size.width:
            return
        self._drawn = drawn
        self._plot_series(state)
        self.refresh()

    def on_mount(self) -> None:
        again_in_another_theme(self, self.on_resize)

    def on_resize(self) -> None:
        if self._state is not None:
            self.show(self._state)

    def _plot_series(self, state: RunState) -> None:
        plot = self.plt
        plot.clear_figure()
        plot.title(self._title)
        plot.grid(False, False)
        width = max(2, (self.size.width - AXIS_CELLS) * 2)
        known = [state.series[key] for key, _, _ in self._keys if len(state.series.get(key, ()))]
        if not known:
            return
        first, last = 0.0, max(series.steps[-1] for series in known)
        reduced = {
            key: self._envelopes[key].columns(state.series.get(key, Series()), width, first, last)
            for key, _, _ in self._keys
        }
        present = [c for columns in reduced.values() for c in columns if c is not None and _is_finite(c)]
        if not present:
            return
        least, greatest = min(c.low for c in present), max(c.high for c in present)
        logarithmic = least > 0 and greatest / least > LOG_RATIO
        place = math.log10 if logarithmic else float
        at = [first + index * (last - first) / (width - 1) for index in range(width)]
        for key, _, variable in self._keys:
            # both ends of a column, so that a spike reaches its true height
            dots = [
                (x, place(value))
                for x, column in zip(at, reduced[key], strict=True)
                if column is not None and _is_finite(column)
                for value in {column.low, column.high}
            ]
            if dots:
                plot.plot(*zip(*dots, strict=True), marker="braille", color=self._color(variable))
        # after the curves, which would cover them; the legend shows the letters too
        for number, (key, label, variable) in enumerate(self._keys):
            points = [
                (index, (at[index], place(column.last)))
                for index, column in enumerate(reduced[key])
                if column is not None and _is_finite(column) and math.isfinite(column.last)
            ]
            if marked := spread(points, LETTER_CELLS * (2 * number + 1) // len(self._keys), 2 * LETTER_CELLS):
                plot.scatter(*zip(*marked, strict=True), label=label, marker=label[0], color=self._color(variable))
        if least < greatest:
            plot.ylim(place(least), place(greatest))
            # two ticks in one row, and plotext shows either
            most = max(2, min(TICKS, (self.size.height - FRAME_ROWS) // 2))
            ticks = Scale(least, greatest, 1, logarithmic).ticks(most)
            plot.yticks([place(tick) for tick in ticks], [f"{tick:.3g}" for tick in ticks])
        last = max(last, 1.0)
        plot.xlim(first, last)
        steps = round_numbers(first, last, TICKS)
        plot.xticks(steps, [f"{step:,.0f}" for step in steps])

    def _color(self, variable: str) -> tuple[int, int, int] | str:
        color = Color.parse(self.app.theme_variables[variable].split()[0])
        if color.ansi is not None and color.rich_color.name:
            return color.rich_color.name.replace("bright_", "").replace("default", "white")
        return color.rgb


def _is_finite(column: Column) -> bool:
    return math.isfinite(column.low) and math.isfinite(column.high)


def spread(known: list[tuple[int, tuple[float, float]]], begin: int, apart: int) -> list[tuple[float, float]]:
    """Of points with the columns that they are in, the first of each stretch of `apart` columns from `begin` on."""
    found: dict[int, tuple[float, float]] = {}
    for index, point in known:
        if index >= begin:
            found.setdefault((index - begin) // apart, point)
    return list(found.values())
