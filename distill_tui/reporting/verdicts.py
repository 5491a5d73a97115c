"""Verdicts on a codebook's health: one definition for screens and commands."""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from distill_tui.recipe.arithmetic import ENOUGH_FRAMES_PER_CODE
from distill_tui.reporting.formatting import count, number, percent, table
from distill_tui.reporting.lines import Line, Role, line
from distill_tui.runs.events import COUNTED_ONCE
from distill_tui.runs.state import LevelHealth, RunState

LOW_USE, FAIR_USE = 0.30, 0.5
"""Utilization below which a level is poor, and warned about; and below which it is only fair."""
LOW_EVENNESS, FAIR_EVENNESS = 0.08, 0.2
HIGH_CHURN = 0.5
COLLAPSED_NATS = 0.5
"""KL of the latents, in nats/frame, below which the decoder ignores them: posterior collapse."""
WINDOW_STEPS = 100
"""Steps that the numbers of a training look back on."""
TRAINING_WINDOW = f"over the last {WINDOW_STEPS} steps of training"
"""Window of the numbers in a run's log, as it is named beside them."""
HELD_OUT_WINDOW = "on the held-out sound"
"""Window of the numbers in a card that does not name one."""


class Verdict(StrEnum):
    """A verdict on the health of a level."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"

    @property
    def mark(self) -> str:
        """A sign that says the same without its colour."""
        return {Verdict.GOOD: "●", Verdict.FAIR: "◐", Verdict.POOR: "○"}[self]

    @property
    def role(self) -> Role:
        """The role of what is said of such a level."""
        roles: dict[Verdict, Role] = {Verdict.GOOD: "good", Verdict.FAIR: "fair", Verdict.POOR: "bad"}
        return roles[self]


def window_of(state: RunState) -> str:
    """The window of a run's health, as it is named beside the numbers."""
    return f"over {COUNTED_ONCE}" if state.counted_once else TRAINING_WINDOW


def verdict(level: LevelHealth, size: int) -> Verdict | None:
    """The verdict on a level with `size` codes; None where the numbers are missing or come from too few frames.

    Good: at least half of the codes are used, and about evenly. Poor: under 30 %, or a few codes do all the work.
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


def role_of(level: LevelHealth, size: int) -> Role:
    """The role of a level's numbers; plain where there is no verdict."""
    found = verdict(level, size)
    return found.role if found else "plain"


def word_of(level: LevelHealth, size: int) -> str:
    """The verdict on a level with its mark, `● good`; '' where there is none."""
    found = verdict(level, size)
    return f"{found.mark} {found}" if found else ""


def has_enough_frames(level: LevelHealth, size: int) -> bool:
    """True if the window is known to have held enough frames for a verdict on `size` codes."""
    return size > 0 and level.frames is not None and level.frames >= ENOUGH_FRAMES_PER_CODE * size


def level_of(entry: Mapping[str, Any], number: int = 0) -> LevelHealth:
    """The level that an entry of a card's `health` describes; `number` where it does not say which."""
    level = entry.get("level")
    words = ("utilization", "perplexity", "dead", "churn", "frames")
    return LevelHealth(number if level is None else int(level), *(entry.get(word) for word in words))


def size_of(value: object) -> int:
    """The codebook size that a card's recipe names; 0 where it names none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def size_of_codebooks(state: RunState) -> int:
    """The codebook size of a run; 0 before it is known."""
    return state.prepared.codebook_size if state.prepared else 0


def is_measured(levels: Iterable[LevelHealth]) -> bool:
    """True once the utilization of any of these codebooks is known."""
    return any(level.utilization is not None for level in levels)


def has_codebooks(state: RunState) -> bool:
    """True if a run has codebooks to show, or will have."""
    return is_measured(state.health) or (state.is_active and bool(state.health))


def window_text(levels: Iterable[LevelHealth], size: int, window: str) -> str:
    """The window of these numbers in words, and that it is too short for a verdict if it is."""
    if not window.startswith(("over ", "on ")):
        # as events and cards name it
        window = f"over {window}" if window.startswith("the ") else f"over the {window}"
    known = [level for level in levels if level.frames is not None and level.utilization is not None]
    if all(has_enough_frames(level, size) for level in known):
        return window
    return f"{window}; no verdict: fewer than {ENOUGH_FRAMES_PER_CODE} frames per code"


def health_table(
    levels: Sequence[LevelHealth], size: int, held_out: Sequence[float | None] = (), narrow: bool = False
) -> list[Line]:
    """The health of each level of `size` codes, in the role of its verdict, below a head.

    Args:
        held_out: the utilization of each level on held-out sound, where it is known.
        narrow: leave out the churn, and take 36 cells.
    """
    head = ["level", "used", "perplex.", "dead", ""]
    if not narrow:
        head = ["level", "utilization", "perplexity", "dead codes", "churn", "verdict"]
    rows = []
    for level in levels:
        row = [str(level.level + 1), percent(level.utilization), number(level.perplexity)[:6], count(level.dead)]
        judged = [word_of(level, size)] if narrow else [percent(level.churn), verdict(level, size) or "-"]
        rows.append(row + judged)
    if any(share is not None for share in held_out):
        head.append("held-out utilization")
        rows = [[*row, percent(share)] for row, share in zip(rows, held_out, strict=True)]
    first, *rest = table(head, rows).splitlines()
    return [line(first, "dim"), *(line(text, role_of(level, size)) for text, level in zip(rest, levels, strict=True))]
