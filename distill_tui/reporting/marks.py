"""Marks of what happened in a run, and their places along an axis of steps, epochs or time."""

from array import array
from bisect import bisect_left
from dataclasses import dataclass

from distill_tui.reporting import code_bits, formatting
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState

ALONG = ("step", "epoch", "time")


def places(state: RunState, series: Series, along: str) -> "tuple[array[float], float, float]":
    """The places of the points of a series: an array, and the factor and shift that make it `along`'s unit.

    `array * factor + shift` is in steps, epochs or seconds since the start.
    """
    if along == "time":
        return series.times, 1.0, -state.started_at
    if along == "epoch":
        an_epoch = state.prepared.steps_per_epoch if state.prepared else 0
        return series.steps, 1.0 / max(1, an_epoch), 0.0
    return series.steps, 1.0, 0.0


def place_of_step(state: RunState, step: float, along: str) -> float:
    """A step in the unit of `along`: its time is that of the nearest numbers."""
    series = max(state.series.values(), key=len, default=Series())
    if along != "time":
        _, factor, shift = places(state, series, along)
        return step * factor + shift
    if not len(series):
        return 0.0
    index = min(len(series) - 1, bisect_left(series.steps, step))
    return series.times[index] - state.started_at


def place_text(value: float, along: str) -> str:
    """A place on the axis, short: `1,200`, `24.5`, `1:05:00`."""
    if along == "step":
        return f"{value:,.0f}" if value < 1e6 else f"{value / 1e6:.6g}M"
    if along == "epoch":
        return f"{value:.4g}" if value < 1e4 else f"{value:,.0f}"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


@dataclass(frozen=True)
class Mark:
    """Something that happened at a place of the chart, of a kind that `legend` names."""

    at: float
    sign: str
    color: str
    text: str


CHECKPOINT, PREVIEW, SETTING, PHASE, BEST = "▪", "▸", "◆", "┬", "★"
"""Signs of marks. None is a letter: those mark curves, and name keys."""
LEGEND = {SETTING: "setting", PREVIEW: "preview", CHECKPOINT: "checkpoint", BEST: "best epoch"}


def legend(marks: list[Mark]) -> str:
    """`◆ setting  ▸ preview`: what the signs among these marks mean, but for a phase's, whose text says more."""
    signs = {mark.sign for mark in marks}
    phases = [f"{mark.sign} {mark.text}" for mark in marks if mark.sign == PHASE]
    return "  ".join([f"{sign} {word}" for sign, word in LEGEND.items() if sign in signs] + phases)


def marks_of(state: RunState, along: str) -> list[Mark]:
    """Checkpoints, previews, knobs and the best epoch; the more important last, so that it is drawn over the others."""
    found = [
        Mark(place_of_step(state, saved.step, along), CHECKPOINT, "dim", f"checkpoint at step {saved.step:,}")
        for saved in state.checkpoints
    ]
    found += [
        Mark(place_of_step(state, made.step, along), PREVIEW, "series-recon", f"preview at step {made.step:,}")
        for made in state.previews
    ]
    found += [
        Mark(
            place_of_step(state, knob.step, along),
            SETTING,
            "accent",
            f"{knob.key.rpartition('.')[2]} {formatting.setting(knob.old)} → {formatting.setting(knob.new)}",
        )
        for knob in state.knobs
    ]
    if state.quantizing_from:
        at = place_of_step(state, state.quantizing_from, along)
        found.append(Mark(at, PHASE, "primary", "codebooks initialised, quantizing"))
    if state.adversarial_from:
        at = place_of_step(state, state.adversarial_from, along)
        found.append(Mark(at, PHASE, "primary", "adversarial from here: encoder and codebooks stay as they are"))
    if state.best is not None:
        text = f"best epoch {state.best.epoch}, {code_bits.distance_text(state, state.best.value)}"
        found.append(Mark(place_of_step(state, state.best.step, along), BEST, "success", text))
    return found
