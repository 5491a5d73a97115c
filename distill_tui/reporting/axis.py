"""The axis of values of a chart: linear or logarithmic, with round numbers as its ticks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LOG_RATIO = 8.0
"""From this greatest / least on a curve is drawn on a logarithmic scale, or its later part would be flat."""


@dataclass
class Scale:
    """Values from `low` to `high` on `rows` rows, the greatest on row 0."""

    low: float
    high: float
    rows: int
    logarithmic: bool = False

    def __post_init__(self) -> None:
        low, high = (math.log(self.low), math.log(self.high)) if self.logarithmic else (self.low, self.high)
        # halves, since the difference of two numbers may be beyond all numbers
        self._half_low = low / 2
        self._rows_per_half = (self.rows - 1) / (high / 2 - low / 2) if high > low else 0.0

    def place(self, value: float) -> float:
        """The row of a value, which may lie outside; a value that has no logarithm lies far below."""
        if not self._rows_per_half:
            return self.rows / 2
        if self.logarithmic:
            if value <= 0:
                return 10.0 * self.rows
            value = math.log(value)
        return self.rows - 1 - (value / 2 - self._half_low) * self._rows_per_half

    def row(self, value: float) -> int:
        """The row of a value, kept within the chart."""
        return round(min(self.rows - 1, max(0, self.place(value))))

    def ticks(self, most: int) -> list[float]:
        """At most `most` round numbers (two at least, if there are as many) within the scale."""
        if self.high <= self.low or not math.isfinite(self.high - self.low):
            return [self.low]
        if self.logarithmic:
            for steps in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
                decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
                ticks = [n * 10.0**d for d in decades for n in steps]
                ticks = [tick for tick in ticks if self.low <= tick <= self.high]
                if 2 <= len(ticks) <= most:
                    return ticks
        return round_numbers(self.low, self.high, most)


def round_numbers(low: float, high: float, most: int, whole: bool = False) -> list[float]:
    """At most `most` numbers between `low` and `high` that are multiples of 1, 2, 2.5 or 5 times a power of ten.

    Args:
        whole: only multiples of a whole number, for what is counted, such as steps.
    """
    rough = (high - low) / max(1, most)
    size = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    for factor in (1, 2, 2.5, 5, 10, 20, 25, 50):
        step = factor * size
        if whole and not step.is_integer():
            continue
        first = math.ceil(low / step - 1e-9)
        count = math.floor(high / step + 1e-9) - first + 1
        if count <= most:
            return [(first + i) * step for i in range(count)]
    return [low]


def scale_for(lows_and_highs: Sequence[tuple[float, float]], rows: int, kind: str = "auto") -> Scale | None:
    """A scale that holds all of these; `kind` is log, linear or auto (log once they span much). None for nothing."""
    known = [(low, high) for low, high in lows_and_highs if math.isfinite(low) and math.isfinite(high)]
    if not known:
        return None
    low, high = min(a for a, _ in known), max(b for _, b in known)
    positive = [a for a, _ in known if a > 0]
    logarithmic = bool(positive) and (kind == "log" or (kind == "auto" and low > 0 and high / low > LOG_RATIO))
    if logarithmic:
        low = min(positive)
    if high <= low:
        room = abs(low) * 0.05 or 1.0
        low, high = (low / 1.05, high * 1.05) if logarithmic else (low - room, high + room)
    return Scale(low, high, rows, logarithmic)
