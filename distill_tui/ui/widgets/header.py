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
    ("runs", "6", "Runs"),
)


class AppHeader(LinesWidget):
    """`distill  1 Config  2 Training  3 Library  4 Explorer  5 Generate  6 Runs     drums`."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here
        self._right = ""

    def show(self, right: str) -> None:
        """Show this on the right-hand side."""
        self._right = printable(right)
        self.repaint()

    def lines(self) -> list[Text]:
        line = Text.assemble(("distill ", self.style("primary", bold=True)))
        for mode, key, title in SCREENS:
            here = mode == self._here
            line.append("  ")
            line.append(key, self.style("accent", bold=here))
            line.append(" ")
            style = self.style("foreground", bold=True) + Style(underline=True) if here else self.style("dim")
            line.append(title, style)
        room = self.size.width - line.cell_len - 3
        if self._right and room > 4:
            right = Text(self._right, self.style("foreground"))
            right.truncate(room, overflow="ellipsis")
            line.append(" " * (self.size.width - line.cell_len - right.cell_len))
            line.append_text(right)
        return [line]
