"""The line above the panels: how the run is doing, or what the map was made of."""

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.runs.codebook_map import CodebookMap
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui.widgets.status import MARKS
from distill_tui.ui.widgets.text_widget import LinesWidget

Parts = list[tuple[str, str]]
"""Texts with their theme colours."""


def about_map(found: CodebookMap, title: str, is_training: bool) -> Parts:
    """Describe a map and its source; `is_training`: newer maps will come."""
    groups = formatting.plural(len(found.groups), "group")
    return [
        (f"map of {title}", "foreground"),
        # of a run that trains it is the newest checkpoint's, not that of now
        (f"as of step {found.step:,}{', trains on' if is_training else ''}", "foreground"),
        (f"{formatting.plural(len(found.points), 'point')} in {groups}", "foreground"),
        (f"plane holds {formatting.percent(found.explained)} of the variance", "dim"),
    ]


def about_run(state: RunState, pending: str, note: str) -> Parts:
    """Describe a run. `pending` is a state that was requested and is not reached yet, `note` is about its data."""
    mark, color = MARKS.get(state.state, ("?", "dim"))
    word = f"{mark} {state.state}" + (f" → {pending}" if pending else "")
    parts = [(word, color), (f"step {state.step:,}", "foreground")]
    step_seconds = state.numbers.get("time/step")
    if step_seconds and state.state == "running":
        rate = 1 / step_seconds
        parts.append((f"{rate:,.0f} steps/s" if rate > 10 else f"{rate:.1f} steps/s", "foreground"))
    parts.append((f"epoch {state.epoch_text}", "foreground"))
    if state.eta_seconds is not None and state.is_active:
        parts.append((f"ETA {formatting.duration(state.eta_seconds)}", "foreground"))
    if state.reason:
        parts.append((printable(state.reason), color))
    if note:
        parts.append((note, "dim"))
    return parts


class ExplorerHead(LinesWidget):
    """`● running   step 12,300   103 steps/s   epoch 4/100`: as many parts as there is room for."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: Parts = []

    def show(self, parts: Parts) -> None:
        """Show these texts."""
        self._parts = parts
        self.repaint()

    def lines(self) -> list[Text]:
        line = Text()
        for number, (text, color) in enumerate(self._parts):
            gap = "   " if number and self.size.width >= 64 else "  " if number else ""
            room = self.size.width - line.cell_len - len(gap)
            if number > 1 and room < len(text):
                break
            line.append(gap)
            line.append(text, self.style(color, bold=number == 0))
        line.truncate(self.size.width, overflow="ellipsis")
        return [line]
