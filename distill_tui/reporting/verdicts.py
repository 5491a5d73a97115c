"""Verdicts on a codebook's health: one definition for screens and commands."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from distill_tui.recipe.arithmetic import ENOUGH_FRAMES_PER_CODE
from distill_tui.runs.events import COUNTED_ONCE
from distill_tui.runs.state import LevelHealth, RunState

LOW_USE, FAIR_USE = 0.25, 0.5
LOW_EVENNESS, FAIR_EVENNESS = 0.08, 0.2
HIGH_CHURN = 0.5
COLLAPSED_NATS = 0.5
"""KL of the latents, in nats a frame, below which they say next to nothing: posterior collapse."""
WINDOW_STEPS = 100
"""Steps that the numbers of a training look back on."""
TRAINING_WINDOW = f"over the last {WINDOW_STEPS} steps of training"
"""Window of the numbers in a run's log, as it is named beside them."""
HELD_OUT_WINDOW = "on the held-out sound"
"""Window of the numbers in a card that does not name one."""


class Verdict(StrEnum):
    """How a level is doing, in a word."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"

    @property
    def mark(self) -> str:
        """A sign that says the same without its colour."""
        return {Verdict.GOOD: "●", Verdict.FAIR: "◐", Verdict.POOR: "○"}[self]


def window_of(state: RunState) -> str:
    """The window of a run's health, as it is named beside the numbers."""
    return f"over {COUNTED_ONCE}" if state.counted_once else TRAINING_WINDOW


def verdict(level: LevelHealth, size: int) -> Verdict | None:
    """The verdict on a level with `size` codes; None where the numbers are missing or come from too few frames.

    Good: at least half of the codes are used, and about evenly. Poor: under a quarter, or a few codes do all the work.
    """
    use, perplexity = level.utilization, level.perplexity
    if use is None or not math.isfinite(use) or not has_enough_frames(level, size):
        return None
    evenness = perplexity / size if perplexity is not None else use
    if use < LOW_USE or evenness < LOW_EVENNESS:
        return Verdict.POOR
    if use < FAIR_USE or evenness < FAIR_EVENNESS or (level.churn or 0.0) > HIGH_CHURN:
        return Verdict.FAIR
    return Verdict.GOOD


def has_enough_frames(level: LevelHealth, size: int) -> bool:
    """Whether the window held enough frames to judge `size` codes; not if it is unknown how many it held."""
    return size > 0 and level.frames is not None and level.frames >= ENOUGH_FRAMES_PER_CODE * size


def level_of(entry: Mapping[str, Any], number: int = 0) -> LevelHealth:
    """The level that an entry of a card's `health` describes; `number` where it does not say which."""
    level = entry.get("level")
    words = ("utilization", "perplexity", "dead", "churn", "frames")
    return LevelHealth(number if level is None else int(level), *(entry.get(word) for word in words))


def size_of(value: object) -> int:
    """The codebook size that a card's recipe names; 0 where it names none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
