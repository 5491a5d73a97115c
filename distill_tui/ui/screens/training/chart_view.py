"""The chart as a view of its own: curves chosen, zoomed, smoothed and read by key, with other runs laid over them."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from distill_tui.files import printable
from distill_tui.reporting import formatting
from distill_tui.runs.state import RunState, Series
from distill_tui.ui.widgets import curves as c
from distill_tui.ui.widgets.plot import SCALES, SMOOTHINGS, Plot

NEAR_CELLS = 1.0
"""How near to the cursor a mark is told."""


def _b(keys: str, action: str, title: str, id: str, tooltip: str, shown: bool = False, display: str = "") -> Binding:
    return Binding(keys, action, title, show=shown, id=f"chart.{id}", tooltip=tooltip, key_display=display or None)


class ChartView(Plot, can_focus=True):
    """A `Plot` that is steered by keys, with words that name its curves and read them at the cursor."""

    HELP_TEXT = (
        "The line on top names the curves and reads each at the cursor; the letter before a name stands at its curve. "
        "Up and down choose the curve that lies in front and that other runs show. A curve goes from the least to the "
        "greatest of what each dot stands for, and smoothing lays a mean over that and hides nothing of it. "
        "What was measured before the codebooks were initialised (┬) is drawn faint: it is of a net without quantizer. "
        "Marks below: ◆ a knob was turned, p preview, c checkpoint, ★ the best epoch; at the cursor they are told. "
        "The commitment loss has an axis of its own, and so has every kind of number."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        _b("left", "cursor(-1)", "Read", "left", "Move the cursor that reads values", False, "←→"),
        _b("right", "cursor(1)", "Read", "right", "Move the cursor that reads values", False, "←→"),
        _b("up", "curve(-1)", "Curve in front", "previous", "Choose the curve in front", False, "↑↓"),
        _b("down", "curve(1)", "Curve in front", "next", "Choose the curve in front", False, "↑↓"),
        _b("plus,equals_sign", "zoom(0.5)", "Zoom", "in", "Zoom in, around the cursor", True, "+-"),
        _b("minus", "zoom(2)", "Zoom out", "out", "Zoom out", False, "-"),
        _b(
            "comma,shift+left",
            "pan(-0.25)",
            "Earlier",
            "earlier",
            "Move the zoomed part to what was before",
            False,
            ",",
        ),
        _b(
            "full_stop,shift+right",
            "pan(0.25)",
            "Later",
            "later",
            "Move the zoomed part to what came after",
            False,
            ".",
        ),
        _b("0,home", "whole", "Whole", "whole", "Show the whole run again", False, "0"),
        _b("x", "along", "Along", "along", "By step, epoch or time", True),
        _b("l", "scale", "Log", "scale", "Scale: automatic, logarithmic, linear", True),
        _b("s", "smooth", "Smooth", "smooth", "Smooth more, or not at all", True),
        _b("y", "choose_curves", "Curves", "curves", "Choose what is drawn", True),
        _b("o", "choose_runs", "Others", "others", "Choose other runs to lay over the chart", True),
    ]

    @dataclass
    class CurvesAsked(Message):
        """Somebody wants to choose what is drawn."""

        chosen: list[str]

    @dataclass
    class RunsAsked(Message):
        """Somebody wants to choose other runs."""

    # keys

    def _then_repaint(self, change: Callable[[], object]) -> None:
        change()
        self.repaint()

    def action_cursor(self, cells: int) -> None:
        width = max(1, self._plot_width())
        self._then_repaint(lambda: self.window.move(cells * (self.window.last - self.window.first) / width))

    def action_curve(self, by: int) -> None:
        if found := self.curves:
            self.front = (self.front + by) % len(found)
            self.repaint()

    def action_zoom(self, factor: float) -> None:
        self._then_repaint(lambda: self.window.zoom(factor))

    def action_pan(self, share: float) -> None:
        self._then_repaint(lambda: self.window.pan(share))

    def action_whole(self) -> None:
        self._then_repaint(self.window.reset)

    def action_along(self) -> None:
        self.along = c.ALONG[(c.ALONG.index(self.along) + 1) % len(c.ALONG)]
        self._then_repaint(self.window.reset)

    def action_scale(self) -> None:
        self.scale = SCALES[(SCALES.index(self.scale) + 1) % len(SCALES)]
        self.repaint()

    def action_smooth(self) -> None:
        self.smoothing = (self.smoothing + 1) % len(SMOOTHINGS)
        self.repaint()

    def action_choose_curves(self) -> None:
        self.post_message(self.CurvesAsked(list(self.chosen)))

    def action_choose_runs(self) -> None:
        self.post_message(self.RunsAsked())

    def lines(self) -> list[Text]:
        width, height = self.size
        keys = self.curves
        if not keys:
            return [
                Text("No numbers yet." if not self.state.series else "Nothing is chosen: y chooses.", self.style("dim"))
            ]
        head_rows = 2 if self.others else 1
        # the words tell what stands in the window, which the picture measures
        picture = self.picture(keys, height - head_rows - 1)
        head = [self._legend(keys, width)]
        if self.others:
            head.append(self._others_legend(width))
        return [*head, *picture, self._reading(width)]

    # words

    def _at(self) -> float:
        return self.window.last if self.window.cursor is None else self.window.cursor

    def _read(self, state: RunState, key: str) -> tuple[float, float, float] | None:
        """The value next to the cursor, and the least and greatest of what the cursor's cell stands for."""
        series: Series | None = state.series.get(key)
        if not series:
            return None
        xs, factor, shift = c.places(state, series, self.along)
        half = (self.window.last - self.window.first) / max(1, self._plot_width() - 1) / 2 / factor
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
        """Where a run's numbers end."""
        return max((self._end_of(state, key) for key in state.series), default=0.0)

    def _cell_width(self) -> float:
        """How much of the axis a cell stands for."""
        return (self.window.last - self.window.first) / max(1, self._plot_width() - 1)

    def _legend(self, keys: list[str], width: int) -> Text:
        """Each curve's letter, name and value; only letters and values where there is no room for names."""
        for named in (True, False):
            parts = self._legend_parts(keys, named)
            found = Text().join(parts)
            if found.cell_len <= width:
                return found
        # still too many: from the one in front on, and how many there are beside
        start, found = self.front % len(keys), Text()
        for number, part in enumerate(parts[start:] + parts[:start]):
            more = f" +{len(parts) - number}"
            last = number == len(parts) - 1
            if found.cell_len + part.cell_len + (0 if last else len(more)) > width:
                return found.append(more, self.style("dim"))
            found.append_text(part)
        return found

    def _legend_parts(self, keys: list[str], named: bool) -> list[Text]:
        found, front, letters = [], self.front_key, c.letters(keys)
        for key in keys:
            here = key == front
            read = self._read(self.state, key)
            value = formatting.number(read[0]) if read else formatting.MISSING
            ink = self.style(c.color_name(key, self.state.series), bold=here)
            found.append(
                Text.assemble(
                    ("▸" if here else " ", self.mark_style),
                    (letters[key] + " ", ink + Style(bold=True)),
                    (c.short_name(key) + " " if named else "", ink),
                    (f"{value:<7} " if named else value, self.style("foreground", bold=here)),
                )
            )
        return found

    def _others_legend(self, width: int) -> Text:
        found = Text(f" {c.short_name(self.front_key or '')} of: ", self.style("dim"))
        for run, other in self.others.items():
            ended = self._at() > self._run_end(other.state) + self._cell_width()
            read = None if ended else self._read(other.state, self.front_key or "")
            part = Text.assemble(
                (c.RUN_LETTERS[other.color] + " ", self._run_ink(other.color) + Style(bold=True)),
                (formatting.shorten(printable(other.state.name or run.id), 20) + " ", self._run_ink(other.color)),
                (formatting.number(read[0]) if read else "-", self.style("foreground")),
                "   ",
            )
            if found.cell_len + part.cell_len > width:
                break
            found.append_text(part)
        return found

    def _reading(self, width: int) -> Text:
        """What the cursor stands on: the place, the curve in front with its envelope, and marks."""
        at, front = self._at(), self.front_key
        found = Text(f" {self.along} {c.place_text(at, self.along)}", self.style("dim"))
        read = self._read(self.state, front) if front else None
        if front and read:
            found.append(f" {c.short_name(front)} ", self.style(c.color_name(front, self.state.series)))
            found.append(formatting.number(read[0]), self.style("foreground", bold=True))
            if read[1] != read[2] and math.isfinite(read[1]) and math.isfinite(read[2]):
                low, high = formatting.number(read[1]), formatting.number(read[2])
                for text in (f" ({low} to {high})", f" ({low}…{high})"):
                    if found.cell_len + len(text) <= width:
                        found.append(text, self.style("dim"))
                        break
        span = self.window.last - self.window.first
        near = NEAR_CELLS * span / max(1, self._plot_width())
        for mark in reversed(c.marks(self.state, self.along)):
            if self.window.cursor is not None and abs(mark.at - at) <= near:
                text = f"  {mark.sign} {mark.text}"
                if found.cell_len + len(text) <= width:
                    found.append(text, self.style(mark.color))
        if self._left_out:
            more = "1 axis needs" if self._left_out == 1 else f"{self._left_out} axes need"
            text = f"  {more} a taller terminal"
            if found.cell_len + len(text) <= width:
                found.append(text, self.style("warning"))
        settings = f"by {self.along} · {self.scale} · {SMOOTHINGS[self.smoothing][0]}"
        if not self.window.is_whole:
            settings += f" · {self.window.whole / max(1e-9, self.window.last - self.window.first):.3g}x"
        if found.cell_len + len(settings) + 2 <= width:
            found.append(" " * (width - found.cell_len - len(settings)))
            found.append(settings, self.style("dim"))
        return found
