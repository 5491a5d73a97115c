"""Control characters are removed from every line that is drawn, whichever widget draws it."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from distill_tui.text import DRIVING, REPLACEMENT


class Sanitizer(LineFilter):
    """Removes characters that could drive the terminal. They have no width, so everything else stays in its place."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [Segment(_harmless(text), style, control) for text, style, control in segments]


def _harmless(text: str) -> str:
    # half a character has a width; the newline of a name that stands in an input would begin another line of the screen
    return DRIVING.sub(lambda match: REPLACEMENT if match[0] >= "\ud800" else "", text).replace("\n", "")
