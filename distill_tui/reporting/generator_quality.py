"""What is said of sets of generated sounds: the measures, their words, and a table with references beside them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from distill_tui.reporting.formatting import MISSING, percent, table

Numbers = Mapping[str, float | None]


class Measure(NamedTuple):
    """A measure of a set of takes: its key, the head of its column, and what it says."""

    key: str
    head: str
    is_share: bool
    help: str


MEASURES = (
    Measure("distance", "distance", False, "kernel distance to the held-out sounds x 100; 0 and below: not told apart"),
    Measure("coverage", "covered", True, "held-out sounds that a take is near to"),
    Measure("coverage_training", "of trained", True, "training sounds that a take is near to"),
    Measure("one_nn", "told apart", True, "takes and training sounds whose nearest is of their own set; 50 %: no"),
    Measure("newer", "newer", True, "pairs in which a take is farther from the training sounds than a held-out one is"),
    Measure("copies", "copies", True, "takes as near to a training sound as a copy of it through the codec"),
    Measure("novelty", "novelty", False, "median; 0: such a copy, 1: as far as a held-out sound usually is"),
    Measure("copied_frames", "run", True, "median of the longest run of codes of one training sound, all levels"),
    Measure("copied_coarse", "run, level 1", True, "the same of the first level alone"),
    Measure("diversity", "diversity", False, "mean distance of two takes, over that of two training sounds"),
    Measure("cut", "cut", True, "takes that end above -26 dB of their peak"),
    Measure("labels_right", "label right", True, "takes whose nearest training sound has the label asked for"),
)
BY_KEY = {measure.key: measure for measure in MEASURES}


def value_text(key: str, value: float | None) -> str:
    """A measure as it is shown: `0.93`, `12 %`; `-` where it is not known."""
    if value is None:
        return MISSING
    return percent(value) if BY_KEY[key].is_share else f"{value:.2f}"


def sets_table(sets: Sequence[tuple[str, Numbers]]) -> str:
    """Sets of takes by name, a row each."""
    head = ["set", *(measure.head for measure in MEASURES)]
    rows = [[name, *(value_text(one.key, numbers.get(one.key)) for one in MEASURES)] for name, numbers in sets]
    return table(head, rows)


HELP = "\n".join(f"  {measure.head:13}{measure.help}" for measure in MEASURES)
"""What help says of the columns."""
