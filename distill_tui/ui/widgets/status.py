"""The head of the Training screen: state, how far, how fast, and when it will be done."""

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.reporting.notes import STATE_MARKS
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui.widgets.text_widget import ROLES, LinesWidget, joined

MARKS = {state: (mark, ROLES[role]) for state, (mark, role) in STATE_MARKS.items()}
"""A mark and a colour for each state; the word always stands beside them."""


class StatusHead(LinesWidget):
    """Two lines and a progress bar; the most important comes first, and what does not fit is left out whole."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state: RunState | None = None
        self._wanted = ""
        self._reading: float | None = None
        self._unseen = 0

    def show(self, state: RunState, wanted: str, unseen: int = 0) -> None:
        """Show this state; `wanted` is what was asked for and has not happened yet, '' for nothing.

        So many warnings are `unseen`: told here where it is narrow, since nothing else is there to tell them.
        """
        self._state, self._wanted, self._reading, self._unseen = state, wanted, None, unseen
        self.repaint()

    def show_reading(self, share: float) -> None:
        """A long log is being read: so much of it is in."""
        self._reading = share
        self.repaint()

    def lines(self) -> list[Text]:
        if self._reading is not None:
            return [Text(f"reading the log: {self._reading:.0%}", self.style("dim")), Text(), Text()]
        if self._state is None:
            return [Text(), Text(), Text()]
        state, narrow = self._state, self.size.width < 64
        first = [self._word(state)]
        eta = f"ETA {formatting.duration(state.eta_seconds)}"
        if narrow:
            first.append(Text(f"e {state.epoch_text}", self.style("foreground")))
            if doing := self._doing(state):
                first.append(doing)
            elif state.eta_seconds is not None:
                first.append(Text(eta, self.style("foreground")))
            second = [Text.assemble((f"step {state.step:,}", self.style("dim")))]
            if self._unseen:
                second.append(Text.assemble((f"▲ {self._unseen}", self.style("warning", bold=True))))
            second += self._speed(state)
            return [self._join(first, 1), self._join(second, 2)]
        first += [self.pair("epoch", state.epoch_text), self.pair("step", f"{state.step:,}")]
        if doing := self._doing(state):
            first.insert(1, doing)
        elif state.eta_seconds is not None:
            first.append(self.pair("ETA", formatting.duration(state.eta_seconds)))
        first += self._speed(state)
        if state.prepared and self.size.width >= 110:
            prepared = state.prepared
            first += [
                self.pair("on", prepared.device),
                Text(f"{formatting.short_count(prepared.parameters)} parameters", self.style("dim")),
                Text(f"{prepared.kbps:.2f} kbps", self.style("dim")),
            ]
        return [self._join(first, 3), self._bar(state)]

    def _word(self, state: RunState) -> Text:
        mark, color = MARKS.get(state.state, ("?", "dim"))
        text = Text(f"{mark} {state.state}", self.style(color, bold=True))
        if self._wanted:
            text.append(f" → {self._wanted}", self.style("warning"))
        return text

    def _doing(self, state: RunState) -> Text | None:
        """What the worker does while it trains no step: it validates, saves the model, or gets ready."""
        if not state.detail or not state.is_active:
            return None
        return Text(printable(state.detail), self.style("foreground"))

    def _speed(self, state: RunState) -> list[Text]:
        found = []
        if state.state == "running" and (rate := state.numbers.get("rate/sound")):
            found.append(Text(f"{rate:,.{0 if rate >= 10 else 1}f}x real time", self.style("foreground")))
        if lr := state.numbers.get("lr"):
            found.append(self.pair("lr", f"{lr:.1e}"))
        return found

    def _join(self, parts: list[Text], gap: int) -> Text:
        return joined(parts, self.size.width, gap)

    def _bar(self, state: RunState) -> Text:
        share = 1.0 if state.state == "finished" else min(1.0, max(0.0, state.progress))
        label = f" {share:4.0%}"
        width = max(0, self.size.width - len(label))
        done = round(width * share)
        color = MARKS.get(state.state, ("", "primary"))[1] if not state.is_active else "primary"
        return Text.assemble(
            ("━" * done, self.style(color)), ("━" * (width - done), self.style("faint")), (label, self.style("dim"))
        )
