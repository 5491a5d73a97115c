"""The axes of a spectrogram in rows and columns of characters: frequencies on the mel scale, and seconds."""

import math
from collections.abc import Iterator

from distill_tui.reporting.axis import round_numbers

LEAST_HERTZ = 40.0
"""Lower edge of the lowest band of a picture (`data.spectrogram`)."""
LEAST_ROWS = 2
"""From one label to the next."""
HERTZ = (20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100)


def mel(hertz: float) -> float:
    """The mel scale of O'Shaughnessy (1987)."""
    return 2595 * math.log10(1 + hertz / 700)


def row_of(hertz: float, rate: float, rows: int) -> int:
    """The row, from 0 at the top, whose two bands are centred nearest to a frequency.

    Args:
        rate: of the sound, twice the highest frequency of the picture.
        rows: of the picture; a row holds two of its bands, whose centres are evenly spaced on the mel scale.
    """
    lowest, highest, bands = mel(LEAST_HERTZ), mel(rate / 2), 2 * rows
    band = (mel(hertz) - lowest) / (highest - lowest) * (bands + 1) - 1
    return (bands - 1 - round(band)) // 2


def hertz_labels(rate: float, rows: int) -> dict[int, str]:
    """Round frequencies by row: `10k`, `500`; as many as there is room for, `Hz` beside the lowest."""
    found: dict[int, str] = {}
    for hertz in HERTZ:
        row = row_of(hertz, rate, rows)
        if hertz < rate / 2 and 0 <= row < rows and all(abs(row - other) >= LEAST_ROWS for other in found):
            found[row] = f"{hertz // 1000}k" if hertz >= 1000 else f"{hertz}"
    if found:
        found[max(found)] += "Hz"
    return found


def seconds_line(seconds: float, width: int) -> str:
    """A line of `width` characters below a picture: round seconds at their columns, `s` behind the last."""
    line = [" "] * width
    if seconds <= 0 or not math.isfinite(seconds) or width < 8:
        return "".join(line)
    labels = list(_labels(seconds, width))
    for number, (place, text) in enumerate(labels):
        said = text + " s" if number == len(labels) - 1 else text
        if place + len(said) <= width:
            line[place : place + len(said)] = said
    return "".join(line)


def _labels(seconds: float, width: int) -> Iterator[tuple[int, str]]:
    """Columns and their round seconds; each begins at its column, so the last one leaves room for its unit."""
    free = -1
    for value in round_numbers(0, seconds, max(2, width // 10)):
        place, text = int(value / seconds * width), f"{value:.6g}"
        if place > free and place + len(text) + 2 <= width:
            free = place + len(text) + 1
            yield place, text
