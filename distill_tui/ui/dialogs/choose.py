"""Choosing several of a list."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import SelectionList, Static
from textual.widgets.selection_list import Selection

from distill_tui.ui.dialogs.base import Dialog


class ChooseDialog(Dialog[list[str] | None]):
    """A list with boxes to tick; gives the values of those that are, in the list's order. Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="dialog.cancel"),
        Binding("enter", "take", "Take", priority=True, id="dialog.take"),
    ]

    def __init__(
        self, title: str, options: Sequence[tuple[str, str]], chosen: Sequence[str], nothing: str = ""
    ) -> None:
        """`options` are (what stands there, value); `nothing` is said when there are none."""
        super().__init__()
        self._title_text, self._options, self._chosen = title, options, set(chosen)
        self._nothing = nothing

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title_text, classes="dialog-title", markup=False)
            if self._options:
                yield SelectionList(
                    *(Selection(Text(text), value, value in self._chosen) for text, value in self._options)
                )
            else:
                yield Static(self._nothing, classes="dialog-text", markup=False)
            yield Static("space  tick     enter  take these     esc  back", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        if self._options:
            self.query_one(SelectionList).focus()

    def action_take(self) -> None:
        if not self._options:
            self.dismiss(None)
            return
        ticked = set(self.query_one(SelectionList).selected)
        self.dismiss([value for _, value in self._options if value in ticked])

    def action_cancel(self) -> None:
        self.dismiss(None)
