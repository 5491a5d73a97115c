"""Bits a frame: how well a prior tells the codes of sounds. Names of its metrics, and what they mean in words."""

from collections.abc import Mapping

VAL, TRAIN = "bits/val", "bits/train"
MEASURE = "bits a frame of held-out sounds"
HELP = (
    "Bits that a latent frame of held-out sounds takes by the prior, all levels together: the fewer, the better it "
    "knows such sounds. Codes drawn evenly take log2 of the codebook's size a level. The best epoch has the fewest."
)


def level_key(level: int) -> str:
    """The metric of a level's held-out bits a frame; levels count from 0."""
    return f"bits/level/{level}"


def levels(numbers: Mapping[str, float | None]) -> list[float | None]:
    """Held-out bits a frame of each level, by the metrics of a run; [] where it is no prior's."""
    found: list[float | None] = []
    while (key := level_key(len(found))) in numbers:
        found.append(numbers[key])
    return found
