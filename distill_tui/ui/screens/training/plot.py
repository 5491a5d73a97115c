"""Curves of runs in braille over steps, epochs or time, in panes with an axis each, marks below them."""

import math
from dataclasses import dataclass, field

from rich.style import Style
from rich.text import Text
from textual.color import Color

from distill_tui.reporting.axis import Scale, round_numbers, scale_for
from distill_tui.reporting.marks import marks_of, place_of_step, place_text, places
from distill_tui.reporting.metrics import VAL, letters, losses_of_run, pane_name
from distill_tui.reporting.series import Point, SeriesReducer, quantizer_start, smoothed, split_at
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.ui.screens.training.chart_window import ChartWindow
from distill_tui.ui.screens.training.curves import RUN_LETTERS, color_name, run_color
from distill_tui.ui.widgets.braille_canvas import BrailleCanvas
from distill_tui.ui.widgets.palette import OTHER_RUNS
from distill_tui.ui.widgets.text_widget import LinesWidget

SCALES = ("auto", "log", "linear")
SMOOTHINGS = (("raw", 0.0), ("smooth", 0.02), ("very smooth", 0.08))
"""Kinds of smoothing, and the share of the chart's width to either side that the mean is taken over."""
LABEL_CELLS = 8
LEAST_PANE_ROWS = 3
LETTER_CELLS = 24
"""Distance between the letters that mark a curve, where there is room."""


@dataclass
class Overlaid:
    """Another run that is laid over the chart, and which of the colours for runs it has."""

    state: RunState
    color: int


@dataclass
class _Curve:
    """Points, the ink of their line and of their envelope, and the letter that marks it."""

    points: list[Point]
    ink: Style
    faint: Style
    letter: str


@dataclass
class _Pane:
    """One axis with its curves. The last are drawn over the others."""

    name: str
    scale: Scale | None = None
    curves: list[_Curve] = field(default_factory=list)


