"""Bits a frame: how well a prior tells the codes of sounds. Names of its metrics, and what they mean in words."""

from collections.abc import Mapping
from typing import Literal

from distill_tui.library.card import Facts
from distill_tui.reporting.formatting import number
from distill_tui.runs.state import RunState

Split = Literal["training", "validation"]
VAL, TRAIN = "bits/val", "bits/train"
MEASURE = "bits a frame of held-out sounds"
HELP = (
    "Bits that a latent frame of held-out sounds takes by the prior, all levels together: the fewer, the better it "
    "knows such sounds. Codes drawn evenly take log2 of the codebook's size a level. The best epoch has the fewest."
)


def text(bits: float | None) -> str:
    """`12.3 bits a frame`."""
    return f"{number(bits)} bits a frame"


def listed(facts: Facts) -> str:
    """What a list of models shows of a generator in place of a distance: `12.3 bits`; '' for other models."""
    bits = facts.losses.get("bits")
    return "" if bits is None else f"{bits:.1f} bits"


def distance_text(state: RunState, value: float | None) -> str:
    """The held-out distance of a run in words: `held-out distance 0.31`, of a prior `12.3 bits a frame held out`."""
    return f"{text(value)} held out" if state.is_prior else f"held-out distance {number(value)}"


def level_key(level: int, split: Split = "validation") -> str:
    """The metric of a level's bits a frame, of held-out sounds or of those trained on; levels count from 0."""
    return f"bits/level/{level}" if split == "validation" else f"bits/train/level/{level}"


def levels(numbers: Mapping[str, float | None]) -> list[float | None]:
    """Held-out bits a frame of each level, by the metrics of a run; [] where it is no prior's."""
    found: list[float | None] = []
    while (key := level_key(len(found))) in numbers:
        found.append(numbers[key])
    return found
