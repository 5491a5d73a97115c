"""The quality to expect of a training: that of the most similar one that is known, or nothing."""

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from distill_tui.data.corpus import Corpus
from distill_tui.errors import DistillError
from distill_tui.library.card import Card
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe.resolve import ATTACKS, TONES
from distill_tui.reporting import sound_quality
from distill_tui.reporting.formatting import duration, shorten
from distill_tui.reporting.quality import quality_of_card, quality_text
from distill_tui.text import printable

MOST_MODELS = 50
"""Models of the library whose cards are read, the newest first."""
ALIKE_CROPS, ALIKE_SECONDS, ALIKE_RATE = 2.0, 3.0, 1.1
"""Ratios of the crops that were trained on, of the seconds of sound, and of the sample rates, up to which a training
says something of another. With the same sounds only the crops count."""
SAME_SOUNDS = 0.5
"""Share of sounds in common from which two sets are taken for the same."""
NAME_CELLS = 24
UNKNOWN = "unknown until a similar run has finished"


@dataclass(frozen=True)
class Subject:
    """The training that is asked about, or one whose result is known.

    `crops` is how many it is trained on in all, `seconds` those of all its sounds, `rate` its model's in Hz, `kind` the
    kind of sound where it is known, `contents` the hashes of the sounds.
    """

    crops: float
    seconds: float
    rate: int
    kind: str = ""
    contents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Result:
    """A finished training: its name, and its held-out quality in words."""

    name: str
    subject: Subject
    text: str
    is_shipped: bool = False


@dataclass(frozen=True)
class Expected:
    """The quality to expect, and where that is known from; `text` is '' if nothing is known."""

    text: str = ""
    source: str = ""

    @property
    def line(self) -> str:
        """Both in a line."""
        return f"{self.text} ({self.source})" if self.text else UNKNOWN


def kind_of(tonality: float | None) -> str:
    """`attacks`, `tones` or `between`; '' where the tonality was not measured."""
    if tonality is None:
        return ""
    return "tones" if tonality >= TONES else "attacks" if tonality < ATTACKS else "between"


@dataclass(frozen=True)
class _Shipped:
    what: str
    kind: str
    seconds: float
    rate: int
    steps: int
    numbers: Mapping[str, float] = field(default_factory=dict)


_SHIPPED = (
    _Shipped("45 s of drums", "attacks", 45.0, 44100, 1273, {"mel": 0.260, "buzz": 0.41, "level": 0.6, "attack": 1.6}),
    _Shipped("45 s of drums", "attacks", 45.0, 44100, 4447, {"mel": 0.231, "buzz": 0.40, "level": 0.6, "attack": 0.9}),
    _Shipped(
        "150 spoken digits", "between", 59.0, 8000, 1610, {"mel": 0.201, "buzz": 0.28, "level": 0.4, "attack": 1.3}
    ),
)
"""Means over held-out sounds, measured by `python -m tests.benchmarks.sound` with steps of _SHIPPED_BATCH crops: the
table of tests/benchmarks/RESULTS.md under "What comes out sounds like what went in"."""
_SHIPPED_BATCH = 8


def shipped_results() -> list[Result]:
    """The results that were measured with this program and are shipped with it."""
    return [
        Result(
            f"{one.what}, {one.steps:,} steps, measured with this program",
            Subject(one.steps * _SHIPPED_BATCH, one.seconds, one.rate, one.kind),
            numbers_text(one.numbers),
            is_shipped=True,
        )
        for one in _SHIPPED
    ]


def own_results(home: Home) -> list[Result]:
    """The results of the models in the library, the newest first. Reads the disk; it never fails."""
    found: list[Result] = []
    with contextlib.suppress(DistillError, OSError):
        codecs = [entry for entry in Library(home).list() if entry.kind == "codec"][:MOST_MODELS]
        for entry in codecs:
            with contextlib.suppress(DistillError, OSError, ValueError, TypeError):
                if result := result_of(read_card(entry.path), entry.name):
                    found.append(result)
    return found


def result_of(card: Card, name: str) -> Result | None:
    """The result that a codec's card tells; None where it says too little."""
    text, seconds = quality_of(card), card.data.get("seconds")
    batch = card.recipe.get("train", {}).get("batch_size")
    if not text or not card.step or not isinstance(seconds, int | float) or not isinstance(batch, int):
        return None
    sounds = card.data.get("sounds")
    rows = [row for row in sounds if isinstance(row, list) and len(row) > 1] if isinstance(sounds, list) else []
    contents = frozenset(str(row[1]) for row in rows)
    steps = f"{card.step:,} steps on {duration(float(seconds))} of sound"
    subject = Subject(float(card.step * batch), float(seconds), card.rate, contents=contents)
    return Result(f"as {shorten(printable(name), NAME_CELLS)}: {steps}", subject, text)


def quality_of(card: Card) -> str:
    """The held-out quality of a card in words; '' where it is not known."""
    found = quality_of_card(card)
    return quality_text(found) if found and found.percent is not None else numbers_text(sound_quality.of_model(card))


def numbers_text(numbers: sound_quality.Numbers) -> str:
    """Distances in few words: `mel 0.260, buzzes`; '' for none."""
    mel = numbers.get("mel")
    if mel is None:
        return ""
    return ", ".join(filter(None, (f"mel {sound_quality.value_text('mel', mel)}", sound_quality.words(numbers))))


def subject_of(corpus: Corpus, crops: float, rate: int) -> Subject:
    """A training on the sounds of a scan."""
    contents = frozenset(sound.content for sound in corpus.sounds)
    return Subject(crops, corpus.seconds, rate, kind_of(corpus.facts().tonality), contents)


def expected(subject: Subject, results: Sequence[Result]) -> Expected:
    """The quality of the training most similar to `subject`; of those equally near the first counts."""
    near = [(distance, result) for result in results if (distance := _distance(subject, result)) is not None]
    if not near:
        return Expected()
    best = min(near, key=lambda pair: pair[0])[1]
    return Expected(best.text, best.name)


def _distance(subject: Subject, result: Result) -> float | None:
    """How far a known training is from one that is planned; None where it says nothing of it."""
    other = result.subject
    if min(subject.crops, other.crops, subject.seconds, other.seconds, subject.rate, other.rate) <= 0:
        return None
    crops, seconds, rate = (
        abs(math.log(a / b))
        for a, b in ((subject.crops, other.crops), (subject.seconds, other.seconds), (subject.rate, other.rate))
    )
    if crops > math.log(ALIKE_CROPS) or rate > math.log(ALIKE_RATE):
        return None
    if _in_common(subject.contents, other.contents) >= SAME_SOUNDS:
        return crops
    if seconds > math.log(ALIKE_SECONDS) or (subject.kind and other.kind and subject.kind != other.kind):
        return None
    # one's own come before those that were measured elsewhere
    return 1.0 + crops + seconds + result.is_shipped


def _in_common(some: frozenset[str], others: frozenset[str]) -> float:
    return len(some & others) / max(len(some), len(others)) if some and others else 0.0
