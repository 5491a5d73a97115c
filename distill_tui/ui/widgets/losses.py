"""The losses: for each its name, its newest value, how it changes and its course, in as many rows as there is room for.

Values from the quantizer warm-up, of a net without its quantizer, are drawn apart: faint, and up to a line.
"""

import math

from rich.text import Text

from distill_tui.reporting import formatting, trend
from distill_tui.reporting.axis import scale_for
from distill_tui.reporting.metrics import COMMIT, LOSSES, Loss
from distill_tui.reporting.series import SeriesReducer, quantizer_start, split_at
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.braille_canvas import BrailleCanvas
from distill_tui.ui.widgets.text_widget import ROLES, LinesWidget, pad

MOST_ROWS = 5
NARROW_LABEL, ROW_LABEL, WIDE_LABEL = 10, 17, 18
WIDE = 42
"""Cells from which on there is room for more than a value beside a curve of several rows."""
NARROW_WIDE = 30
"""The same beside curves of two rows."""
WIDE_ROW = 60
"""Cells from which on there is room for the change beside a curve of one row."""
TABLE_WIDTH = 110
"""Cells from which on two rows of numbers alone do, where a chart below shows the curves."""
WARM_UP, WITH_CODEBOOKS = "warm-up", "with codebooks"


class LossCurves(LinesWidget):
    """Losses below each other, on one axis of steps."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = RunState()
        self._losses: tuple[Loss, ...] = LOSSES
        self._scale = "auto"
        self._reducers = {key: SeriesReducer() for key, _, _ in LOSSES}

    def show(self, state: RunState, losses: tuple[Loss, ...] = LOSSES, logarithmic: bool | None = None) -> None:
        """Show these losses of a run, on a logarithmic scale or not; None is on one once a loss spans much."""
        if state is not self._state or losses != self._losses:
            self._reducers = {key: SeriesReducer() for key, _, _ in losses}
        self._state, self._losses = state, losses
        self._scale = {None: "auto", True: "log", False: "linear"}[logarithmic]
        self.repaint()

    def lines(self) -> list[Text]:
        width, height = self.size
        losses = self._losses
        if not self._state.series:
            return [Text("No numbers yet." if self._state.is_active else "No numbers.", self.style("dim"))]
        if height < len(losses) and width >= TABLE_WIDTH:
            return self._table(width)
        least, more = divmod(height, len(losses))
        label_width = self._label_width(max(1, least), width)
        last = max((s.steps[-1] for key, _, _ in losses if len(s := self._series(key))), default=0.0)
        lines: list[Text] = []
        for number, (key, title, color) in enumerate(losses):
            rows = max(1, min(MOST_ROWS, least + (number < more)))
            canvas = self._draw(key, color, max(0, width - label_width), rows, max(last, 1.0))
            if number == 0:
                self._name_warm_up(canvas, max(last, 1.0))
            for row, label in enumerate(self._labels(key, title, rows, label_width)):
                lines.append(pad(label, label_width).append_text(canvas.row(row)))
        return lines

    def _label_width(self, rows: int, width: int) -> int:
        if rows == 1:
            return ROW_LABEL + (9 if width >= WIDE_ROW else 0)
        if rows == 2:
            return ROW_LABEL if width >= NARROW_WIDE else NARROW_LABEL
        return WIDE_LABEL if width >= WIDE else NARROW_LABEL

    def _series(self, key: str) -> Series:
        return self._state.series.get(key, Series())

    @property
    def _comparable_from(self) -> float:
        """The step from which on values are of the same net: with its quantizer, or all while it warms up."""
        start = quantizer_start(self._state)
        return start if math.isfinite(start) else 0.0

    def _draw(self, key: str, color: str, width: int, rows: int, last: float) -> BrailleCanvas:
        canvas = BrailleCanvas(width, rows)
        points = self._reducers[key].points(self._series(key), width * 2, 0.0, last)
        scale = scale_for([(p.low, p.high) for p in points], rows * 4, self._scale)
        start = quantizer_start(self._state)
        if scale is not None:
            before, after = split_at(points, start, 0.0, last, width * 2)
            canvas.curve(before, scale, self.style("dim"))
            canvas.curve(after, scale, self.style(color))
        if 0 < start < last and width > 2:
            for row in range(rows):
                if canvas.is_empty(row, column := round(start / last * (width - 1)), column + 1):
                    canvas.put(column, row, "┊", self.style("dim"))
        return canvas

    def _name_warm_up(self, canvas: BrailleCanvas, last: float) -> None:
        """Write into the part of the warm-up what it is, where it covers no curve."""
        start = quantizer_start(self._state)
        end = canvas.width if math.isinf(start) else round(start / last * (canvas.width - 1))
        begin, row = end - len(WARM_UP), canvas.height - 1
        if start and begin >= 0 and canvas.height > 1:
            for at in (begin, 0):
                if canvas.is_empty(row, at, at + len(WARM_UP)):
                    canvas.put(at, row, WARM_UP, self.style("dim"))
                    return

    # words

    def _labels(self, key: str, title: str, rows: int, width: int) -> list[Text]:
        """The words of a loss, a line for each of its rows."""
        value, dim = self._value(key), self.style("dim")
        if rows == 1:
            text = Text.assemble((f"{title:7}", dim), pad_left(value, 8))
            return [text.append("  ").append_text(self._change(key, False)) if width > ROW_LABEL else text]
        if width < ROW_LABEL:
            found = [Text(title, dim), value, self._change(key, False), Text(self._best(key), dim)]
        elif not len(self._series(key)):
            found = [Text.assemble((f"{title:8}", dim), value), Text(WITH_CODEBOOKS if key == COMMIT.key else "", dim)]
        else:
            found = [Text.assemble((f"{title:8}", dim), value), self._change(key, True)]
            found.append(Text(self._least(key), dim))
            # the first value is what can be missed first
            found.insert(2 if rows > 3 else 3, Text(f"first   {self._first(key)}", dim))
        return found[:rows] + [Text()] * (rows - len(found))

    def _table(self, width: int) -> list[Text]:
        """Two losses a line, numbers only."""
        cells = []
        for key, title, color in self._losses:
            text = Text.assemble((f"{title:8}", self.style(color, bold=True)), self._value(key), "  ")
            text.append_text(pad(self._change(key, False), 9))
            least = " ".join(self._least(key).split())
            text.append(f"{least:15}  first {self._first(key)}", self.style("dim"))
            cells.append(pad(text, width // 2))
        pairs = zip(cells[::2], [*cells[1::2], Text()][: (len(cells) + 1) // 2], strict=True)
        return [left.append_text(right) for left, right in pairs]

    def _value(self, key: str) -> Text:
        known = key in self._state.numbers
        value = self._state.numbers.get(key)
        # in the log a number that is not finite is null
        text = formatting.number(float("nan") if known and value is None else value)
        return Text(text, self.style("error" if text == "NaN" else "foreground", bold=True))

    def _change(self, key: str, with_time: bool) -> Text:
        change = trend.change_of(self._series(key), self._comparable_from)
        if change is None:
            return Text()
        text = Text(change.text, self.style(ROLES[change.role]))
        return text.append(f" in {change.over}", self.style("dim")) if with_time else text

    def _first(self, key: str) -> str:
        return formatting.number(trend.first_value(self._series(key)))

    def _least(self, key: str) -> str:
        """`least   0.5412`, or the value of the best epoch: `best 0.6647 e34`."""
        if key == "loss/val" and (best := self._state.best) is not None:
            series = self._series(key)
            at = [value for step, value in zip(series.steps, series.values, strict=True) if step == best.step]
            return f"best {formatting.number(at[-1])} e{best.epoch}" if at else f"best e{best.epoch}"
        if key == "loss/val" and math.isinf(quantizer_start(self._state)):
            return WARM_UP
        return f"least   {formatting.number(trend.least_value(self._series(key), self._comparable_from))}"

    def _best(self, key: str) -> str:
        if key == "loss/val" and self._state.best is not None:
            return f"best e{self._state.best.epoch}"
        return WARM_UP if key == "loss/val" and math.isinf(quantizer_start(self._state)) else ""


def pad_left(text: Text, width: int) -> Text:
    """`text` with spaces before it, up to `width` cells."""
    return Text(" " * max(0, width - text.cell_len)).append_text(text)
