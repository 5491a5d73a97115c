"""The words around the chart: its curves with their values at the cursor, other runs, and what the cursor stands on."""

import math
from bisect import bisect_left

from rich.style import Style
from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.reporting.marks import legend, marks_of, place_text, places
from distill_tui.reporting.metrics import letters, short_name
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui.screens.training.curves import RUN_LETTERS, color_name
from distill_tui.ui.screens.training.plot import SMOOTHINGS, Plot
from distill_tui.ui.widgets.text_widget import LinesWidget

NEAR_CELLS = 1.0
"""Distance from the cursor within which a mark is described."""


class ChartLegend:
    """Names the curves of a `Plot` and reads their values, in the inks of a widget and for its width."""

    def __init__(self, widget: LinesWidget, plot: Plot) -> None:
        self._widget, self._plot = widget, plot

    def head(self, keys: list[str]) -> list[Text]:
        """A line for the curves, and one for the other runs if there are some."""
        width = self._widget.size.width
        return [self._names(keys, width), *([self._other_runs(width)] if self._plot.others else [])]

    def _at(self) -> float:
        return self._plot.window.last if self._plot.window.cursor is None else self._plot.window.cursor

    def _read(self, state: RunState, key: str) -> tuple[float, float, float] | None:
        """The value next to the cursor, and the least and greatest of what the cursor's cell stands for."""
        series: Series | None = state.series.get(key)
        if not series:
            return None
        xs, factor, shift = places(state, series, self._plot.along)
        half = (self._plot.window.last - self._plot.window.first) / (self._plot.width - 1) / 2 / factor
        wanted = (self._at() - shift) / factor
        index = bisect_left(xs, wanted)
        if index == len(xs) or (index and wanted - xs[index - 1] <= xs[index] - wanted):
            index -= 1
        start = min(index, bisect_left(xs, wanted - half))
        end = max(index + 1, bisect_left(xs, wanted + half))
        least = min((low for low in series.low[start:end] if math.isfinite(low)), default=math.nan)
        greatest = max((high for high in series.high[start:end] if math.isfinite(high)), default=math.nan)
        return series.values[index], least, greatest

    def _run_end(self, state: RunState) -> float:
        return max((self._plot.end_of(state, key) for key in state.series), default=0.0)

    def _names(self, keys: list[str], width: int) -> Text:
        """Each curve's letter, name and value; only letters and values where there is no room for names."""
        for named in (True, False):
            parts = self._name_parts(keys, named)
            found = Text().join(parts)
            if found.cell_len <= width:
                return found
        # still too many: from the one in front on, and how many there are beside
        start, found = self._plot.front % len(keys), Text()
        for number, part in enumerate(parts[start:] + parts[:start]):
            more = f" +{len(parts) - number}"
            last = number == len(parts) - 1
            if found.cell_len + part.cell_len + (0 if last else len(more)) > width:
                return found.append(more, self._widget.style("dim"))
            found.append_text(part)
        return found

    def _name_parts(self, keys: list[str], named: bool) -> list[Text]:
        found, front, signs = [], self._plot.front_key, letters(keys)
        for key in keys:
            here = key == front
            read = self._read(self._plot.state, key)
            value = formatting.number(read[0]) if read else formatting.MISSING
            ink = self._widget.style(color_name(key, self._plot.state.series), bold=here)
            found.append(
                Text.assemble(
                    ("▸" if here else " ", self._widget.mark_style),
                    (signs[key] + " ", ink + Style(bold=True)),
                    (short_name(key) + " " if named else "", ink),
                    (f"{value:<7} " if named else value, self._widget.style("foreground", bold=here)),
                )
            )
        return found

    def _other_runs(self, width: int) -> Text:
        found = Text(f" {short_name(self._plot.front_key or '')} of: ", self._widget.style("dim"))
        for run, other in self._plot.others.items():
            ended = self._at() > self._run_end(other.state) + self._plot.cell_span
            read = None if ended else self._read(other.state, self._plot.front_key or "")
            part = Text.assemble(
                (RUN_LETTERS[other.color] + " ", self._plot.run_ink(other.color) + Style(bold=True)),
                (formatting.shorten(printable(other.state.name or run.id), 20) + " ", self._plot.run_ink(other.color)),
                (formatting.number(read[0]) if read else "-", self._widget.style("foreground")),
                "   ",
            )
            if found.cell_len + part.cell_len > width:
                break
            found.append_text(part)
        return found

    def marks(self) -> Text:
        """What the marks below the curves mean."""
        width = self._widget.size.width
        return Text(f" {legend(marks_of(self._plot.state, self._plot.along))}"[:width], self._widget.style("dim"))

    def reading(self) -> Text:
        """The cursor's place, the value of the front curve with its envelope, and marks there."""
        at, front, width = self._at(), self._plot.front_key, self._widget.size.width
        found = Text(f" {self._plot.along} {place_text(at, self._plot.along)}", self._widget.style("dim"))
        read = self._read(self._plot.state, front) if front else None
        if front and read:
            found.append(f" {short_name(front)} ", self._widget.style(color_name(front, self._plot.state.series)))
            found.append(formatting.number(read[0]), self._widget.style("foreground", bold=True))
            if read[1] != read[2] and math.isfinite(read[1]) and math.isfinite(read[2]):
                low, high = formatting.number(read[1]), formatting.number(read[2])
                for text in (f" ({low} to {high})", f" ({low}…{high})"):
                    if found.cell_len + len(text) <= width:
                        found.append(text, self._widget.style("dim"))
                        break
        span = self._plot.window.last - self._plot.window.first
        near = NEAR_CELLS * span / max(1, self._plot.width)
        for mark in reversed(marks_of(self._plot.state, self._plot.along)):
            if self._plot.window.cursor is not None and abs(mark.at - at) <= near:
                text = f"  {mark.sign} {mark.text}"
                if found.cell_len + len(text) <= width:
                    found.append(text, self._widget.style(mark.color))
        if self._plot.panes_left_out:
            more = "1 axis needs" if self._plot.panes_left_out == 1 else f"{self._plot.panes_left_out} axes need"
            text = f"  {more} a taller terminal"
            if found.cell_len + len(text) <= width:
                found.append(text, self._widget.style("warning"))
        settings = self._settings()
        if front:
            least, greatest = self._plot.extremes(front)
            text = f"  shown: {formatting.number(least)} to {formatting.number(greatest)}"
            if found.cell_len + len(text) + len(settings) + 2 <= width:
                found.append(text, self._widget.style("dim"))
        if found.cell_len + len(settings) + 2 <= width:
            found.append(" " * (width - found.cell_len - len(settings)))
            found.append(settings, self._widget.style("dim"))
        return found

    def _settings(self) -> str:
        """`by step · auto · raw · 2x`."""
        text = f"by {self._plot.along} · {self._plot.scale} · {SMOOTHINGS[self._plot.smoothing][0]}"
        if self._plot.window.is_whole:
            return text
        return f"{text} · {self._plot.window.whole / max(1e-9, self._plot.window.last - self._plot.window.first):.3g}x"
