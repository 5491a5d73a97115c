"""How far and how fast a training is, and what comes next: for the head of the Training screen."""

import math
from bisect import bisect_right
from dataclasses import dataclass

from distill_tui.recipe.preview_times import next_preview
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.formatting import duration, percent
from distill_tui.runs.events import RunPrepared
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState

CODEBOOKS, PREVIEW = "codebooks", "preview"
RECENT_POINTS = 8
"""Step events over which the pace is taken."""
LEAST_PROGRESS = 0.02
"""Share of a time budget from which on the number of epochs is estimated."""


@dataclass(frozen=True)
class Upcoming:
    """Something that a training will do: at which step (about, where the clock decides) and in how many seconds."""

    what: str
    seconds: float
    step: int | None = None
    by_clock: bool = False

    @property
    def text(self) -> str:
        """`codebooks at step 50, in 40 s`."""
        at = "" if self.step is None else f" at {'about ' if self.by_clock else ''}step {self.step:,}"
        return f"{self.what}{at}{',' if at else ''} {soon(self.seconds)}"


def soon(seconds: float) -> str:
    """`now`, `in 40 s`, `in 3 min`, `in 2 h 05 min`: without digits that change all the time."""
    if seconds < 0.5:
        return "now"
    if seconds < 99.5:
        return f"in {round(seconds)} s"
    return f"in {round(seconds / 60)} min" if seconds < 3570 else f"in {duration(seconds)}"


def step_seconds(state: RunState) -> float | None:
    """Seconds a step takes, the mean of the newest; None before the first."""
    values = [v for v in state.series.get("time/step", Series()).values[-RECENT_POINTS:] if math.isfinite(v)]
    if not values:
        return state.numbers.get("time/step")
    return sum(values) / len(values)


def steps_per_second(state: RunState) -> float | None:
    """Steps a second, over the newest; None where they are not known."""
    return 1 / seconds if (seconds := step_seconds(state)) else None


def times_real_time(state: RunState) -> float | None:
    """Seconds of sound that are trained on in a second, at the pace of `steps_per_second`; None where not known."""
    rate, seconds, steps = state.numbers.get("rate/sound"), state.numbers.get("time/step"), steps_per_second(state)
    # what a step trains on does not change: the newest step alone would contradict the pace beside it
    return None if not rate or not seconds or not steps else rate * seconds * steps


def waiting_share(state: RunState) -> float | None:
    """Share of the time that the steps waited for their batches; None where the log does not say."""
    seconds, waited = state.numbers.get("time/step"), state.numbers.get("time/data")
    return None if not seconds or waited is None else min(1.0, waited / seconds)


def epochs_in_all(state: RunState) -> int | None:
    """Epochs at the end: those of the recipe, or with a budget of minutes an estimate from the pace so far."""
    if state.total_epochs:
        return state.total_epochs
    per_epoch = state.prepared.steps_per_epoch if state.prepared else 0
    if not per_epoch or not state.is_active or state.progress < LEAST_PROGRESS or not state.step:
        return None
    return max(state.epoch, math.ceil(state.step / min(1.0, state.progress) / per_epoch))


def epoch_text(state: RunState) -> str:
    """`34 of 100`, with a budget of minutes `3 of about 9`, or `3` where the end is not known."""
    total = epochs_in_all(state)
    if total is None:
        return str(state.epoch)
    return f"{state.epoch} of {'' if state.total_epochs else 'about '}{total:,}"


def upcoming(state: RunState, recipe: Recipe) -> list[Upcoming]:
    """What a running training does next, the soonest first; nothing before its first step."""
    prepared, pace = state.prepared, step_seconds(state)
    if (
        state.state != "running"
        or prepared is None
        or not pace
        or not state.step
        or state.is_starting
        or state.progress >= 1.0
    ):
        return []
    train, found = recipe.train, []

    def at_step(what: str, step: int) -> None:
        found.append(Upcoming(what, (step - state.step) * pace, step))

    def at_progress(what: str, progress: float) -> None:
        if progress <= state.progress:
            return
        if prepared.minutes > 0:
            seconds = (progress - state.progress) * prepared.minutes * 60
            found.append(Upcoming(what, seconds, state.step + max(1, round(seconds / pace)), by_clock=True))
        else:
            at_step(what, math.ceil(progress * prepared.total_epochs * prepared.steps_per_epoch))

    if state.health and state.quantizing_from is None:
        at_progress(CODEBOOKS, train.quantizer_warmup_fraction)
    if train.adversarial_fraction > 0 and not state.is_prior:
        at_progress("adversarial part", 1 - train.adversarial_fraction)
    if prepared.steps_per_epoch:
        at_step("validation", (state.step // prepared.steps_per_epoch + 1) * prepared.steps_per_epoch)
        if train.preview_every:
            span = train.preview_every * prepared.steps_per_epoch
            at_step(PREVIEW, (state.step // span + 1) * span)
    if not train.preview_every and (trained := _trained_seconds(state, prepared)):
        seconds = next_preview(trained) - trained
        found.append(Upcoming(PREVIEW, seconds, state.step + max(1, round(seconds / pace)), by_clock=True))
    if train.checkpoint_minutes and state.session_at:
        since = max([state.session_at, *(saved.time for saved in state.checkpoints[-1:])])
        found.append(Upcoming("checkpoint", max(0.0, since + train.checkpoint_minutes * 60 - state.updated_at)))
    left = state.eta_seconds
    # what the end comes before is done at the end, or not at all
    return sorted((one for one in found if left is None or one.seconds <= left), key=lambda one: one.seconds)


def _trained_seconds(state: RunState, prepared: RunPrepared) -> float:
    """About how many seconds of training there were, which the log names at previews only.

    What came after the last one is counted by the steps: clocks go on in pauses, and from one session to the next.
    """
    if prepared.minutes > 0:
        return state.progress * prepared.minutes * 60
    made = state.previews[-1] if state.previews else None
    seconds, step = (made.trained, float(made.step)) if made and made.trained else (0.0, 0.0)
    series = state.series.get("time/step", Series())
    start = bisect_right(series.steps, step)
    for at, each in zip(series.steps[start:], series.values[start:], strict=True):
        if math.isfinite(each):
            seconds, step = seconds + (at - step) * each, at
    return seconds


def codebooks_text(state: RunState, recipe: Recipe) -> str:
    """When the codebooks come, for while there are none: `Warm-up, without a quantizer: codebooks at step 50, in 40 s`;
    '' once they are there or the run has ended."""
    if not state.is_active or state.quantizing_from is not None or not state.health:
        return ""
    ahead = next((one.text for one in upcoming(state, recipe) if one.what == CODEBOOKS), "")
    text = ahead or f"codebooks at {percent(recipe.train.quantizer_warmup_fraction)} of the training"
    return f"Warm-up, without a quantizer: {text}"
