"""The log of what happened, an event after the other."""

from collections import deque
from functools import singledispatch
from typing import Self

from textual.widgets import Log

from distill_tui.files import printable
from distill_tui.reporting import formatting
from distill_tui.runs import events as e

MOST_LINES = 1000
CLOCK_CELLS = 10
LEAST_CELLS = 20


class EventLog(Log):
    """The newest events at the end, wrapped to the width; text only, so that no name can be markup."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(highlight=False, max_lines=MOST_LINES, id=id)
        self._said: deque[str] = deque(maxlen=MOST_LINES)
        self._wrapped_to = 0

    def add(self, events: list[e.Event]) -> None:
        """Write these events below the others."""
        said = [printable(f"{formatting.clock(event.time)}  {text}") for event in events if (text := describe(event))]
        if said:
            self._said.extend(said)
            self._write(said[-MOST_LINES:])

    def clear(self) -> Self:
        """Forget all events."""
        self._said.clear()
        return super().clear()

    def _write(self, said: list[str]) -> None:
        # a log that is not shown has no width: it is written when it gets one
        if self._wrapped_to:
            lines = [line for text in said for line in formatting.wrap(text, self._wrapped_to, CLOCK_CELLS)]
            self.write_lines(lines, scroll_end=True)

    def on_resize(self) -> None:
        # the scrollbar may come
        width = max(LEAST_CELLS, self.content_region.width - 1)
        if width != self._wrapped_to:
            self._wrapped_to = width
            super().clear()
            self._write(list(self._said))
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
def _(event: e.RunPrepared) -> str:
    return f"{formatting.short_count(event.parameters)} parameters on {event.device}, {event.kbps:.2f} kbps"


@describe.register
def _(event: e.Metrics) -> str:
    if event.scope != "epoch":
        return ""
    losses = [
        f"{name} {formatting.number(event.values[key])}"
        for key, name in (("loss/train", "train"), ("loss/val", "val"))
        if key in event.values
    ]
    return f"epoch {event.epoch}: {', '.join(losses)}" if losses else ""


@describe.register
def _(event: e.WarningRaised) -> str:
    return f"▲ {event.text}"


@describe.register
def _(event: e.CheckpointSaved) -> str:
    return f"checkpoint at step {event.step:,}{', the best' if event.best else ''}"


@describe.register
def _(event: e.PreviewMade) -> str:
    return f"preview at step {event.step:,}"


@describe.register
def _(event: e.SettingChanged) -> str:
    old, new = formatting.setting(event.old), formatting.setting(event.new)
    return f"{event.key.rpartition('.')[2]} {old} → {new} at step {event.step:,}"


@describe.register
def _(event: e.SettingRejected) -> str:
    return f"✗ {event.key}: {event.text}"


@describe.register
def _(event: e.ModelSaved) -> str:
    return f"model {event.name} is in the library"


@describe.register
def _(event: e.Finished) -> str:
    return f"✓ finished after {formatting.duration(event.seconds)}"


@describe.register
def _(event: e.Stopped) -> str:
    return f"■ stopped after {formatting.duration(event.seconds)}{f': {event.reason}' if event.reason else ''}"


@describe.register
def _(event: e.Failed) -> str:
    return f"✗ failed: {event.reason}"
