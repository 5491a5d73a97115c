"""Events of a run in words, as its log of events shows them."""

from functools import singledispatch

from distill_tui.reporting import formatting
from distill_tui.runs import events as e


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
