"""The frame that all dialogs share: a title, what is asked, and the keys that answer."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.text import printable
from distill_tui.ui.screens.base import BaseScreen
from distill_tui.ui.widgets.status_line import StatusLine

Answer = TypeVar("Answer")


def keys_content(keys: str) -> Content:
    """`enter  OK     esc  cancel` with the keys in their colour."""
    parts: list[Content] = []
    for part in keys.split(" " * 5):
        key, gap, what = part.partition("  ")
        parts.append(Content.assemble((key, "bold $accent"), gap, what) if gap else Content(part))
    return Content(" " * 5).join(parts)


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
        with self.FRAME(classes=self._classes_of_frame) as frame:
            frame.border_title = Content(printable(self._heading)) if self._heading else None
            yield from self.body()
            yield Static(keys_content(self._answers), classes="dialog-keys", markup=False)
        yield StatusLine(id="status-line")

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

    def show_heading(self, heading: str) -> None:
        """Give the dialog another title."""
        self.query_one(".dialog", Widget).border_title = Content(printable(heading))

    def show_keys(self, keys: str) -> None:
        """Say these keys, or what goes on, in the last line."""
        self.query_one(".dialog-keys", Static).update(keys_content(keys))

    def action_cancel(self) -> None:
        self.dismiss(None)
