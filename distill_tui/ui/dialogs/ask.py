"""Typing one value, checked as one types."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from distill_tui.ui.dialogs.base import Dialog


class AskDialog(Dialog[str | None]):
    """One line of text; `check` gives what is wrong with it, '' for nothing. Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="dialog.cancel")]

    def __init__(self, title: str, text: str, value: str, check: Callable[[str], str]) -> None:
        super().__init__()
        self._title_text, self._text, self._value, self._check = title, text, value, check

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title_text, classes="dialog-title", markup=False)
            yield Static(self._text, classes="dialog-text", markup=False)
            box = Input(self._value, compact=True)
            box.cursor_blink = False
            yield box
            yield Static("", classes="problem", markup=False)
            yield Static("enter  take it     esc  leave it", classes="dialog-keys", markup=False)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.query_one(".problem", Static).update(self._check(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if not self._check(event.value):
            self.dismiss(event.value)

    def action_cancel(self) -> None:
        self.dismiss(None)
