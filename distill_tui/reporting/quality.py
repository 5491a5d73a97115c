"""How good a codec's reconstructions of held-out sounds are: on a scale from 0 to 100 %, and in words.

0 % is the mean spectrum of the training sounds in place of each sound, 100 % is each sound through the net's own
analysis and synthesis alone; both are measured at the start of a run (`engine.tasks.anchors`) by the distance that the
best epoch is chosen by (`sound_quality.FORMULA`). Between them the scale is linear in that distance. Priors and images
have none, nor have runs and models of releases that did not measure it.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from distill_tui.library.card import Facts
from distill_tui.reporting import sound_quality
from distill_tui.reporting.lines import Line, Role, Span
from distill_tui.runs.state import RunState

LEAST_SPAN = 0.05
"""The least distance between the ends of a scale: nearer together, the sounds are hardly more than their mean."""
GRADES = ((95.0, "hard to tell apart"), (85.0, "close"), (50.0, "recognisable"), (0.0, "rough"))
"""The word for a percentage, from the least one on that it is for. What is known to sound so sets them (`python -m
tests.benchmarks.quality`, drums at 44.1 kHz / speech at 8 kHz): Opus at 133 kbps 100 / 100 %, MP3 at 128 and 26 kbps
99 / 98 %; Opus at 27 and 33 kbps 90 / 92 %, mu-law 90 / 100 %; three minutes of training 80 / 74 %, a low-pass at
12 kHz 74 %, half the amplitude 74 / 52 %, random phases 70 / 49 %; noise 20 and 10 dB below 31 / 47 %, a low-pass at 4
and 2 kHz 12 / 6 %."""
HELP = (
    "quality: 0 % is the mean spectrum of the training sounds in place of each held-out sound, 100 % each through the "
    "same analysis and synthesis without a net; "
    + ", ".join(f"from {least:.0f} % {word}" for least, word in reversed(GRADES))
    + "."
)


class Quality(NamedTuple):
    """`percent` is 0..100, `mel_percent` the same of mel alone; `words` name what is heard to be wrong: `buzzes`."""

    percent: float | None
    words: tuple[str, ...] = ()
    mel_percent: float | None = None

    @property
    def grade(self) -> str:
        """The word for the percentage: `recognisable`; '' where that is not known."""
        # where something is heard to be wrong, the two can be told apart
        grades = GRADES[1:] if self.words else GRADES
        # as the percentage is shown
        return next((word for least, word in grades if self.percent is not None and round(self.percent) >= least), "")


def quality_of_run(state: RunState) -> Quality | None:
    """The newest quality of a run; None before its first distance, for priors, images and older logs."""
    if state.anchors is None:
        return None
    numbers = sound_quality.of_run(state)
    return quality_of(numbers, state.anchors.floor, state.anchors.ceiling)


def quality_of_card(card: Facts) -> Quality | None:
    """The quality of a model, of its best epoch; None for generators, images and older files."""
    return quality_of_numbers(sound_quality.of_model(card), card)


def quality_of_numbers(numbers: sound_quality.Numbers, card: Facts) -> Quality | None:
    """The quality of distances of a model's held-out sounds, on the scale of its card."""
    ends = card.anchors
    if "floor" not in ends or "ceiling" not in ends:
        return None
    return quality_of(numbers, ends["floor"], ends["ceiling"])


def quality_of(
    numbers: sound_quality.Numbers, floor: sound_quality.Numbers, ceiling: sound_quality.Numbers
) -> Quality | None:
    """The quality of distances between those of 0 % (`floor`) and of 100 % (`ceiling`); None if they are not known."""
    percent = percent_of("distance", numbers, floor, ceiling)
    if percent is None:
        return None
    return Quality(percent, sound_quality.words_of(numbers), percent_of("mel", numbers, floor, ceiling))


def percent_of(
    key: str, numbers: sound_quality.Numbers, floor: sound_quality.Numbers, ceiling: sound_quality.Numbers
) -> float | None:
    """Where one distance lies between its ends, 0 to 100; None if one of them is not known or they are one."""
    distance, worst, best = numbers.get(key), floor.get(key), ceiling.get(key)
    if distance is None or worst is None or best is None or not worst - best >= LEAST_SPAN or math.isnan(distance):
        return None
    return min(100.0, max(0.0, 100 * (worst - distance) / (worst - best)))


def quality_text(quality: Quality | None) -> str:
    """Put into one line: `71 %: dull above 8 kHz, buzzes`, or its grade where nothing is wrong; '' if not known."""
    if quality is None:
        return ""
    return ": ".join(filter(None, (percent_text(quality), ", ".join(quality.words) or quality.grade)))


def percent_text(quality: Quality | None) -> str:
    """The percentage: `71 %`; '' if it is not known."""
    return "" if quality is None or quality.percent is None else f"{quality.percent:.0f} %"


def quality_spans(quality: Quality) -> list[Span]:
    """The percentage, its grade, and what is heard in the role of a warning: `71 %, recognisable: buzzes`."""
    text = ", ".join(filter(None, (percent_text(quality), quality.grade)))
    spans: list[Span] = [(text, "strong")]
    if quality.words:
        spans += [(": ", "dim"), (", ".join(quality.words), "fair")]
    return spans


def quality_line(quality: Quality | None, title: str, width: int = 10, role: Role = "dim") -> list[Line]:
    """A fact for a report: `quality    71 %, recognisable: dull above 8 kHz, buzzes`; none where it is not known."""
    if quality is None:
        return []
    return [Line(((f"{title:{width}} ", role), *quality_spans(quality)), "quality", width + 1)]


def quality_document(quality: Quality | None) -> dict[str, Any] | None:
    """The quality as `--json` has it: `percent`, `words`, `mel_percent`, `grade`, and all of that as `text`."""
    if quality is None:
        return None
    return {**quality._asdict(), "grade": quality.grade, "text": quality_text(quality)}


def document_of_run(state: RunState) -> Mapping[str, Any] | None:
    """`quality_document` of a run."""
    return quality_document(quality_of_run(state))
