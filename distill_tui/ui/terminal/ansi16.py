"""Readable text on terminals of sixteen colours.

The nearest of sixteen colours, which rich takes, is yellow on white in a light theme, and the colours differ between
terminals. So only pairs are used that are readable in each of several palettes.
"""

import colorsys
from collections.abc import Callable
from functools import cache, lru_cache

from rich._palettes import STANDARD_PALETTE
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from distill_tui.ui.terminal.contrast import READABLE, Triplet, luminance, ratio
from distill_tui.ui.terminal.no_color import GREY, STANDS_OUT

XTERM: tuple[Triplet, ...] = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255)),
    (255, 255, 255),
)
VGA: tuple[Triplet, ...] = tuple(tuple(STANDARD_PALETTE[number]) for number in range(16))  # type: ignore[misc]
PALETTES = (VGA, XTERM)
"""The sixteen colours of terminals that have no more: Linux's console, and xterm."""
BLACK, WHITE, GREYISH, BRIGHT = 0, 7, 8, 15
BRIGHT_TEXT = 0.5
"""Grey text that is this light on a dark screen is drawn in bright white, other in white."""
NO_TEXT = 3.0
"""Contrast below which a character is a line or a track, and not text."""
HUE = 45 / 360
"""Largest difference in hue between a colour and the one that replaces it."""
MAGENTA, YELLOWS = 5, (20 / 360, 75 / 360)
"""No yellow can be read on white, and the nearest that can is red, which is for errors: magenta stands for it there."""
PIXELS = frozenset("▀▄▘▝▖▗▌▐▞▚▛▜▙▟█ ")
"""Characters of pictures: two colours side by side, and nothing to read."""


class Ansi16(LineFilter):
    """Replaces every colour by one of the sixteen, but for themes that are made of those."""

    def __init__(self, theme: Callable[[], Theme]) -> None:
        """`theme` gives the theme of the moment."""
        super().__init__()
        self._theme = theme

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        theme = self._theme()
        if theme.ansi:
            return segments
        screen = Color.parse(theme.background or "#000000").rgb
        return [
            segment
            if segment.style is None or ("▀" in segment.text and PIXELS.issuperset(segment.text))
            else Segment(segment.text, in_sixteen(segment.style, background.rgb, screen), None)
            for segment in segments
        ]


@lru_cache(2048)
def in_sixteen(style: Style, background: Triplet, screen: Triplet) -> Style:
    """Map a style to the sixteen colours. `background` is the widget's, `screen` the screen's."""
    behind = _triplet(style.bgcolor) or background
    under = _behind(behind, screen)
    over = None if style.color is None else _letters(_triplet(style.color) or behind, behind, under)
    return style + Style(
        color=None if over is None else RichColor.from_ansi(over), bgcolor=RichColor.from_ansi(under), dim=False
    )


def _triplet(color: RichColor | None) -> Triplet | None:
    return None if color is None or color.is_default else color.get_truecolor()


def _is_grey(color: Triplet) -> bool:
    return max(color) - min(color) <= GREY


def _brightness(color: Triplet) -> float:
    return Color(*color).brightness


def _behind(color: Triplet, screen: Triplet) -> int:
    """Map a background to one of 16 colours; near-screen colours keep the screen's, so that cursors stay visible."""
    dark = luminance(screen) < 0.2
    if abs(_brightness(color) - _brightness(screen)) <= STANDS_OUT and (_is_grey(color) or _is_grey(screen)):
        return BLACK if dark else BRIGHT
    if _is_grey(color):
        return WHITE if dark else BLACK
    return min(_can_be_written_on(), key=lambda number: _far(color, VGA[number]))


@cache
def _can_be_written_on() -> list[int]:
    """Colours other than greys on which some text is readable in every palette."""
    greys = (BLACK, WHITE, GREYISH, BRIGHT)
    return [one for one in range(16) if one not in greys and max(worst(one, two) for two in range(16)) >= READABLE]


def _letters(color: Triplet, behind: Triplet, under: int) -> int:
    """Map a text colour to a readable one of 16, of the same hue if there is one."""
    dark = luminance(VGA[under]) < 0.2
    if ratio(color, behind) < NO_TEXT and under in (BLACK, BRIGHT):
        return GREYISH
    fit = [number for number in range(16) if worst(number, under) >= READABLE]
    if not _is_grey(color):
        hue = colorsys.rgb_to_hls(*(part / 255 for part in color))[0]
        if not dark and MAGENTA in fit and YELLOWS[0] <= hue <= YELLOWS[1]:
            return MAGENTA
        near = [
            (_apart(hue, number), _far(color, VGA[number]), number)
            for number in fit
            if number not in (BLACK, WHITE, GREYISH, BRIGHT)
        ]
        if near and min(near)[0] <= HUE:
            return min(near)[2]
    wanted = (BRIGHT if luminance(color) >= BRIGHT_TEXT else WHITE) if dark else BLACK
    return wanted if wanted in fit else max(range(16), key=lambda number: worst(number, under))


@lru_cache(256)
def worst(one: int, two: int) -> float:
    """Lowest contrast of two of the sixteen colours over the palettes."""
    return min(ratio(palette[one], palette[two]) for palette in PALETTES)


def _apart(hue: float, number: int) -> float:
    other = colorsys.rgb_to_hls(*(part / 255 for part in XTERM[number]))[0]
    return min(abs(hue - other), 1 - abs(hue - other))


def _far(one: Triplet, two: Triplet) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, two, strict=True))
