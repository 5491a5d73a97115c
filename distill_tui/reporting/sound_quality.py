"""The distances of a reconstruction from its sound: names, units, meanings, and when they are worth worrying about.

Everything that shows them reads them here: screens, commands, pages and exports. How they are computed stands in
`engine.dsp.losses` (mel) and `engine.dsp.hearing`.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple

from distill_tui.library.card import Facts
from distill_tui.reporting.formatting import MISSING, hertz, number
from distill_tui.reporting.lines import Line, Span
from distill_tui.runs.state import RunState

Numbers = Mapping[str, float | None]
"""Distances by name: those of MEASURES and `distance`, the signed medians `level_median` and `attack_median`, and
`dull_above`."""


class Measure(NamedTuple):
    """A distance. `worry` is what it is worth worrying from, None where that depends on the sounds."""

    key: str
    unit: str
    digits: int
    worry: float | None
    help: str


MEASURES = (
    Measure("mel", "", 3, None, "difference of log-mel spectrograms, the colour of the sound over time; 0 is the same"),
    Measure("lsd", "dB", 1, None, "log-spectral distance, the same of single frequencies"),
    Measure("buzz", "", 2, 0.2, "repetition above 1 kHz that the original does not have, near 1 for noise at worst"),
    Measure("level", "dB", 1, 3.0, "difference of loudness (RMS)"),
    Measure("attack", "dB", 1, 4.0, "difference of the loudest millisecond"),
)
BY_KEY = {measure.key: measure for measure in MEASURES}
DULL_ABOVE = "dull_above"
"""The frequency in Hz from which on energy is missing, 0 for none (see `dull_above`)."""
NAMES = (*BY_KEY, "level_median", "attack_median", DULL_ABOVE)
DISTANCE = Measure("distance", "", 3, None, "all but lsd in one number, by which the best epoch is chosen")
SIGNED = {"level": "level_median", "attack": "attack_median"}
"""The signed median over sounds, in dB, that belongs to a mean of absolute values: negative is too quiet or soft."""
DULL_DB, DULL_SHARE = 6.0, 0.2
"""Energy is missing in a band that is so much quieter than in the original, as a median over the sounds in which it can
be heard, which are to be this share of all. A sound through mel bands alone loses up to 2 dB, one without what is above
a frequency 40 and more; a low bit rate takes 7 to 16 dB from the highest bands (tests/benchmarks/RESULTS.md)."""
_BAND = "band_"
MOST_DB = 20.0
FORMULA = "mel + 0.1 x buzz + 0.01 x (level + attack)"
"""What is kept as best, ends a run early and tells overfitting. A sound counts with at most MOST_DB of level and of
attack: against silence a hiss that nobody hears is 40 dB too loud, and would outweigh all other sounds."""
EXPLANATION = f"distance = {FORMULA}, with level and attack in dB, each up to {MOST_DB:.0f} dB a sound"
_DIRECTIONS = {"level": ("too quiet", "too loud"), "attack": ("soft attacks", "hard attacks")}
_UNEVEN = {"level": "uneven loudness", "attack": "uneven attacks"}


def distance(numbers: Mapping[str, float]) -> float:
    """The distance of one sound by FORMULA, from its mel, buzz, level and attack."""
    decibels = min(abs(numbers["level"]), MOST_DB) + min(abs(numbers["attack"]), MOST_DB)
    # `min` of NaN depends on the order
    found = numbers["mel"] + 0.1 * numbers["buzz"] + 0.01 * decibels
    return found if math.isfinite(numbers["level"]) and math.isfinite(numbers["attack"]) else math.nan


def summary(sounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Distances over sounds: `distance`, the mean of each measure, signed medians, and `dull_above`.

    Args:
        sounds: the measures of each, one sound at least; `level`, `attack` and the levels of bands with their sign.
    """
    found = {"distance": fmean(map(distance, sounds))}
    found |= {key: fmean(abs(sound[key]) for sound in sounds) for key in BY_KEY if key in sounds[0]}
    found |= {name: median(sound[key] for sound in sounds) for key, name in SIGNED.items()}
    return found | ({DULL_ABOVE: dull_above(sounds)} if any(key.startswith(_BAND) for key in sounds[0]) else {})


def band_key(low: int) -> str:
    """What the level of the band from `low` Hz on is called among the measures of a sound."""
    return f"{_BAND}{low}"


def dull_above(sounds: Sequence[Mapping[str, float]]) -> float:
    """The frequency in Hz from which on energy is missing in every band that can be heard; 0 for none."""
    lowest = 0
    for low in sorted((int(key.removeprefix(_BAND)) for key in sounds[0] if key.startswith(_BAND)), reverse=True):
        known = [level for sound in sounds if not math.isnan(level := sound[band_key(low)])]
        if len(known) < max(1, DULL_SHARE * len(sounds)):
            continue
        if median(known) > -DULL_DB:
            break
        lowest = low
    return float(lowest)


def of_model(facts: Facts) -> dict[str, float | None]:
    """Held-out distances of a model; {} of a generator: what older ones call theirs are bits."""
    if "bits" in facts.losses:
        return {}
    found = {key: facts.distances[key] for key in NAMES if key in facts.distances}
    return _with_distance(found, facts.losses.get("distance"), is_sound=facts.rate > 0)


