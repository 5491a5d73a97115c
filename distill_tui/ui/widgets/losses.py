"""The losses: for each its name, its newest value and its course, in as many rows as there is room for."""

import math

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.reporting.axis import scale_for
from distill_tui.reporting.metrics import LOSSES, Loss
from distill_tui.reporting.series import SeriesReducer, quantizer_start, split_at
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.braille_canvas import BrailleCanvas
from distill_tui.ui.widgets.text_widget import LinesWidget, pad

MOST_ROWS = 5


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
        rows = max(1, min(MOST_ROWS, height // len(losses)))
        label_width = 17 if rows == 1 else 10
        last = max(
            (s.steps[-1] for key, _, _ in losses if len(s := self._state.series.get(key, Series()))), default=0.0
        )
        lines: list[Text] = []
        for key, title, color in losses:
            canvas = self._draw(key, color, max(0, width - label_width), rows, max(last, 1.0))
            for row, label in enumerate(self._labels(key, title, rows)):
                lines.append(pad(label, label_width).append_text(canvas.row(row)))
        return lines

    def _draw(self, key: str, color: str, width: int, rows: int, last: float) -> BrailleCanvas:
        canvas = BrailleCanvas(width, rows)
        points = self._reducers[key].points(self._state.series.get(key, Series()), width * 2, 0.0, last)
        scale = scale_for([(p.low, p.high) for p in points], rows * 4, self._scale)
        if scale is not None:
            # of a net without its quantizer
            before, after = split_at(points, quantizer_start(self._state), 0.0, last, width * 2)
            canvas.curve(before, scale, self.style("dim"))
            canvas.curve(after, scale, self.style(color))
        return canvas

    def _labels(self, key: str, title: str, rows: int) -> list[Text]:
        known = key in self._state.numbers
        value = self._state.numbers.get(key)
        # in the log a number that is not finite is null
        text = formatting.number(float("nan") if known and value is None else value)
        style = self.style("error", bold=True) if text == "NaN" else self.style("foreground", bold=True)
        if rows == 1:
            return [Text.assemble((f"{title:7}", self.style("dim")), (f"{text:>8}", style))]
        found = [Text(title, self.style("dim")), Text(text, style)]
        if rows > 2:
            found.append(Text(self._best(key), self.style("dim")))
        return found + [Text()] * (rows - len(found))

    def _best(self, key: str) -> str:
        if key == "loss/val" and self._state.best is not None:
            return f"best e{self._state.best.epoch}"
        return "warm-up" if key == "loss/val" and math.isinf(quantizer_start(self._state)) else ""
