"""Curves of runs in braille over steps, epochs or time, in panes with an axis each: what `ChartView` draws with."""

import math
from dataclasses import dataclass, field

from rich.style import Style
from rich.text import Text
from textual.color import Color

from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets import curves as c
from distill_tui.ui.widgets.canvas import Canvas, Scale, round_numbers, scale_for
from distill_tui.ui.widgets.chart_window import Window
from distill_tui.ui.widgets.losses import warmup_end
from distill_tui.ui.widgets.pyramid import Point, Pyramid, smoothed
from distill_tui.ui.widgets.text_widget import LinesWidget, theme_style

SCALES = ("auto", "log", "linear")
SMOOTHINGS = (("raw", 0.0), ("smooth", 0.02), ("very smooth", 0.08))
"""What smoothing is called, and over which share of the chart's width to either side it takes the mean."""
LABEL_CELLS = 8
LEAST_PANE_ROWS = 3
LETTER_CELLS = 24
"""How far apart the letters stand that mark a curve, where there is room for so much."""


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


class Plot(LinesWidget):
    """What is drawn of which runs, and its picture: panes, marks and the axis below them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state = RunState()
        self.window = Window()
        self.along, self.scale, self.smoothing = "step", "auto", 0
        self.chosen = list(c.FIRST_CHOSEN)
        self.front = 0
        self.others: dict[RunFolder, Overlaid] = {}
        self._pyramids: dict[tuple[int, str], Pyramid] = {}
        self._left_out = 0

    # what is shown

    def show(self, state: RunState) -> None:
        """Show this state of the run; another run than before is shown whole."""
        if state is not self.state:
            self._pyramids = {}
            if state.id != self.state.id:
                self.window.reset()
            self.state = state
        self.repaint()

    def choose(self, keys: list[str]) -> None:
        """Draw these numbers."""
        self.chosen = keys
        self.front = min(self.front, max(0, len(keys) - 1))
        self.repaint()

    def lay_over(self, run: RunFolder, state: RunState) -> None:
        """Lay another run over the chart, or take in what is new of it."""
        if run in self.others:
            self.others[run].state = state
        else:
            self.others[run] = Overlaid(state, c.run_color(run.id, [o.color for o in self.others.values()]))
        self.repaint()

    def take_away(self, run: RunFolder) -> None:
        """Show another run no more."""
        self.others.pop(run, None)
        self.repaint()

    @property
    def curves(self) -> list[str]:
        """What is drawn of what was chosen: what the run has so far."""
        return [key for key in self.chosen if len(self.state.series.get(key, ()))]

    @property
    def front_key(self) -> str | None:
        found = self.curves
        return found[self.front % len(found)] if found else None

    # drawing

    def _plot_width(self) -> int:
        return max(2, self.size.width - LABEL_CELLS)

    def picture(self, keys: list[str], rows: int) -> list[Text]:
        """These curves in `rows` lines, the last two of them marks and the axis."""
        self._measure(keys)
        found = []
        for pane, pane_rows in self._panes(keys, rows - 2):
            found += self._draw_pane(pane, pane_rows)
        return [*found, self._marks_row(), self._axis_row()]

    def _measure(self, keys: list[str]) -> None:
        ends = [self._end_of(self.state, key) for key in keys]
        if self.front_key:
            ends += [self._end_of(other.state, self.front_key) for other in self.others.values()]
        self.window.whole = max([1e-9, *ends])

    def _end_of(self, state: RunState, key: str) -> float:
        series = state.series.get(key)
        if not series:
            return 0.0
        xs, factor, shift = c.places(state, series, self.along)
        return xs[-1] * factor + shift

    def _points(self, state: RunState, key: str) -> list[Point]:
        series = state.series.get(key)
        if not series:
            return []
        pyramid = self._pyramids.setdefault((id(state), key), Pyramid())
        xs, factor, shift = c.places(state, series, self.along)
        first, last = ((end - shift) / factor for end in (self.window.first, self.window.last))
        return pyramid.points(series, xs, self._plot_width() * 2, first, last)

    def _panes(self, keys: list[str], rows: int) -> list[tuple[_Pane, int]]:
        """The panes that fit, with their rows: the losses get more than the others."""
        names = list(dict.fromkeys(c.pane_name(key) for key in keys))
        front = c.pane_name(self.front_key or keys[0])
        room = max(1, (rows + 1) // LEAST_PANE_ROWS)
        self._left_out = max(0, len(names) - room)
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
        reach = round(SMOOTHINGS[self.smoothing][1] * self._plot_width() * 2)
        front = self.front_key
        mine = sorted((key for key in keys if c.pane_name(key) == name), key=lambda key: key == front)
        letters = c.letters(keys)
        if front and c.pane_name(front) == name:
            for other in self.others.values():
                ink = self._run_ink(other.color)
                points = smoothed(self._points(other.state, front), reach)
                pane.curves.append(_Curve(points, ink, self._fainter(ink), c.RUN_LETTERS[other.color]))
        for key in mine:
            ink = self.style(c.color_name(key, self.state.series))
            points = smoothed(self._points(self.state, key), reach)
            before, after = self._parted(points)
            if len(before) > 1:
                # of a net without its quantizer
                pane.curves.append(_Curve(before, self._fainter(ink), self._fainter(ink), ""))
            pane.curves.append(_Curve(after, ink, self._fainter(ink), letters[key]))
        width = self._plot_width() * 2
        pane.scale = scale_for(
            [(p.low, p.high) for curve in pane.curves for p in curve.points if 0 <= p.x < width], rows * 4, self.scale
        ) or scale_for([(p.low, p.high) for curve in pane.curves for p in curve.points], rows * 4, self.scale)
        return pane

    def _parted(self, points: list[Point]) -> tuple[list[Point], list[Point]]:
        """The points of the warm-up, and those from the codebooks on."""
        end = warmup_end(self.state)
        if end == 0 or not points:
            return [], points
        if math.isinf(end):
            return points, []
        span = self.window.last - self.window.first
        at = (c.place_of_step(self.state, end, self.along) - self.window.first) / span if span > 0 else 0.0
        column = at * (self._plot_width() * 2 - 1)
        return [p for p in points if p.x < column], [p for p in points if p.x >= column]

    def _draw_pane(self, pane: _Pane, rows: int) -> list[Text]:
        width = self._plot_width()
        canvas = Canvas(width, rows)
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
        cursor, ink = self._cursor_cell(), self.style("foreground")
        found = []
        for y in range(rows):
            label = labels[y] if labels[y].strip() else " " * (LABEL_CELLS - 1) + "│"
            line = Text(label, self.style("dim"))
            line.append_text(canvas.row(y, cursor, ink))
            found.append(line)
        if pane.name != "loss" and rows > 1:
            name = Text(f" {pane.name} ", self.style("dim"))
            # at the right, unless a curve is there and none at the left
            left = canvas.is_empty(0, 0, name.cell_len) and not canvas.is_empty(0, width - name.cell_len, width)
            found[0] = _laid_over(found[0], name, LABEL_CELLS if left else self.size.width - name.cell_len)
        return found

    def _write_letters(self, canvas: Canvas, curves: list[_Curve], scale: Scale) -> None:
        """Mark each curve by its letter every so many cells, no two curves in the same column."""
        apart = max(3 * len(curves), min(LETTER_CELLS, canvas.width // 2))
        curves = [curve for curve in curves if curve.letter]
        for number, curve in enumerate(curves):
            first = round(apart * (number + 0.5) / len(curves))
            ink = curve.ink + Style(bold=True)
            canvas.letter(curve.points, scale, curve.letter, ink, range(first, canvas.width, apart))

    def _cell_of(self, x: float) -> int | None:
        span = self.window.last - self.window.first
        cell = round((x - self.window.first) / span * (self._plot_width() - 1)) if span > 0 else 0
        return cell if 0 <= cell < self._plot_width() else None

    def _cursor_cell(self) -> int | None:
        return None if self.window.cursor is None else self._cell_of(self.window.cursor)

    def _marks_row(self) -> Text:
        cells: dict[int, c.Mark] = {}
        for mark in c.marks(self.state, self.along):
            if (cell := self._cell_of(mark.at)) is not None:
                cells[cell] = mark
        line = Text(" " * (LABEL_CELLS - 1) + "└", self.style("dim"))
        for cell in range(self._plot_width()):
            mark_here = cells.get(cell)
            line.append(mark_here.sign if mark_here else "─", self.style(mark_here.color if mark_here else "faint"))
        return line

    def _axis_row(self) -> Text:
        width = self._plot_width()
        first, last = self.window.first, self.window.last
        cells = [" "] * (width + LABEL_CELLS)
        for tick in round_numbers(first, last, max(2, width // 14)) if last > first else [first]:
            text, cell = c.place_text(tick, self.along), self._cell_of(tick)
            if cell is None:
                continue
            start = min(len(cells) - len(text), max(0, LABEL_CELLS + cell - len(text) // 2))
            if all(char == " " for char in cells[max(0, start - 1) : start + len(text) + 1]):
                cells[start : start + len(text)] = text
        return Text("".join(cells), self.style("dim"))

    def _run_ink(self, color: int) -> Style:
        dark, light = c.OTHER_RUNS[color]
        return Style(color=Color.parse(dark if self.app.current_theme.dark else light).rich_color)

    def _fainter(self, ink: Style) -> Style:
        """The ink of an envelope behind its mean."""
        if ink.color is None or ink.color.is_default or ink.color.triplet is None or self.app.current_theme.ansi:
            return theme_style(self, "faint")
        mixed = Color(*ink.color.triplet).blend(self.background_colors[1], 0.55)
        return Style(color=mixed.rich_color)


def _laid_over(line: Text, over: Text, start: int) -> Text:
    """`line` with its cells from `start` on replaced by `over`."""
    found = line[: max(0, start)]
    found.pad_right(max(0, start - len(found)))
    found.append_text(over)
    found.append_text(line[len(found) :])
    return found
