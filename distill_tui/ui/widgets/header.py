"""The top line: the screens with their keys, the present one marked, and the run."""

from rich.style import Style
from rich.text import Text

from distill_tui.text import printable
from distill_tui.ui.widgets.text_widget import LinesWidget

SCREENS = (
    ("config", "1", "Config"),
    ("training", "2", "Training"),
    ("library", "3", "Library"),
    ("explorer", "4", "Explorer"),
    ("generate", "5", "Generate"),
)
NAME = "distill"
LEAST_RIGHT = 14
"""Cells kept for the right-hand side; the program's name makes room for it."""


class AppHeader(LinesWidget):
    """`distill   1 Config   2 Training   3 Library   4 Explorer   5 Generate          drums`."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here
        self._right = ""

    def show(self, right: str) -> None:
        """Show this on the right-hand side."""
        self._right = printable(right)
        self.repaint()

    def lines(self) -> list[Text]:
        tabs = Text()
        for mode, key, title in SCREENS:
            here = mode == self._here
            tabs.append(f" {key}", self._here_style() if here else self.style("accent"))
            tabs.append(f" {title} ", self._here_style() if here else self.style("dim"))
        line = Text()
        if self.size.width - tabs.cell_len - len(NAME) - 2 >= LEAST_RIGHT:
            line.append(f"{NAME}  ", self.style("primary", bold=True))
        line.append_text(tabs)
        room = self.size.width - line.cell_len - 1
        if self._right and room > 4:
            right = Text(self._right, self.style("foreground", bold=True))
            right.truncate(room, overflow="ellipsis")
            line.append(" " * (self.size.width - line.cell_len - right.cell_len))
            line.append_text(right)
        return [line]

    def _here_style(self) -> Style:
        """The tab of the screen that one is on: letters of the background's colour on the tab's."""
        behind, letters = self.style("tab-background"), self.style("tab-foreground", bold=True)
        return letters + Style(bgcolor=behind.color, underline=self.app.no_color)
