"""One-line summaries of a run: for lists, for tmux's status line, and for the progress line of `train`."""

from distill_tui.reporting import code_bits
from distill_tui.reporting.formatting import duration, number, percent
from distill_tui.reporting.quality import percent_text, quality_of_run
from distill_tui.runs.state import IMPORTING, RunState
from distill_tui.text import printable

BAR_WIDTH = 60
"""Columns that `status --line` fits into."""
LEAST_NAME = 8


def activity(state: RunState) -> str:
    """`running`, or `running: saving the model`."""
    return f"{state.state}: {printable(state.activity)}" if state.activity else state.state


def status_line(state: RunState, width: int = BAR_WIDTH) -> str:
    """`drums running 12% e12/100 val 0.601 quality 71% ETA 3 min !2` in at most `width` columns.

    A long name is cut, and the quality left out where there is no room for it.
    """
    parts = [state.state]
    if state.is_active:
        if state.progress:
            parts.append(f"{100 * state.progress:.0f}%")
        parts.append(f"e{state.epoch_text}")
    val = state.losses.get("val")
    if state.is_prior and (bits := state.numbers.get(code_bits.VAL)) is not None:
        parts.append(f"{bits:.2f} bits")
    elif val is not None:
        parts.append(f"val {val:.3f}")
    if percentage := percent_text(quality_of_run(state)).replace(" ", ""):
        parts.append(f"quality {percentage}")
    if state.activity:
        parts.append(printable(state.activity))
    elif state.state == "running" and state.eta_seconds is not None:
        parts.append(f"ETA {duration(state.eta_seconds)}")
    if state.warnings:
        parts.append(f"!{len(state.warnings)}")
    if percentage and len(" ".join(parts)) + 1 + LEAST_NAME > width:
        parts.remove(f"quality {percentage}")
    rest = " ".join(parts)
    room = max(LEAST_NAME, width - len(rest) - 1)
    # tmux takes #[...] in what a command prints as its own
    rest, name = (printable(text).replace("#", "") for text in (rest, state.name))
    name = name if len(name) <= room else name[: room - 3] + "..."
    return f"{name} {rest}"


def progress_line(state: RunState) -> str:
    """`12 %  epoch 12/100  step 600  train 0.5  val 0.6  21.3 steps/s  ETA 3 min 20 s`."""
    if not state.prepared or state.state not in ("running", "paused", "stopping"):
        # a run that is resumed is still what it was until its worker speaks
        return f"starting: {state.activity or IMPORTING}"
    parts = [percent(state.progress), f"epoch {state.epoch_text}", f"step {state.step:,}"]
    for word in ("train", "val"):
        if (loss := state.losses.get(word)) is not None:
            parts.append(f"{word} {number(loss)}")
    if pace := state.numbers.get("time/step"):
        parts.append(f"{1 / pace:.1f} steps/s")
    if state.state != "running":
        parts.append(state.state)
    elif state.activity:
        parts.append(state.activity)
    elif state.eta_seconds is not None:
        parts.append(f"ETA {duration(state.eta_seconds)}")
    return "  ".join(parts)


def terminal_title(state: RunState) -> str:
    """`drums: running 12 %`, for a terminal's title."""
    return f"{state.name}: {state.state}{f' {percent(state.progress)}' if state.state == 'running' else ''}"


def end_text(state: RunState) -> str:
    """`drums finished`, `drums stopped: asked to`: for notifications, and for `on_finish`."""
    reason = state.reason if state.reason != state.state else ""
    return f"{state.name} {state.state}{f': {reason}' if reason else ''}"
