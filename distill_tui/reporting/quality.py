"""How good a codec's reconstructions are, in a percent and in words, from the held-out sounds of a run or a card."""

from typing import NamedTuple

from distill_tui.library.card import Facts
from distill_tui.reporting import sound_quality
from distill_tui.runs.state import RunState


class Quality(NamedTuple):
    """`percent` is 0..100, None where it was not measured; `words` name what is heard to be wrong: `buzzes`."""

    percent: float | None
    words: tuple[str, ...] = ()


def quality_of_run(state: RunState) -> Quality | None:
    """The newest quality of a run; None before its first validation, for priors and for images."""
    return _quality(sound_quality.of_log(state.numbers))


def quality_of_card(card: Facts) -> Quality | None:
    """The quality of a model; None for priors, images and older files."""
    return _quality(sound_quality.of_model(card))


def quality_text(quality: Quality | None) -> str:
    """Put into one line: `71 %: dull above 8 kHz, buzzes`; '' where nothing is known."""
    if quality is None:
        return ""
    percent = "" if quality.percent is None else f"{quality.percent:.0f} %"
    return ": ".join(filter(None, (percent, ", ".join(quality.words))))


def _quality(numbers: sound_quality.Numbers) -> Quality | None:
    words = sound_quality.words(numbers)
    return Quality(None, tuple(words.split(", "))) if words else None
