"""A screen on which nothing is yet: what can be done, in the middle of a hatched space."""

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.ui.widgets.text_widget import HATCH, LinesWidget

MARGIN = 3
"""Cells between the text and the hatching."""
NARROW = 64
"""Cells below which nothing is hatched: the text needs the room."""


class EmptyNote(LinesWidget):
    """Text whose first line is a heading."""

    def __init__(self, text: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = text

    def update(self, text: str) -> None:
        """Say this instead."""
        self._text = text
        self.repaint()

    def lines(self) -> list[Text]:
        width, height = self.size
        hatched = width >= NARROW
        room = max(8, width - (4 * MARGIN if hatched else 0))
        text = [line for part in self._text.split("\n") for line in formatting.wrap(part, room) or [""]]
        block = max((len(line) for line in text), default=0) + (2 * MARGIN if hatched else 0)
        left = max(0, (width - block) // 2)
        top = max(0, (height - len(text) - 2) // 2)
        fill, style = HATCH if hatched else " ", self.style("hatch")
        lines = [Text(fill * width, style) for _ in range(max(height, len(text)))]
        for row, said in enumerate(["", *text, ""] if height >= len(text) + 2 else text):
            body = Text(said.center(block), self.style("primary" if said == text[0] else "foreground", said == text[0]))
            right = fill * (width - left - block)
            line = Text.assemble((fill * left, style), body, (right, style))
            if top + row < len(lines):
                lines[top + row] = line
        return lines
