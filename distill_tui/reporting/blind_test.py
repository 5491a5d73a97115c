"""A blind test in words: how many answers were right, and how likely guesses are to be as good."""

import math
from collections.abc import Sequence

from distill_tui.runs.blind_tests import Answer

LEAST_ANSWERS = 5
"""Fewer right answers in a row are too often luck: 4 in 1 of 16 cases."""
SURE = 0.05
"""Probability of guesses that are as good, below which the difference is said to be heard."""


def chance(right: int, answers: int) -> float:
    """Probability that guesses give at least so many right ones of so many (binomial with one half)."""
    return sum(math.comb(answers, count) for count in range(right, answers + 1)) / 2.0**answers


def score(answers: Sequence[Answer]) -> tuple[int, int, int]:
    """Right answers, all answers but "cannot tell", and those."""
    told = [one.is_right for one in answers if one.is_right is not None]
    return sum(told), len(told), len(answers) - len(told)


def score_text(answers: Sequence[Answer]) -> str:
    """`5 of 7 right, 2 cannot tell`."""
    right, told, untold = score(answers)
    if not answers:
        return "no answers yet"
    return f"{right} of {told} right" + (f", {untold} cannot tell" if untold else "")


def verdict(answers: Sequence[Answer]) -> str:
    """The meaning of the score. Each "cannot tell" counts as half a right answer, as a guess would be."""
    right, told, untold = score(answers)
    guessed = right + untold // 2
    count = told + untold
    if count < LEAST_ANSWERS:
        return f"Too few answers to tell: {LEAST_ANSWERS} at least."
    likely = chance(guessed, count)
    if likely <= SURE:
        return f"You hear the difference: guesses are as good in {share(likely)} of cases."
    return f"No difference proven: guesses are as good in {share(likely)} of cases."


def share(probability: float) -> str:
    """`36 %`, `3.1 %`, `less than 0.1 %`."""
    if probability < 0.001:
        return "less than 0.1 %"
    return f"{100 * probability:.{1 if probability < 0.0995 else 0}f} %"