def of_run(state: RunState) -> dict[str, float | None]:
    """The newest held-out distances of a run; {} before there are any."""
    if state.is_prior:
        return {}
    is_sound = state.prepared is not None and state.prepared.rate > 0
    return _with_distance(of_log(state.numbers), state.numbers.get("distance/val"), is_sound)


def of_log(numbers: Numbers) -> dict[str, float | None]:
    """What the distance is made of, from the numbers of a log; {} for images, and in logs of older releases."""
    return {key: numbers[f"distance/{key}"] for key in NAMES if f"distance/{key}" in numbers}


def _with_distance(found: Numbers, one: float | None, is_sound: bool) -> dict[str, float | None]:
    """Distances with the one that they make; that of sound was its mel before there were others."""
    if found:
        return {"distance": one, **found}
    return {} if one is None else {"mel" if is_sound else "distance": one}


def common_measure(models: Sequence[Numbers]) -> str:
    """What models are listed and sorted by: `distance`, or `mel` if some have that only.

    Args:
        models: the distances of each, as `of_model` finds them; {} for one that has none.
    """
    return "mel" if any("mel" in one and "distance" not in one for one in models) else "distance"


def listed(numbers: Numbers, measure: str) -> float | None:
    """The number that a list shows of a model; of images, which have no other, their own distance."""
    return numbers.get(measure if measure in numbers else "distance")


def is_worrying(key: str, numbers: Numbers) -> bool:
    """True if a measure is beyond what is worth worrying about."""
    value, measure = numbers.get(key), BY_KEY.get(key)
    return value is not None and measure is not None and measure.worry is not None and value > measure.worry


def word(key: str, numbers: Numbers) -> str:
    """What a measure means to the ear, if it is worth worrying about: `buzzes`, `too quiet`; '' otherwise.

    That of `mel`, the colour of the sound, is `dull above 8 kHz`.
    """
    if key == "mel" and (frequency := numbers.get(DULL_ABOVE)):
        return f"dull above {hertz(frequency)}"
    if not is_worrying(key, numbers):
        return ""
    if key not in SIGNED:
        return "buzzes"
    # most sounds differ alike, or they differ by as much in both directions
    signed, worry = numbers.get(SIGNED[key]), BY_KEY[key].worry
    assert worry is not None
    if signed is None or abs(signed) < worry / 2:
        return _UNEVEN[key]
    return _DIRECTIONS[key][signed > 0]


def words(numbers: Numbers) -> str:
    """The words for all that is worth worrying about: `buzzes, too quiet`; '' for nothing."""
    return ", ".join(words_of(numbers))


def words_of(numbers: Numbers) -> tuple[str, ...]:
    """`words`, each of its own."""
    return tuple(found for key in BY_KEY if (found := word(key, numbers)))


def value_text(key: str, value: float | None) -> str:
    """A distance with its digits and unit: `0.58`, `7.3 dB`; `-` where it is not known."""
    measure = BY_KEY.get(key, DISTANCE)
    if value is None:
        return MISSING
    # what is not finite, or has too few or too many digits so, as any other number: images are a hundredth apart
    least = 0.1 if measure.digits == 3 else 0.0
    text = f"{value:.{measure.digits}f}" if least <= abs(value) < 10_000 else number(value)
    return f"{text} {measure.unit}".rstrip()


def table_lines(numbers: Numbers, indent: int = 0) -> list[Line]:
    """A line for each measure that is known: its name, its value, and its word in a role that says the same."""
    found = []
    for key in ("distance", *BY_KEY):
        if key in numbers:
            spans: list[Span] = [(" " * indent + f"{key:9}", "dim"), (f"{value_text(key, numbers[key]):>8}", "plain")]
            if text := word(key, numbers):
                spans.append((f"  {text}", "fair"))
            found.append(Line(tuple(spans), f"sound/{key}"))
    return found


def compact_lines(numbers: Numbers, head: Line | None = None) -> list[Line]:
    """`table_lines` in five lines of 36 cells, the first of them `head`, or the distance: it has no word of its own.

    `lsd`, which has none either, stands beside `mel` where that leaves room.
    """
    distance, mel, *rest = table_lines(numbers)
    head = head or Line((("held-out sounds  ", "dim"), *distance.spans), "sound")
    if rest and rest[0].id == "sound/lsd":
        if not word("mel", numbers):
            mel = Line((*mel.spans, ("  lsd ", "dim"), (value_text("lsd", numbers["lsd"]), "plain")), mel.id)
        del rest[0]
    return [head, mel, *rest]


def worry_text(key: str) -> str:
    """From when a measure is worth worrying about, with its words: `Above 3.0 dB: too quiet, too loud, ...`."""
    if key == "mel":
        return f"Dull above a frequency: each band from there on lacks more than {DULL_DB:.0f} dB."
    named = (*_DIRECTIONS[key], _UNEVEN[key]) if key in SIGNED else ("buzzes",)
    return f"Above {value_text(key, BY_KEY[key].worry)}: {', '.join(named)}."


HELP = f"How far held-out sounds are from their originals: {EXPLANATION}; the best epoch has the least. " + " ".join(
    f"{one.key}: {one.help}. {worry_text(one.key) if one.worry or one.key == 'mel' else ''}".rstrip()
    for one in MEASURES
)
"""What help says of the distances."""
