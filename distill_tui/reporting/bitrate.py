"""The bit rate that codes carry, and advice on settings that would carry the same for less.

A level carries the entropy of its codes, log2 of their perplexity, of the log2 of its size that it takes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from distill_tui.recipe.arithmetic import codes_kbps
from distill_tui.reporting.formatting import kbps, percent
from distill_tui.reporting.lines import Line, line
from distill_tui.reporting.verdicts import has_enough_frames
from distill_tui.runs.state import LevelHealth, RunState

EVEN_USE = 0.8
"""Share of a codebook's size that its perplexity can be expected to reach: 0.70 to 0.92 in codebooks of 64 to 512 codes
after three minutes on drums and on spoken digits."""
SPARE_BITS = 2
"""Bits of a frame that a smaller codebook saves, from which on it is advised."""
LITTLE_DISTANCE = 0.02
"""Rise of the held-out distance without the last levels, up to which these are advised against.

They are left out when encoding, not in another run: of models with 3 levels the first 2 alone are 1 % (spoken digits)
and 0.2 % (drums) farther, while models trained with 2 ended 3 % farther and 2 % nearer (one seed)."""


@dataclass(frozen=True)
class Advice:
    """A setting that would carry the same for less, and the bit rate with it.

    `key` is `levels`, those to encode with, or `model.codebook_size` of another run; `level` is the one that it is
    about, None for all: a recipe has one codebook size.
    """

    key: str
    value: int
    kbps: float
    text: str
    level: int | None = None


def entropy_kbps(levels: Sequence[LevelHealth], frame_rate: float | None) -> float | None:
    """The entropy of the codes in kilobits a second; None where it is not known."""
    known = _perplexities(levels)
    return codes_kbps(frame_rate, list(map(math.log2, known))) if frame_rate and known else None


def bitrate_text(nominal: float | None, levels: Sequence[LevelHealth], frame_rate: float | None) -> str:
    """`0.90 kbps, entropy 0.84`: nominal, and the entropy of the codes where it is known."""
    entropy = entropy_kbps(levels, frame_rate)
    return kbps(nominal) if entropy is None or not nominal else f"{kbps(nominal)}, entropy {entropy:.2f}"


def advise(
    levels: Sequence[LevelHealth], size: int, frame_rate: float | None, distances: Sequence[float | None] = ()
) -> list[Advice]:
    """Advice on codebooks of `size` codes; none where the numbers are missing or come from too few frames.

    Args:
        distances: held-out distances with the first 1, 2, ... levels, where they are known.
    """
    if not frame_rate or size < 2:
        return []
    return [*_fewer_levels(levels, size, frame_rate, distances), *_smaller_codebooks(levels, size, frame_rate)]


def advise_on_run(state: RunState) -> list[Advice]:
    """Advice on the codebooks of a run that has ended: while it trains its codes still spread."""
    if state.is_active or state.prepared is None:
        return []
    distances = state.model.level_distances if state.model else ()
    return advise(state.health, state.prepared.codebook_size, state.prepared.frame_rate, distances)


def bitrate_of_run(state: RunState) -> str:
    """The bit rate of a run (see `bitrate_text`); '' where it has none."""
    if state.prepared is None or not state.prepared.kbps:
        return ""
    return bitrate_text(state.prepared.kbps, state.health, state.prepared.frame_rate)


def advice_lines(advice: Sequence[Advice]) -> list[Line]:
    """Advice as lines, with an id for each."""
    ids = (f"advice/{one.key}" + ("" if one.level is None else f"/{one.level}") for one in advice)
    return [line(one.text, id=id) for one, id in zip(advice, ids, strict=True)]


def size_that_carries(perplexity: float) -> int:
    """The smallest power of 2 of codes that can be expected to be used as evenly as this perplexity takes."""
    return 1 << max(1, math.ceil(math.log2(perplexity / EVEN_USE)))


def _perplexities(levels: Sequence[LevelHealth]) -> list[float]:
    """The perplexity of each level; [] unless that of all is known."""
    # 1 is the least that there is, but for rounding: a card may claim anything
    known = [max(1.0, one.perplexity) for one in levels if one.perplexity and 0.999 <= one.perplexity < math.inf]
    return known if len(known) == len(levels) else []


def _fewer_levels(
    levels: Sequence[LevelHealth], size: int, frame_rate: float, distances: Sequence[float | None]
) -> Iterator[Advice]:
    known = [value for value in distances if value is not None and math.isfinite(value) and value > 0]
    if not known or len(known) != len(levels):
        return
    enough = next(k for k, value in enumerate(known, 1) if value <= known[-1] * (1 + LITTLE_DISTANCE))
    if enough == len(known):
        return
    now, then = (codes_kbps(frame_rate, [math.log2(size)] * count) for count in (len(known), enough))
    rise = max(0.0, known[enough - 1] / known[-1] - 1)
    first = "The first level alone is" if enough == 1 else f"The first {enough} levels alone are"
    text = (
        f"{first} {percent(rise)} farther from held-out sound than all {len(known)}: "
        f"encode with --levels {enough}, {now:.2f} -> {then:.2f} kbps."
    )
    yield Advice("levels", enough, then, text)


def _smaller_codebooks(levels: Sequence[LevelHealth], size: int, frame_rate: float) -> Iterator[Advice]:
    perplexities, full = _perplexities(levels), math.log2(size)
    if not perplexities or not all(has_enough_frames(level, size) for level in levels):
        return
    count, most = len(levels), max(perplexities)
    now, common = codes_kbps(frame_rate, [full] * count), size_that_carries(most)
    if _is_spare(common, size):
        then = codes_kbps(frame_rate, [math.log2(common)] * count)
        text = (
            f"No level uses more than {_use(most, size)}: --codebook-size {common} would carry the same, "
            f"{now:.2f} -> {then:.2f} kbps."
        )
        yield Advice("model.codebook_size", common, then, text)
        return
    for level, perplexity in zip(levels, perplexities, strict=True):
        fitting = size_that_carries(perplexity)
        if _is_spare(fitting, size):
            then = codes_kbps(frame_rate, [full] * (count - 1) + [math.log2(fitting)])
            text = (
                f"Level {level.level + 1} uses {_use(perplexity, size)}: {fitting} codes would carry the same, "
                f"{now:.2f} -> {then:.2f} kbps, but other levels need more."
            )
            yield Advice("model.codebook_size", fitting, then, text, level.level)


def _is_spare(fitting: int, size: int) -> bool:
    return math.log2(size) - math.log2(fitting) >= SPARE_BITS


def _use(perplexity: float, size: int) -> str:
    bits, all_bits = math.log2(perplexity), math.log2(size)
    return f"{perplexity:.0f} of {size} codes' worth ({bits:.1f} of {all_bits:.1f} bits)"
