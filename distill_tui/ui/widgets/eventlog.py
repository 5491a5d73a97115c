"""The log of what happened, one line an event."""

from functools import singledispatch

from textual.widgets import Log

from distill_tui.files import printable
from distill_tui.runs import events as e
from distill_tui.ui import words

MOST_LINES = 1000


class EventLog(Log):
    """The newest events at the end; text only, so that no name can be markup."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(highlight=False, max_lines=MOST_LINES, id=id)

    def add(self, events: list[e.Event]) -> None:
        """Write these events below the others."""
        said = [f"{words.clock(event.time)}  {text}" for event in events if (text := describe(event))]
        if said:
            self.write_lines([printable(line) for line in said[-MOST_LINES:]], scroll_end=True)

    def on_resize(self) -> None:
        # what grew above must not hide the newest line
        self.scroll_end(animate=False)


@singledispatch
def describe(_: e.Event) -> str:
    """An event in words; '' for what no log shows."""
    return ""


@describe.register
def _(event: e.Started) -> str:
    return f"{'resumed' if event.resumed else 'started'}, process {event.pid}"


@describe.register
def _(event: e.StateChanged) -> str:
    return (
        f"{event.state}{f' at step {event.step:,}' if event.step else ''}{f': {event.detail}' if event.detail else ''}"
    )


@describe.register
def _(event: e.Prepared) -> str:
    return f"{words.short_count(event.parameters)} parameters on {event.device}, {event.kbps:.2f} kbps"


@describe.register
def _(event: e.Metrics) -> str:
    if event.scope != "epoch":
        return ""
    losses = [
        f"{name} {words.number(event.values[key])}"
        for key, name in (("loss/train", "train"), ("loss/val", "val"))
        if key in event.values
    ]
    return f"epoch {event.epoch}: {', '.join(losses)}" if losses else ""


@describe.register
def _(event: e.Warned) -> str:
    return f"▲ {event.text}"


@describe.register
def _(event: e.CheckpointSaved) -> str:
    return f"checkpoint at step {event.step:,}{', the best' if event.best else ''}"


@describe.register
def _(event: e.PreviewMade) -> str:
    return f"preview at step {event.step:,}"


@describe.register
def _(event: e.KnobTurned) -> str:
    return (
        f"{event.key.rpartition('.')[2]} {words.setting(event.old)} → {words.setting(event.new)} at step {event.step:,}"
    )


@describe.register
def _(event: e.KnobRefused) -> str:
    return f"✗ {event.key}: {event.text}"


@describe.register
def _(event: e.ModelSaved) -> str:
    return f"model {event.name} is in the library"


@describe.register
def _(event: e.Finished) -> str:
    return f"✓ finished after {words.duration(event.seconds)}"


@describe.register
def _(event: e.Stopped) -> str:
    return f"■ stopped after {words.duration(event.seconds)}{f': {event.reason}' if event.reason else ''}"


@describe.register
def _(event: e.Failed) -> str:
    return f"✗ failed: {event.reason}"
