"""A question with yes and no."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from distill_tui.ui.dialogs.base import Dialog


class ConfirmDialog(Dialog[bool]):
    """Asks; `y` or enter is yes, `n` or escape is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Yes", id="dialog.yes"),
        Binding("n,escape", "answer(False)", "No", id="dialog.no"),
    ]

    def __init__(self, question: str, detail: str, yes: str) -> None:
        """`yes` says what happens on yes, as a verb: `stop`."""
        super().__init__(question, f"y  {yes}     n  no")
        self._detail = detail

    def body(self) -> Iterable[Widget]:
        return (self.text(self._detail),)

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
