"""A run as it is followed in the foreground: as lines, on a terminal with one that is written over; or as JSON."""

import time

from distill_tui.cli.output import write_json
from distill_tui.cli.report import colour_of
from distill_tui.cli.terminal_style import TerminalStyle
from distill_tui.files import printable
from distill_tui.reporting.formatting import count, duration, number, percent
from distill_tui.runs import events as e
from distill_tui.runs.state import RunState

EPOCH_SECONDS = 3.0
"""Without a terminal, quick epochs get a line this often."""
SILENT_SECONDS = 60.0
"""Without a terminal, long epochs get a line on their steps this often."""
REDRAW_SECONDS = 0.2


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

    def __init__(self, ink: TerminalStyle) -> None:
        self._ink = ink
        self._status = ""
        self._drawn_at = self._told_at = 0.0
        self._skipped = False

    # -- what happens

    def event(self, event: e.Event, state: RunState) -> None:
        self._tell(event, state)
        if not isinstance(event, e.Metrics) or event.scope == "epoch":
            self._ink.title(self._title(state))
        if isinstance(event, e.LAST) or _is_news(event):
            self._ink.bell()

    def _title(self, state: RunState) -> str:
        far = f" {100 * state.progress:.0f} %" if state.state == "running" else ""
        return f"{printable(state.name)}: {state.state}{far}"

    def _tell(self, event: e.Event, state: RunState) -> None:
        match event:
            case e.Started(resumed=True):
                self._say(f"going on with {printable(state.name)} in process {event.pid}")
            case e.Started():
                self._say(f"training {printable(state.name)} in process {event.pid}")
            case e.RunPrepared():
                self._prepared(event)
            case e.StateChanged(state=("paused" | "stopping") as word, detail=""):
                self._say(f"{word} at step {event.step:,}")
            case e.StateChanged(state="stopping") if not self._ink.cursor:
                # what is done for a model of what there is may take a while
                self._say(f"step {event.step:,}: {printable(event.detail)}", "dim")
            case e.QuantizationStarted():
                self._say(f"step {event.step:,}: codebooks initialised; quantizing from here", "dim")
            case e.StateChanged(state="running") if event.detail and state.progress >= 1 and not self._ink.cursor:
                # what comes between the last step and the end may take a while
                self._say(f"step {event.step:,}: {printable(event.detail)}", "dim")
            case e.Metrics(scope="epoch"):
                self._epoch(event, state)
            case e.Metrics() if not self._ink.cursor and time.monotonic() - self._told_at > SILENT_SECONDS:
                self._say(self._status_text(state))
            case e.WarningRaised() if _is_news(event):
                self._say(f"warning: {printable(event.text)}", "fair")
                if event.advice:
                    self._say(f"         {printable(event.advice)}", "dim")
            case e.PreviewMade():
                self._say(f"preview of step {event.step:,}: {printable(event.folder)}", "dim")
            case e.SettingChanged():
                self._say(f"step {event.step:,}: {event.key} {event.old:g} -> {event.new:g}")
            case e.SettingRejected():
                self._say(f"step {event.step:,}: {printable(event.text)}", "fair")
            case e.ModelSaved():
                self._say(f"model saved: {printable(event.name)}", "dim")

    def _prepared(self, event: e.RunPrepared) -> None:
        self._say(
            f"{event.parameters:,} parameters on {event.device} in {event.precision}; "
            f"{event.training_files} sounds to train on ({duration(event.training_seconds)}), "
            f"{event.validation_files} held out ({duration(event.validation_seconds)})"
        )
        for name, reason in event.skipped[:5]:
            self._say(f"skipped: {printable(name)}: {printable(reason)}", "fair")
        if len(event.skipped) > 5:
            self._say(f"skipped: {len(event.skipped) - 5} more", "fair")

    def _epoch(self, event: e.Metrics, state: RunState) -> None:
        quick = time.monotonic() - self._told_at < EPOCH_SECONDS
        if quick and not self._ink.cursor and event.progress < 1:
            return
        parts = [
            f"epoch {state.epoch_of(event.epoch)}",
            f"step {event.step:,}",
            f"train {number(event.values.get('epoch/train'))}",
            f"val {number(event.values.get('loss/val'))}",
        ]
        if "distance/val" in event.values:
            parts.append(f"distance {number(event.values['distance/val'])}")
        used = [self._ink.paint(percent(level.utilization), colour_of(level, state)) for level in state.health]
        if any(level.utilization is not None for level in state.health):
            parts.append("codes used " + ", ".join(used))
            parts.append("perplexity " + ", ".join(number(level.perplexity) for level in state.health))
            parts.append("dead " + ", ".join(count(level.dead) for level in state.health))
        if not self._ink.cursor and event.eta_seconds and event.progress < 1:
            parts.append(f"ETA {duration(event.eta_seconds)}")
        self._say("  ".join(parts))

    # -- the line that is written over

    def tick(self, state: RunState) -> None:
        now = time.monotonic()
        if self._ink.cursor and now - self._drawn_at >= REDRAW_SECONDS:
            self._drawn_at = now
            self._draw(self._status_text(state))

    def _status_text(self, state: RunState) -> str:
        if not state.prepared or state.state not in ("running", "paused", "stopping"):
            # a run that is resumed is still what it was until its worker speaks
            return f"starting: {printable(state.activity) or 'waking up torch'}"
        parts = [f"{100 * state.progress:.0f} %", f"epoch {state.epoch_of(state.epoch)}", f"step {state.step:,}"]
        for word in ("train", "val"):
            if (loss := state.losses.get(word)) is not None:
                parts.append(f"{word} {number(loss)}")
        if pace := state.numbers.get("time/step"):
            parts.append(f"{1 / pace:.1f} steps/s")
        if state.state != "running":
            parts.append(state.state)
        elif state.activity:
            parts.append(printable(state.activity))
        elif state.eta_seconds is not None:
            parts.append(f"ETA {duration(state.eta_seconds)}")
        return "  ".join(parts)

    def _draw(self, text: str) -> None:
        # one column is left free: a full line would make some terminals scroll
        text = printable(text)[: max(0, self._ink.width - 1)]
        if text != self._status:
            self._status = text
            self._ink.send(f"\r{self._ink.paint(text, 'dim')}\x1b[K")

    def clear(self) -> None:
        if self._status:
            self._ink.send("\r\x1b[K")
            self._status = ""

    def _say(self, text: str, colour: str = "") -> None:
        self.clear()
        self._told_at = time.monotonic()
        print(self._ink.paint(text, colour), flush=True)


def _is_news(event: e.Event) -> bool:
    """Whether it is a warning; expectations are none: they were printed when the run was created."""
    return isinstance(event, e.WarningRaised) and event.code != "expectations"
