"""Typing one value, checked as one types."""

from collections.abc import Callable, Iterable

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from distill_tui.ui.dialogs.base import Dialog


class AskDialog(Dialog[str | None]):
    """One line of text; `check` gives what is wrong with it, '' for nothing. Escape gives None."""

    def __init__(self, title: str, text: str, value: str, check: Callable[[str], str]) -> None:
        super().__init__(title, "enter  OK     esc  cancel")
        self._text, self._value, self._check = text, value, check

    def body(self) -> Iterable[Widget]:
        box = Input(self._value, compact=True)
        box.cursor_blink = False
        return self.text(self._text), box, self.problem_line()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.show_problem(self._check(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if not self._check(event.value):
            self.dismiss(event.value)
