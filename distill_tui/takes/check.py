"""Checks of a request that need no model."""

import math

from distill_tui.errors import RequestError, did_you_mean
from distill_tui.takes.request import Request
from distill_tui.text import printable

LONGEST = 600.0
"""Seconds of a take, at most: it is made in memory."""
MOST_TAKES = 10_000
EDITS = {
    "like": "--like",
    "continue_file": "--continue",
    "fill": "--fill",
    "morph": "--morph",
    "follow": "--follow",
}
"""The fields of what is done with sounds of the user's, and their flags."""


def edit_of(request: Request) -> str:
    """The field of EDITS that is given; "" for new sounds."""
    return next((name for name in EDITS if getattr(request, name)), "")


def check_request(request: Request) -> None:
    """Check what can be told without a model.

    Raises:
        RequestError: a number out of range, or things that do not go together.
    """
    given = [flag for name, flag in EDITS.items() if getattr(request, name)]
    if len(given) > 1:
        raise RequestError(f"{' and '.join(given)}: one at a time")
    if not 1 <= request.count <= MOST_TAKES:
        raise RequestError(f"--count: {request.count} is not 1 to {MOST_TAKES}")
    if not 0 <= request.seed < 1 << 53:
        raise RequestError(f"--seed: {request.seed} is not a whole number from 0 on")
    if request.seconds is not None:
        _check_seconds(request.seconds)
    if not 0 <= request.strength <= 1:
        raise RequestError(f"--strength: {request.strength:g} is not 0 (the sound itself) to 1 (a new one of its kind)")
    if request.fill:
        _check_gap(request)
    if request.follow and request.seconds is not None:
        raise RequestError("--seconds: does not go with --follow, whose result is as long as the sound")
    if request.loop and (request.continue_file or request.fill or request.follow):
        raise RequestError(f"--loop: does not go with {given[0]}")
    if request.loop and given and request.seconds is not None:
        raise RequestError(f"--seconds: a loop of {given[0]} is as long as the sound allows", "Leave --seconds out.")
    if request.max_copy is not None and request.max_copy < 1:
        raise RequestError(f"--max-copy: {request.max_copy} is not a number of frames from 1 on")
    if request.novelty is not None and not 0 <= request.novelty <= 10:
        raise RequestError(
            f"--novelty: {request.novelty:g} is not 0 (a training sound) to 1 (as new as a held-out one)"
        )
    for name, values in (("--temperature", request.temperature), ("--top-p", request.top_p)):
        if not all(math.isfinite(value) and value > 0 for value in values):
            raise RequestError(f"{name}: must be above 0")
    if any(value > 1 for value in request.top_p):
        raise RequestError("--top-p: is at most 1")


def check_label(label: str, labels: list[str], model: str) -> None:
    """Check that a model has a label.

    Raises:
        RequestError: it has not; the nearest is named.
    """
    if not label or label in labels:
        return
    shown = printable(label)
    if not labels:
        raise RequestError(
            f"no label '{shown}': the sounds of '{printable(model)}' are in no folders", "Leave --label out."
        )
    near = did_you_mean(label, labels)
    more = f" and {len(labels) - 20} more" if len(labels) > 20 else ""
    raise RequestError(f"no label '{shown}'{printable(near)}", f"There are: {printable(', '.join(labels[:20]))}{more}")


def _check_seconds(seconds: float) -> None:
    if not math.isfinite(seconds) or seconds <= 0:
        raise RequestError(f"--seconds: {seconds:g} is not above 0")
    if seconds > LONGEST:
        raise RequestError(
            f"--seconds: {seconds:g} is more than {LONGEST:g} (ten minutes)", "Make several takes with --count."
        )


def _check_gap(request: Request) -> None:
    if not (math.isfinite(request.start) and math.isfinite(request.end)) or request.start < 0:
        raise RequestError("--from and --to: seconds from 0 on")
    if request.end <= request.start:
        raise RequestError(f"--from {request.start:g} is not before --to {request.end:g}")
    if request.seconds is not None:
        raise RequestError("--seconds: does not go with --fill, whose result is as long as the sound")
