"""All that there is to say of the advice, in a dialog."""

from textual.widgets import Static

from distill_tui.reporting.advice import Advice
from distill_tui.reporting.advice_text import advice_lines
from distill_tui.ui.dialogs.help import HelpDialog
from distill_tui.ui.widgets.text_widget import text_of


class AdviceDialog(HelpDialog):
    """The three choices with what to expect of each, and what is odd about the sounds."""

    def __init__(self, title: str, advice: Advice) -> None:
        super().__init__(title, "", [], wide=True)
        self._lines = advice_lines(advice)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self.is_attached and (width := (box := self.query_one(".dialog-text", Static)).size.width):
            box.update(text_of(self, self._lines, width, bold=("strong", "accent")))
