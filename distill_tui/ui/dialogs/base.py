"""The frame that all dialogs share: a title, what is asked, and the keys that answer."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.ui.screens.base import BaseScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """In front of a screen, until it is answered; escape answers None. Its size is a class, as with `BaseScreen`."""

    # as a path: Textual would look for it beside the module of each dialog
    CSS_PATH = Path(__file__).with_name("dialogs.tcss")
    HORIZONTAL_BREAKPOINTS = BaseScreen.HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = BaseScreen.VERTICAL_BREAKPOINTS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="dialog.cancel")]
    FRAME: ClassVar[type[Widget]] = Vertical

    def __init__(self, heading: str, keys: str, size: str = "") -> None:
        """`keys` are the keys that answer, in words; `size` is '', 'wide' or 'full'."""
        super().__init__()
        self._heading, self._answers = heading, keys
        self._classes_of_frame = f"dialog dialog-{size}" if size else "dialog"

    def compose(self) -> ComposeResult:
        with self.FRAME(classes=self._classes_of_frame):
            if self._heading:
                yield Static(self._heading, classes="dialog-title", markup=False)
            yield from self.body()
            yield Static(self._answers, classes="dialog-keys", markup=False)

    def body(self) -> Iterable[Widget]:
        """The widgets between the title and the keys."""
        raise NotImplementedError

    @staticmethod
    def text(text: str) -> Static:
        """A paragraph for the body."""
        return Static(text, classes="dialog-text", markup=False)

    @staticmethod
    def problem_line() -> Static:
        """A line for the body that `show_problem` fills."""
        return Static("", classes="problem", markup=False)

    def show_problem(self, problem: str) -> None:
        """Say what is wrong with what was typed; '' for nothing."""
        self.query_one(".problem", Static).update(problem)

    def show_keys(self, keys: str) -> None:
        """Say these keys, or what goes on, in the last line."""
        self.query_one(".dialog-keys", Static).update(keys)

    def action_cancel(self) -> None:
        self.dismiss(None)
