"""Bars of block characters, an eighth of a cell in height at a time."""

import math
from collections.abc import Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"


def bars(values: Sequence[float], rows: int) -> list[str]:
    """`rows` lines, the highest first, with a bar of eighths for each share of 0..1; `·` below what is not known."""
    lines = []
    for row in reversed(range(rows)):
        line = ""
        for value in values:
            if not math.isfinite(value):
                line += "·" if row == 0 else " "
                continue
            eighths = round(min(1.0, max(0.0, value)) * rows * 8) - row * 8
            # a share above nothing must show
            least = 1 if row == 0 and value > 0 else 0
            line += BLOCKS[min(8, max(least, eighths))]
        lines.append(line)
    return lines


def blocks(values: Sequence[float], most: float = 1.0) -> str:
    """One character a value: its height from 0 to `most`, never empty; `·` where it is not known."""
    return "".join(
        BLOCKS[1 + round(min(1.0, max(0.0, value / most)) * 7)] if math.isfinite(value) else "·" for value in values
    )
