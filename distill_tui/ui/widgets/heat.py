"""Spectrograms in half blocks, or in shades where a terminal has no colours for them."""

import functools
import itertools
from collections.abc import Sequence

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App

from distill_tui.ui.services.spectrograms import Spectrogram

HEAT = (233, 17, 53, 54, 89, 125, 161, 167, 203, 209, 215, 221, 227, 229, 230)
"""From silent to loud, in numbers of the 256-colour palette."""
GLOW = ("0d0b14", "1f0c48", "550f6d", "88226a", "ba3655", "e35933", "f98c0a", "f9c932", "fcffa4")
"""From silent to loud where there is true colour: FINE_STEPS colours that lead from one of these to the next.

They are those of matplotlib's "inferno" (its lightness rises evenly), the first one lighter.
"""
FINE_STEPS = 64
SHADES = " ░▒▓█"
MOST_ROWS_KEPT, MOST_STYLES_KEPT = 4096, 8192


@functools.cache
def _colors(fine: bool) -> list[Color]:
    if not fine:
        return [Color.from_ansi(number) for number in HEAT]
    anchors = [tuple(bytes.fromhex(color)) for color in GLOW]
    found = []
    for step in range(FINE_STEPS):
        place, share = divmod(step * (len(anchors) - 1) / (FINE_STEPS - 1), 1)
        below, above = anchors[int(place)], anchors[min(int(place) + 1, len(anchors) - 1)]
        found.append(Color.from_rgb(*(round(a + (b - a) * share) for a, b in zip(below, above, strict=True))))
    return found


@functools.cache
def _pixels(upper: int, lower: int | None, fine: bool) -> Style:
    colors = _colors(fine)
    return Style(color=colors[upper], bgcolor=None if lower is None else colors[lower])


@functools.lru_cache(MOST_STYLES_KEPT)
def _over(base: Style, style: Style) -> Style:
    return base + style


def flat_segments(line: Text, base: Style) -> list[Segment] | None:
    """The segments of a line whose spans follow one another, as those of pictures do; None for one that has others.

    rich sorts and adds up the styles of thousands of spans, which took most of the time of a key.
    """
    plain, start = line.plain, 0
    between = _over(base, line.style) if isinstance(line.style, Style) else base
    found = []
    for first, last, style in line.spans:
        if first < start or not isinstance(style, Style):
            return None
        if first > start:
            found.append(Segment(plain[start:first], between))
        found.append(Segment(plain[first:last], _over(between, style)))
        start = last
    if start < len(plain):
        found.append(Segment(plain[start:], between))
    return found


def is_shaded(app: App[None]) -> bool:
    """True where spectrograms are drawn in shades: sixteen colours have no steps from silent to loud."""
    return app.current_theme.ansi or app.no_color or app.console.color_system == "standard"


def is_fine(app: App[None]) -> bool:
    """True where spectrograms are drawn in FINE_STEPS colours: a palette of 256 has no such many in a row."""
    return app.console.color_system == "truecolor" and not is_shaded(app)


@functools.lru_cache(MOST_ROWS_KEPT)
def picture_row(picture: Spectrogram, row: int, shaded: bool, fine: bool = False) -> Text:
    """Two rows of a picture in one row of half blocks, or of shades where colours are the terminal's own.

    Where the second of them would be beyond the picture's end there is nothing. The text is shared: copy it to change
    it.
    """
    upper = picture.rows[row * 2]
    lower = picture.rows[row * 2 + 1] if row * 2 + 1 < len(picture.rows) else None
    if shaded:
        means = upper if lower is None else [(a + b) // 2 for a, b in zip(upper, lower, strict=True)]
        return Text("".join(SHADES[mean * len(SHADES) // 256] for mean in means))
    steps = len(_colors(fine))
    tops = [a * steps // 256 for a in upper]
    bottoms: Sequence[int | None] = [None] * len(tops) if lower is None else [b * steps // 256 for b in lower]
    found = Text()
    # neighbours of one colour are sent as one
    for pixels, run in itertools.groupby(zip(tops, bottoms, strict=True)):
        found.append("▀" * len(list(run)), _pixels(*pixels, fine))
    return found
