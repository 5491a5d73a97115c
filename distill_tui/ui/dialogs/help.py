"""Help for the screen one is on: what it is for, and every key that works there now."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from distill_tui.ui.widgets.painted import theme_style


class HelpDialog(ModalScreen[None]):
    """Text, then keys with what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "close", "Close", id="dialog.close")
    ]

    def __init__(self, title: str, text: str, keys: list[tuple[str, str]], wide: bool = False) -> None:
        super().__init__()
        self._wide = wide
        self._title_text, self._text, self._keys = title, text, keys

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog dialog-wide" if self._wide else "dialog"):
            yield Static(self._title_text, classes="dialog-title", markup=False)
            yield Static(self._text, classes="dialog-text", markup=False)
            yield Static(id="help-keys", markup=False)
            yield Static("esc  close", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        width = max((len(key) for key, _ in self._keys), default=0)
        found = Text()
        for key, what in self._keys:
            found.append(f"{key:>{width}}  ", theme_style(self, "accent"))
            found.append(what + "\n", theme_style(self, "foreground"))
        found.rstrip()
        self.query_one("#help-keys", Static).update(found)

    def action_close(self) -> None:
        self.dismiss(None)
