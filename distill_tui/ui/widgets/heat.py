"""Spectrograms in half blocks, or in shades where a terminal has no colours for them."""

import functools
import itertools
from collections.abc import Sequence

from rich.color import Color
from rich.style import Style
from rich.text import Text
from textual.app import App

from distill_tui.ui.services.spectrograms import Spectrogram

HEAT = (233, 17, 53, 54, 89, 125, 161, 167, 203, 209, 215, 221, 227, 229, 230)
"""From silent to loud, in numbers of the 256-colour palette: it looks the same with and without true colour."""
SHADES = " ░▒▓█"


@functools.cache
def _pixels(upper: int, lower: int | None) -> Style:
    below = None if lower is None else Color.from_ansi(HEAT[lower])
    return Style(color=Color.from_ansi(HEAT[upper]), bgcolor=below)


def is_shaded(app: App[None]) -> bool:
    """True where spectrograms are drawn in shades: sixteen colours have no steps from silent to loud."""
    return app.current_theme.ansi or app.no_color or app.console.color_system == "standard"


def picture_row(picture: Spectrogram, row: int, shaded: bool) -> Text:
    """Two rows of a picture in one row of half blocks, or of shades where colours are the terminal's own.

    Where the second of them would be beyond the picture's end there is nothing.
    """
    upper = picture.rows[row * 2]
    lower = picture.rows[row * 2 + 1] if row * 2 + 1 < len(picture.rows) else None
    if shaded:
        means = upper if lower is None else [(a + b) // 2 for a, b in zip(upper, lower, strict=True)]
        return Text("".join(SHADES[mean * len(SHADES) // 256] for mean in means))
    steps = len(HEAT)
    tops = [a * steps // 256 for a in upper]
    bottoms: Sequence[int | None] = [None] * len(tops) if lower is None else [b * steps // 256 for b in lower]
    found = Text()
    # neighbours of one colour are sent as one
    for pixels, run in itertools.groupby(zip(tops, bottoms, strict=True)):
        found.append("▀" * len(list(run)), _pixels(*pixels))
    return found
