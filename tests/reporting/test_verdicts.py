"""One verdict on a level's health, and none where the window held too few frames."""

import pytest

from distill_tui.reporting.verdicts import Verdict, level_of, verdict
from distill_tui.runs.state import LevelHealth

SIZE = 64
ENOUGH = 3.0 * SIZE


@pytest.mark.parametrize(
    ("use", "perplexity", "churn", "word"),
    [
        (0.98, 50.0, 0.0, Verdict.GOOD),
        (0.4, 20.0, 0.0, Verdict.FAIR),
        (0.98, 50.0, 0.6, Verdict.FAIR),
        (0.1, 4.0, 0.0, Verdict.POOR),
        (0.9, 2.0, 0.0, Verdict.POOR),
        (None, None, None, None),
        (float("nan"), 3.0, 0.0, None),
    ],
)
def test_a_level_is_judged_in_a_word(
    use: float | None, perplexity: float | None, churn: float | None, word: Verdict | None
) -> None:
    assert verdict(LevelHealth(0, use, perplexity, 0.0, churn, ENOUGH), SIZE) is word


@pytest.mark.parametrize("frames", [None, 0.0, ENOUGH - 1])
def test_a_window_of_too_few_frames_is_not_judged(frames: float | None) -> None:
    assert verdict(LevelHealth(0, 0.1, 4.0, 30.0, 0.0, frames), SIZE) is None
    assert verdict(LevelHealth(0, 0.1, 4.0, 30.0, 0.0, ENOUGH), 0) is None


def test_a_level_of_a_card() -> None:
    assert level_of({"level": 2, "utilization": 0.5, "frames": 9.0}) == LevelHealth(2, 0.5, frames=9.0)
    assert level_of({"utilization": 0.5}, 1) == LevelHealth(1, 0.5)
