"""NO_COLOR: no colour at all, not even grey. Bold, dim and reversed text stand for what the colours said.

Textual's own answer is shades of grey, which are colours to a terminal.
"""

from functools import lru_cache

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

STANDS_OUT = 0.1
"""A background this much lighter or darker than the screen's (of 0..1) is drawn reversed: a cursor, a scrollbar."""
STEPS_BACK = 0.5
"""Grey text that differs less than this from what is behind it is drawn dim."""
GREY = 24
"""Most of what the parts of a colour, each of 0..255, differ by in a grey."""


class NoColor(LineFilter):
    """Bold, underlined, dim and reversed text in the terminal's own two colours."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, plain(style or Style.null(), background), None) for text, style, _ in segments]


@lru_cache(2048)
def plain(style: Style, background: Color) -> Style:
    """Remove the colours of a style, on a screen of this background."""
    letters, behind = _color(style.color), _color(style.bgcolor) or background
    stands_out = abs(behind.brightness - background.brightness) > STANDS_OUT
    steps_back = (
        letters is not None
        and max(letters.rgb) - min(letters.rgb) <= GREY
        and abs(letters.brightness - behind.brightness) < STEPS_BACK
    )
    return Style(
        bold=style.bold,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        dim=bool(style.dim) or (steps_back and not stands_out),
        reverse=bool(style.reverse) != stands_out,
    )


def _color(color: RichColor | None) -> Color | None:
    """Convert a colour; None is the terminal's own."""
    return None if color is None or color.is_default else Color.from_rich_color(color)
