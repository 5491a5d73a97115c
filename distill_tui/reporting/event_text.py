"""Events in words: what the app's log and `train` say as things happen."""

from functools import singledispatch

from distill_tui.reporting import code_bits, sound_quality
from distill_tui.reporting.formatting import count, duration, number, percent, setting, short_count
from distill_tui.reporting.lines import Line, Span, line
from distill_tui.reporting.quality import quality_of_run, quality_text
from distill_tui.reporting.verdicts import role_of, size_of_codebooks
from distill_tui.runs import events as e
from distill_tui.runs.state import RunState

NOTHING = line("")


@singledispatch
def event_line(_: e.Event) -> Line:
    """An event in a line; an empty one for what is not worth one."""
    return NOTHING


@event_line.register
def _(event: e.Started) -> Line:
    return line(f"{'resumed' if event.resumed else 'started'} in process {event.pid}")


@event_line.register
def _(event: e.StateChanged) -> Line:
    if event.total:
        # one a second: who watches sees the newest
        return NOTHING
    if event.detail:
        return line(f"step {event.step:,}: {event.detail}" if event.step else event.detail, "dim")
    return line(f"{event.state} at step {event.step:,}" if event.step else event.state)


@event_line.register
def _(event: e.RunPrepared) -> Line:
    def files(count: int, seconds: float) -> str:
        return f"{count:,} ({duration(seconds)})" if seconds else f"{count:,}"

    kbps = f", {event.kbps:.2f} kbps" if event.kbps else ""
    return line(
        f"{short_count(event.parameters)} parameters on {event.device} in {event.precision}{kbps}; "
        f"{files(event.training_files, event.training_seconds)} to train on, "
        f"{files(event.validation_files, event.validation_seconds)} held out"
    )


@event_line.register
def _(event: e.AnchorsMeasured) -> Line:
    worst, best = (number(one.get("distance")) for one in (event.floor, event.ceiling))
    return line(f"quality: 0 % is a distance of {worst}, 100 % of {best} ({event.sounds} held-out sounds)", "dim")


@event_line.register
def _(event: e.QuantizationStarted) -> Line:
    return line(f"step {event.step:,}: codebooks initialised, quantizing", "dim")


@event_line.register
def _(event: e.AdversarialStarted) -> Line:
    return line(
        f"step {event.step:,}: adversarial part, from the weights of epoch {event.from_epoch}: "
        "only the decoder learns, judged by a discriminator",
        "dim",
    )


@event_line.register
def _(event: e.Metrics) -> Line:
    if event.scope != "epoch":
        return NOTHING
    losses = [
        f"{name} {number(event.values[key])}"
        for key, name in (("epoch/train", "train"), ("loss/val", "val"))
        if key in event.values
    ]
    return line(f"epoch {event.epoch}: {', '.join(losses)}") if losses else NOTHING


@event_line.register
def _(event: e.WarningRaised) -> Line:
    return line(f"▲ {event.text}", "fair", f"warning/{event.code}")


@event_line.register
def _(event: e.CheckpointSaved) -> Line:
    return line(f"checkpoint at step {event.step:,}{', the best' if event.best else ''}", "dim")


@event_line.register
def _(event: e.PreviewMade) -> Line:
    return line(f"preview at step {event.step:,}: {event.folder}", "dim")


@event_line.register
def _(event: e.SettingChanged) -> Line:
    return line(f"step {event.step:,}: {event.key} {setting(event.old)} → {setting(event.new)}")


@event_line.register
def _(event: e.SettingRejected) -> Line:
    return line(f"✗ step {event.step:,}: {event.key}: {event.text}", "fair")


@event_line.register
def _(event: e.ModelSaved) -> Line:
    return line(f"model {event.name} is in the library", "dim")


@event_line.register
def _(event: e.Finished) -> Line:
    return line(f"✓ finished after {duration(event.seconds)}", "good")


@event_line.register
def _(event: e.Stopped) -> Line:
    reason = "" if event.reason in ("", "stopped") else f": {event.reason}"
    return line(f"■ stopped after {duration(event.seconds)}{reason}", "fair")


@event_line.register
def _(event: e.Failed) -> Line:
    return line(f"✗ failed: {event.reason}", "bad")


def epoch_line(event: e.Metrics, state: RunState, with_eta: bool) -> Line:
    """The end of an epoch in full: losses, held-out distance, and each level's health."""
    parts = [
        f"epoch {state.epoch_of(event.epoch)}",
        f"step {event.step:,}",
        f"train {number(event.values.get('epoch/train'))}",
        f"val {number(event.values.get('loss/val'))}",
    ]
    if code_bits.VAL in event.values:
        by_level = ", ".join(number(bits) for bits in code_bits.levels(event.values))
        parts.append(f"held out {code_bits.text(event.values[code_bits.VAL])} (by level {by_level})")
    elif "distance/val" in event.values:
        parts.append(f"distance {number(event.values['distance/val'])}")
    spans: list[Span] = [("  ".join(parts), "plain")]
    if any(level.utilization is not None for level in state.health):
        for level in state.health:
            spans.append((", " if level.level else "  codes used ", "plain"))
            spans.append((percent(level.utilization), role_of(level, size_of_codebooks(state))))
        perplexity = ", ".join(number(level.perplexity) for level in state.health)
        dead = ", ".join(count(level.dead) for level in state.health)
        spans.append((f"  perplexity {perplexity}  dead {dead}", "plain"))
    if "distance/val" in event.values and (quality := quality_of_run(state)):
        spans.append((f"  quality {quality_text(quality)}", "fair" if quality.words else "plain"))
    elif words := sound_quality.words(sound_quality.of_log(event.values)):
        spans.append((f"  {words}", "fair"))
    if with_eta and event.eta_seconds and event.progress < 1:
        spans.append((f"  ETA {duration(event.eta_seconds)}", "plain"))
    return Line(tuple(spans))
