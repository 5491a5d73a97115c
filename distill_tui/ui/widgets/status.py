"""The head of the Training screen: state, how far, how fast, when it will be done, and what comes next."""

import time
from collections.abc import Sequence

from rich.text import Text
from textual.timer import Timer

from distill_tui.reporting import formatting, outlook
from distill_tui.reporting.notes import STATE_MARKS
from distill_tui.reporting.outlook import Upcoming
from distill_tui.reporting.quality import percent_text, quality_of_run
from distill_tui.reporting.starting import MARKS as TURNING
from distill_tui.reporting.starting import Stage, stages
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui.widgets.text_widget import ROLES, LinesWidget, joined

MARKS = {state: (mark, ROLES[role]) for state, (mark, role) in STATE_MARKS.items()}
"""A mark and a colour for each state; the word always stands beside them."""
NARROW = 64
TURN_SECONDS = 0.5
"""How often the mark of a start turns."""
STUCK_SECONDS = 3600.0
"""Seconds without an event after which nothing moves any more."""


class StatusHead(LinesWidget):
    """State and speed, then elapsed time, bar and ETA, then what comes next; the most important stands first, and what
    does not fit is left out whole. A run that starts shows its stages in place of the bar."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state: RunState | None = None
        self._wanted = ""
        self._reading: float | None = None
        self._unseen = 0
        self._ahead: Sequence[Upcoming] = ()
        self._cost = ""
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self._timer = self.set_interval(TURN_SECONDS, self._turn, pause=True)

    def show(
        self, state: RunState, wanted: str, unseen: int = 0, ahead: Sequence[Upcoming] = (), cost: str = ""
    ) -> None:
        """Show this state.

        Args:
            wanted: what was asked for and has not happened yet, '' for nothing.
            unseen: warnings that were not seen: told here where it is narrow, since nothing else is there to tell them.
            ahead: what comes next, the soonest first.
            cost: what the run has cost so far and will, '' where there is no price.
        """
        self._state, self._wanted, self._reading, self._unseen = state, wanted, None, unseen
        self._ahead, self._cost = ahead, cost
        if self._timer is not None:
            (self._timer.resume if state.is_starting else self._timer.pause)()
        self.repaint()

    def show_reading(self, share: float) -> None:
        """A long log is being read: so much of it is in."""
        self._reading = share
        self.repaint()

    def _turn(self) -> None:
        if self.is_on_screen and self.screen.is_current:
            self.repaint()

    def lines(self) -> list[Text]:
        height = max(1, self.size.height)
        if self._reading is not None:
            return [Text(f"reading the log: {self._reading:.0%}", self.style("dim")), *[Text()] * (height - 1)]
        if self._state is None:
            return [Text()] * height
        if self.size.width < NARROW:
            return self._narrow(self._state)
        second = self._starting(self._state) if self._state.is_starting else self._bar(self._state)
        return [self._facts(self._state), second, self._next(self._state)][:height]

    def _narrow(self, state: RunState) -> list[Text]:
        first = [self._word(state), Text(f"e {state.epoch_text}", self.style("foreground"))]
        if state.is_starting:
            return [self._join(first[:1], 1), self._starting(state)]
        if doing := self._doing(state):
            first.append(doing)
        elif state.eta_seconds is not None:
            first.append(Text(f"ETA {formatting.duration(state.eta_seconds)}", self.style("foreground")))
        second = [Text.assemble((f"step {state.step:,}", self.style("dim")))]
        if self._unseen:
            second.append(Text.assemble((f"▲ {self._unseen}", self.style("warning", bold=True))))
        if self._ahead:
            second.append(Text(f"{self._ahead[0].what} {outlook.soon(self._ahead[0].seconds)}", self.style("dim")))
        # no panel says it here
        quality = [self.pair("quality", found)] if (found := percent_text(quality_of_run(state))) else []
        return [self._join(first, 1), self._join([*second, *self._speed(state), *quality], 2)]

    def _facts(self, state: RunState) -> Text:
        parts = [self._word(state)]
        if doing := self._doing(state):
            parts.append(doing)
        if not state.is_starting or state.step:
            parts += [self.pair("epoch", outlook.epoch_text(state)), self.pair("step", f"{state.step:,}")]
        parts += self._speed(state)
        if state.prepared and self.size.width >= 110:
            prepared = state.prepared
            parts += [
                self.pair("on", prepared.device) if state.is_active else Text(),
                Text(f"{formatting.short_count(prepared.parameters)} parameters", self.style("dim")),
                Text(formatting.kbps(prepared.kbps) if prepared.kbps else "", self.style("dim")),
            ]
        return self._join([part for part in parts if part.plain], 3)

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
        if state.state == "running" and not state.is_starting:
            if steps := outlook.steps_per_second(state):
                found.append(Text(f"{_rate(steps)} steps/s", self.style("foreground")))
            if rate := outlook.times_real_time(state):
                found.append(Text(f"{_rate(rate)}x real time", self.style("foreground")))
        if self._cost:
            found.append(Text(self._cost, self.style("foreground")))
        if (lr := state.numbers.get("lr")) and state.is_active and not state.is_starting:
            found.append(self.pair("lr", f"{lr:.1e}"))
        return found

    def _join(self, parts: Sequence[Text], gap: int) -> Text:
        return joined(parts, self.size.width, gap)

    def _bar(self, state: RunState) -> Text:
        """`2 min 10 s ━━━━━━ 34 %  ETA 4 min 14 s`."""
        share = 1.0 if state.state == "finished" else min(1.0, max(0.0, state.progress))
        before = Text()
        if state.worker_seconds:
            before = self.pair("elapsed", formatting.duration(state.worker_seconds)).append(" ")
        after = Text(f" {share:4.0%}", self.style("dim"))
        if state.eta_seconds is not None and not self._doing(state):
            after.append("  ").append_text(self.pair("ETA", formatting.duration(state.eta_seconds)))
        width = max(0, self.size.width - before.cell_len - after.cell_len)
        done = round(width * share)
        color = MARKS.get(state.state, ("", "primary"))[1] if not state.is_active else "primary"
        bar = Text.assemble(("━" * done, self.style(color)), ("━" * (width - done), self.style("faint")))
        return Text.assemble(before, bar, after)

    def _starting(self, state: RunState) -> Text:
        """`✓ torch 3 s   ⠋ sounds 12 s: 120 of 4,000   · net   · first step`."""
        now, is_moving = time.time(), True
        if now - state.updated_at > STUCK_SECONDS:
            now, is_moving = state.updated_at, False
        shown = stages(state, now)
        if self.size.width < NARROW:
            # the present one, and how many there are
            number = max((n for n, stage in enumerate(shown, 1) if stage.seconds is not None), default=1)
            count = Text(f"{number} of {len(shown)}", self.style("dim"))
            return self._join([count, self._stage(shown[number - 1], now, is_moving)], 2)
        return self._join([self._stage(stage, now, is_moving) for stage in shown], 3)

    def _stage(self, stage: Stage, now: float, is_moving: bool) -> Text:
        if stage.is_done:
            text = Text.assemble(("✓ ", self.style("success")), (stage.name, self.style("dim")))
        elif stage.seconds is None:
            return Text(f"· {stage.name}", self.style("dim"))
        else:
            mark = TURNING[int(now / TURN_SECONDS) % len(TURNING)] if is_moving else "◌"
            text = Text.assemble((f"{mark} ", self.style("accent")), (stage.name, self.style("foreground", bold=True)))
        if stage.seconds is not None and (stage.is_done or is_moving):
            text.append(f" {stage.seconds:.0f} s", self.style("dim"))
        if (count := stage.detail.rpartition(": ")[2]) != stage.detail:
            text.append(f", {count}", self.style("foreground"))
        return text

    def _next(self, state: RunState) -> Text:
        """`next  codebooks at step 50, in 40 s  ·  preview at step 100, in 2 min`."""
        if state.is_starting:
            return Text("the first step on a machine takes longest; then the curves begin", self.style("dim"))
        parts = [
            Text.assemble(
                ("next  " if number == 0 else "·  ", self.style("dim")),
                (one.text, self.style("foreground" if number == 0 else "dim")),
            )
            for number, one in enumerate(self._ahead)
        ]
        return self._join(parts, 2)


def _rate(value: float) -> str:
    """`13.0`, `0.84`, `312`."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 1 else 2}f}"
