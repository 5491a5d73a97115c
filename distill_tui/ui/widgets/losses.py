"""The losses: for each its name, its newest value and its course, in as many rows as there is room for."""

import math

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.runs.state import RunState, Series
from distill_tui.ui.widgets.braille import draw
from distill_tui.ui.widgets.envelope import Envelope
from distill_tui.ui.widgets.text_widget import LinesWidget, pad

LOSSES = (
    ("loss/train", "train", "series-train"),
    ("loss/val", "val", "series-val"),
    ("loss/recon", "recon", "series-recon"),
    ("loss/commit", "commit", "series-commit"),
)
MOST_ROWS = 5


def warmup_end(state: RunState) -> float:
    """The step at which quantization began: what was measured before is of a net without its quantizer.

    0 for a net that has none, infinity before it has begun.
    """
    if state.quantizing_from is not None:
        return float(state.quantizing_from)
    # only a net that quantizes has a commitment loss, also in logs that do not say when it began to
    return math.inf if state.health and "loss/commit" not in state.series else 0.0


class LossCurves(LinesWidget):
    """Losses below each other, on one axis of steps."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = RunState()
        self._losses: tuple[tuple[str, str, str], ...] = LOSSES
        self._logarithmic: bool | None = None
        self._envelopes = {key: Envelope() for key, _, _ in LOSSES}

    def show(
        self, state: RunState, losses: tuple[tuple[str, str, str], ...] = LOSSES, logarithmic: bool | None = None
    ) -> None:
        """Show these losses of a run, on a logarithmic scale or not; None is on one once a loss spans much."""
        if state is not self._state or losses != self._losses:
            self._envelopes = {key: Envelope() for key, _, _ in losses}
        self._state, self._losses, self._logarithmic = state, losses, logarithmic
        self.repaint()

    def lines(self) -> list[Text]:
        width, height = self.size
        losses = self._losses
        if not self._state.series:
            return [Text("No numbers yet." if self._state.is_active else "No numbers.", self.style("dim"))]
        rows = max(1, min(MOST_ROWS, height // len(losses)))
        label_width = 17 if rows == 1 else 10
        last = max((s.steps[-1] for key, _, _ in losses if (s := self._state.series.get(key)) and len(s)), default=0.0)
        end = warmup_end(self._state)
        # of a net without its quantizer
        warm = round(min(1.0, end / max(last, 1.0)) * max(0, width - label_width))
        found: list[Text] = []
        for key, title, color in losses:
            series = self._state.series.get(key, Series())
            columns = self._envelopes[key].columns(series, max(0, (width - label_width) * 2), 0.0, max(last, 1.0))
            curve = draw(columns, rows, self._logarithmic)
            for row, label in enumerate(self._labels(key, title, rows)):
                line = pad(label, label_width)
                line.append(curve[row][:warm], self.style("dim"))
                line.append(curve[row][warm:], self.style(color))
                found.append(line)
        return found

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
        return "warm-up" if key == "loss/val" and math.isinf(warmup_end(self._state)) else ""
