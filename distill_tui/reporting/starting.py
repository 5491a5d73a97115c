"""The stages of a start: what the worker has done, does now, and has yet to do before the first step."""

from typing import NamedTuple

from distill_tui.runs.state import FIRST_STEP, IMPORTING, RunState

STAGES = ((IMPORTING, "torch"), ("reading the", "sounds"), ("building the net", "net"), (FIRST_STEP, "first step"))
"""How the worker's activities begin, and what the stages are called."""
MARKS = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
"""A mark that turns, a character after the other."""


class Stage(NamedTuple):
    """A stage: None seconds before it begins; `detail` while it is the present one."""

    name: str
    seconds: float | None = None
    is_done: bool = False
    detail: str = ""


def stages(state: RunState, now: float) -> list[Stage]:
    """The four stages of a run that starts, at the time `now` (seconds since 1970)."""
    begun: dict[str, float] = {}
    name = STAGES[0][1]
    for time, activity in state.stages:
        # what has no stage of its own, such as compiling the net, belongs to the one before
        name = next((name for start, name in STAGES if activity.startswith(start)), name)
        begun.setdefault(name, time)
    found, ends = [], sorted(begun.values())
    for _, name in STAGES:
        if name not in begun:
            # an older worker does not say that it builds the net
            found.append(Stage(name, is_done=bool(begun) and FIRST_STEP in begun))
            continue
        end = next((time for time in ends if time > begun[name]), None)
        seconds = max(0.0, (now if end is None else end) - begun[name])
        found.append(Stage(name, seconds, end is not None, "" if end is not None else state.detail))
    return found
