"""A hint of what will be where nothing is yet, over a hatch."""

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.ui.widgets.text_widget import LinesWidget


class Hint(LinesWidget):
    """A sentence, and a hatch below it."""

    DEFAULT_CSS = "Hint { height: 1fr; }"

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text, self.hatched = text, True

    def show(self, text: str) -> None:
        """Say this."""
        self._text = text
        self.repaint()

    def lines(self) -> list[Text]:
        return [Text(line, self.style("dim")) for line in formatting.wrap(self._text, self.size.width)]