class Plot:
    """The chosen numbers of a run and of others in a window of an axis, drawn in the inks of a widget."""

    def __init__(self, widget: LinesWidget) -> None:
        self._widget = widget
        self.state = RunState()
        self.window = ChartWindow()
        self.along, self.scale, self.smoothing = "step", "auto", 0
        self._chosen: list[str] | None = None
        self.front = 0
        self.others: dict[RunFolder, Overlaid] = {}
        self._reducers: dict[tuple[int, str], SeriesReducer] = {}
        self.panes_left_out = 0

    # what is shown

    @property
    def chosen(self) -> list[str]:
        """The numbers that are drawn where the run has them: until others are chosen those of its kind."""
        return [loss.key for loss in losses_of_run(self.state)] if self._chosen is None else self._chosen

    def show(self, state: RunState) -> None:
        """Show this state of the run; another run than before is shown whole."""
        if state is not self.state:
            self._reducers = {}
            if state.id != self.state.id:
                self.window.reset()
            self.state = state

    def choose(self, keys: list[str]) -> None:
        """Draw these numbers."""
        self._chosen = keys
        self.front = min(self.front, max(0, len(keys) - 1))

    def lay_over(self, run: RunFolder, state: RunState) -> None:
        """Lay another run over the chart, or take in what is new of it."""
        if run in self.others:
            self.others[run].state = state
        else:
            self.others[run] = Overlaid(state, run_color(run.id, [o.color for o in self.others.values()]))

    def take_away(self, run: RunFolder) -> None:
        """Show another run no more."""
        self.others.pop(run, None)

    @property
    def curves(self) -> list[str]:
        """The chosen numbers that the run has so far."""
        return [key for key in self.chosen if len(self.state.series.get(key, ()))]

    @property
    def front_key(self) -> str | None:
        found = self.curves
        return found[self.front % len(found)] if found else None

    # drawing

    @property
    def width(self) -> int:
        """The cells of a pane beside its axis."""
        return max(2, self._widget.size.width - LABEL_CELLS)

    @property
    def cell_span(self) -> float:
        """The length of the axis that a cell stands for."""
        return (self.window.last - self.window.first) / (self.width - 1)

    def picture(self, keys: list[str], rows: int) -> list[Text]:
        """These curves in `rows` lines, the last two of them marks and the axis."""
        self._measure(keys)
        found = []
        for pane, pane_rows in self._panes(keys, rows - 2):
            found += self._draw_pane(pane, pane_rows)
        return [*found, self._marks_row(), self._axis_row()]

    def _measure(self, keys: list[str]) -> None:
        ends = [self.end_of(self.state, key) for key in keys]
        if self.front_key:
            ends += [self.end_of(other.state, self.front_key) for other in self.others.values()]
        self.window.whole = max([1e-9, *ends])

    def end_of(self, state: RunState, key: str) -> float:
        """The end of a number of a run on the axis."""
        series = state.series.get(key)
        if not series:
            return 0.0
        xs, factor, shift = places(state, series, self.along)
        return xs[-1] * factor + shift

    def _points(self, state: RunState, key: str) -> list[Point]:
        series = state.series.get(key)
        if not series:
            return []
        reducer = self._reducers.setdefault((id(state), key), SeriesReducer())
        xs, factor, shift = places(state, series, self.along)
        first, last = ((end - shift) / factor for end in (self.window.first, self.window.last))
        return reducer.points(series, self.width * 2, first, last, xs)

    def extremes(self, key: str) -> tuple[float | None, float | None]:
        """The least and the greatest value of a number in the window."""
        points = [point for point in self._points(self.state, key) if 0 <= point.x < self.width * 2]
        return min((p.low for p in points), default=None), max((p.high for p in points), default=None)

    def _panes(self, keys: list[str], rows: int) -> list[tuple[_Pane, int]]:
        """The panes that fit, with their rows: the losses get more than the others."""
        names = list(dict.fromkeys(pane_name(key) for key in keys))
        front = pane_name(self.front_key or keys[0])
        room = max(1, (rows + 1) // LEAST_PANE_ROWS)
        self.panes_left_out = max(0, len(names) - room)
        while len(names) > room:
            # the one in front stays
            names.remove(next(name for name in reversed(names) if name != front))
        shares = [2 + (name == "loss") for name in names]
        sizes = [max(1, rows * share // sum(shares)) for share in shares]
        sizes[0] += rows - sum(sizes)
        found = []
        for name, size in zip(names, sizes, strict=True):
            found.append((self._pane(name, keys, max(1, size)), max(1, size)))
        return found

    def _pane(self, name: str, keys: list[str], rows: int) -> _Pane:
        pane = _Pane(name)
        reach = round(SMOOTHINGS[self.smoothing][1] * self.width * 2)
        front = self.front_key
        # what is drawn last is in front: a validation loss, of few points, would else lie under the others
        mine = sorted((key for key in keys if pane_name(key) == name), key=lambda key: (key == VAL.key, key == front))
        signs = letters(keys)
        if front and pane_name(front) == name:
            for other in self.others.values():
                ink = self.run_ink(other.color)
                points = smoothed(self._points(other.state, front), reach)
                pane.curves.append(_Curve(points, ink, _fainter(self._widget, ink), RUN_LETTERS[other.color]))
        for key in mine:
            ink = self._widget.style(color_name(key, self.state.series))
            points = smoothed(self._points(self.state, key), reach)
            before, after = self._parted(points)
            if len(before) > 1:
                # of a net without its quantizer
                pane.curves.append(_Curve(before, _fainter(self._widget, ink), _fainter(self._widget, ink), ""))
            pane.curves.append(_Curve(after, ink, _fainter(self._widget, ink), signs[key]))
        width = self.width * 2
        pane.scale = scale_for(
            [(p.low, p.high) for curve in pane.curves for p in curve.points if 0 <= p.x < width], rows * 4, self.scale
        ) or scale_for([(p.low, p.high) for curve in pane.curves for p in curve.points], rows * 4, self.scale)
        return pane

    def _parted(self, points: list[Point]) -> tuple[list[Point], list[Point]]:
        """The points of the quantizer warm-up, and those after it."""
        start = quantizer_start(self.state)
        if start:
            start = place_of_step(self.state, start, self.along) if math.isfinite(start) else start
        return split_at(points, start, self.window.first, self.window.last, self.width * 2)

    def _draw_pane(self, pane: _Pane, rows: int) -> list[Text]:
        width = self.width
        canvas = BrailleCanvas(width, rows)
        labels = [" " * LABEL_CELLS] * rows
        if pane.scale is not None:
            for curve in pane.curves:
                # without smoothing the envelope is the curve; with it, it stays behind the mean
                canvas.envelope(curve.points, pane.scale, curve.faint if self.smoothing else curve.ink)
            # all lines after all envelopes: a curve that lies within another's is seen
            for curve in pane.curves:
                canvas.line(curve.points, pane.scale, curve.ink)
            self._write_letters(canvas, pane.curves, pane.scale)
            for tick in pane.scale.ticks(max(2, rows // 2)):
                row = pane.scale.row(tick) // 4
                labels[row] = f"{f'{tick:.3g}'[:6]:>6} ┤"
        cursor, ink = self._cursor_cell(), self._widget.style("foreground")
        found = []
        for y in range(rows):
            label = labels[y] if labels[y].strip() else " " * (LABEL_CELLS - 1) + "│"
            line = Text(label, self._widget.style("dim"))
            line.append_text(canvas.row(y, cursor, ink))
            found.append(line)
        if pane.name != "loss" and rows > 1:
            name = Text(f" {pane.name} ", self._widget.style("dim"))
            # at the right, unless a curve is there and none at the left
            left = canvas.is_empty(0, 0, name.cell_len) and not canvas.is_empty(0, width - name.cell_len, width)
            found[0] = _laid_over(found[0], name, LABEL_CELLS if left else self._widget.size.width - name.cell_len)
        return found

    def _write_letters(self, canvas: BrailleCanvas, curves: list[_Curve], scale: Scale) -> None:
        """Mark each curve by its letter every so many cells, no two curves in the same column."""
        apart = max(3 * len(curves), min(LETTER_CELLS, canvas.width // 2))
        curves = [curve for curve in curves if curve.letter]
        for number, curve in enumerate(curves):
            first = round(apart * (number + 0.5) / len(curves))
            ink = curve.ink + Style(bold=True)
            canvas.letter(curve.points, scale, curve.letter, ink, range(first, canvas.width, apart))

    def _cell_of(self, x: float) -> int | None:
        span = self.window.last - self.window.first
        cell = round((x - self.window.first) / span * (self.width - 1)) if span > 0 else 0
        return cell if 0 <= cell < self.width else None

    def _cursor_cell(self) -> int | None:
        return None if self.window.cursor is None else self._cell_of(self.window.cursor)

    def _marks_row(self) -> Text:
        marks = {self._cell_of(mark.at): mark for mark in marks_of(self.state, self.along)}
        line = Text(" " * (LABEL_CELLS - 1) + "└", self._widget.style("dim"))
        for cell in range(self.width):
            mark = marks.get(cell)
            line.append(mark.sign if mark else "─", self._widget.style(mark.color if mark else "faint"))
        return line

    def _axis_row(self) -> Text:
        width = self.width
        first, last = self.window.first, self.window.last
        cells = [" "] * (width + LABEL_CELLS)
        ticks = round_numbers(first, last, max(2, width // 14), self.along == "step") if last > first else [first]
        for tick in ticks:
            text, cell = place_text(tick, self.along), self._cell_of(tick)
            if cell is None:
                continue
            start = min(len(cells) - len(text), max(0, LABEL_CELLS + cell - len(text) // 2))
            if all(char == " " for char in cells[max(0, start - 1) : start + len(text) + 1]):
                cells[start : start + len(text)] = text
        return Text("".join(cells), self._widget.style("dim"))

    def run_ink(self, color: int) -> Style:
        """The ink of another run."""
        dark, light = OTHER_RUNS[color]
        return Style(color=Color.parse(dark if self._widget.app.current_theme.dark else light).rich_color)


def _fainter(widget: LinesWidget, ink: Style) -> Style:
    """The ink of an envelope behind its mean."""
    if ink.color is None or ink.color.is_default or ink.color.triplet is None or widget.app.current_theme.ansi:
        return widget.style("faint")
    mixed = Color(*ink.color.triplet).blend(widget.background_colors[1], 0.55)
    return Style(color=mixed.rich_color)


def _laid_over(line: Text, over: Text, start: int) -> Text:
    """`line` with its cells from `start` on replaced by `over`."""
    found = line[: max(0, start)]
    found.pad_right(max(0, start - len(found)))
    found.append_text(over)
    found.append_text(line[len(found) :])
    return found
