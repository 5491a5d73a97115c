"""Spectrograms in half blocks, or in shades where a terminal has no colours for them."""

import functools

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
    found = Text()
    upper = picture.rows[row * 2]
    if row * 2 + 1 == len(picture.rows):
        if shaded:
            return Text("".join(SHADES[a * len(SHADES) // 256] for a in upper))
        for a in upper:
            found.append("▀", _pixels(a * len(HEAT) // 256, None))
        return found
    lower = picture.rows[row * 2 + 1]
    if shaded:
        return Text("".join(SHADES[(a + b) // 2 * len(SHADES) // 256] for a, b in zip(upper, lower, strict=True)))
    steps = len(HEAT)
    for a, b in zip(upper, lower, strict=True):
        found.append("▀", _pixels(a * steps // 256, b * steps // 256))
    return found
