"""A run as it is followed in the foreground: as lines, on a terminal with one that is written over; or as JSON."""

import time

from distill_tui.cli.output import write_json
from distill_tui.cli.terminal_style import TerminalStyle
from distill_tui.reporting.event_text import epoch_line, event_line
from distill_tui.reporting.lines import Line, line
from distill_tui.reporting.run_line import end_text, progress_line, terminal_title
from distill_tui.runs import events as e
from distill_tui.runs.state import RunState
from distill_tui.text import printable

EPOCH_SECONDS = 3.0
"""Without a terminal, quick epochs get a line this often."""
SILENT_SECONDS = 60.0
"""Without a terminal, long epochs get a line on their steps this often."""
REDRAW_SECONDS = 0.2
MOST_SKIPPED = 5
"""So many unusable sounds are named."""


class JsonLines:
    """Every event as it is in the log, one JSON document a line."""

    def event(self, event: e.Event, state: RunState) -> None:  # noqa: ARG002
        write_json(e.Codec.encode(event))

    def tick(self, state: RunState) -> None:
        """Nothing but events."""

    def clear(self) -> None:
        """There is nothing to clear."""


class LineDisplay:
    """Lines for people: one an epoch, warnings as they come, and what was asked for."""

    def __init__(self, ink: TerminalStyle, notify: str = "off") -> None:
        """`notify` is what settings.toml says of notifications."""
        self._ink, self._notify = ink, notify
        self._status = ""
        self._drawn_at = self._told_at = 0.0

    def event(self, event: e.Event, state: RunState) -> None:
        self._tell(event, state)
        if not isinstance(event, e.Metrics) or event.scope == "epoch":
            self._ink.title(terminal_title(state))
        if isinstance(event, e.LAST) or _is_news(event):
            self._ink.bell()
            text = f"{state.name}: {event.text}" if isinstance(event, e.WarningRaised) else end_text(state)
            self._ink.notify(text, self._notify)

    def _tell(self, event: e.Event, state: RunState) -> None:
        match event:
            case e.Metrics():
                self._metrics(event, state)
            case e.WarningRaised():
                if _is_news(event):
                    self._say(line(f"warning: {event.text}", "fair"), line(f"         {event.advice}", "dim"))
            case e.RunPrepared():
                skipped = [line(f"skipped: {name}: {reason}", "fair") for name, reason in event.skipped[:MOST_SKIPPED]]
                if len(event.skipped) > MOST_SKIPPED:
                    skipped.append(line(f"skipped: {len(event.skipped) - MOST_SKIPPED} more", "fair"))
                self._say(event_line(event), *skipped)
            case e.CheckpointSaved() | e.Finished() | e.Stopped() | e.Failed():
                # too often for a line, or told in the report
                pass
            case e.StateChanged():
                # what comes beside steps may take a while at the end; before it is told in the line written over
                late = not self._ink.cursor and (event.state == "stopping" or state.progress >= 1)
                if late if event.detail else event.state in ("paused", "stopping"):
                    self._say(event_line(event))
            case _:
                self._say(event_line(event))

    def _metrics(self, event: e.Metrics, state: RunState) -> None:
        quiet = time.monotonic() - self._told_at
        if event.scope != "epoch":
            if not self._ink.cursor and quiet > SILENT_SECONDS:
                self._say(line(progress_line(state)))
        elif quiet >= EPOCH_SECONDS or self._ink.cursor or event.progress >= 1:
            self._say(epoch_line(event, state, with_eta=not self._ink.cursor))

    # -- the line that is written over

    def tick(self, state: RunState) -> None:
        now = time.monotonic()
        if self._ink.cursor and now - self._drawn_at >= REDRAW_SECONDS:
            self._drawn_at = now
            self._draw(progress_line(state))

    def _draw(self, text: str) -> None:
        # one column is left free: a full line would make some terminals scroll
        text = printable(text)[: max(0, self._ink.width - 1)]
        if text != self._status:
            self._status = text
            self._ink.send(f"\r{self._ink.paint(line(text, 'dim'))}\x1b[K")

    def clear(self) -> None:
        if self._status:
            self._ink.send("\r\x1b[K")
            self._status = ""

    def _say(self, *lines: Line) -> None:
        """Print those of the lines that say anything."""
        for one in lines:
            if one.text.strip():
                self.clear()
                self._told_at = time.monotonic()
                print(self._ink.paint(one), flush=True)


def _is_news(event: e.Event) -> bool:
    """Whether it is a warning; expectations are none: they were printed when the run was created."""
    return isinstance(event, e.WarningRaised) and event.code != "expectations"
