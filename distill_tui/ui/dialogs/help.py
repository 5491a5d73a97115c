"""Help for the screen one is on: what it is for, and every key that works there now."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.widgets.text_widget import theme_style, wrapped

KEYS = "esc  close     n  names, for other keys"
NAMES = """For other keys, in settings.toml (distill-tui doctor says where it is):
[keys]
"app.library" = "l"
Here is what the actions are called."""


class HelpDialog(Dialog[None]):
    """Text, then keys with what they do; `n` shows what settings.toml calls their actions instead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "cancel", "Close", id="dialog.close"),
        Binding("n", "names", "Names", id="help.names"),
    ]
    FRAME = VerticalScroll

    def __init__(self, title: str, text: str, keys: list[tuple[str, str, str]], wide: bool = False) -> None:
        """`keys` are (keys, what they do, the ids of their actions)."""
        super().__init__(title, KEYS if keys else "esc  close", "wide" if wide else "")
        self._named = False
        self._text, self._helped = text, keys

    def body(self) -> Iterable[Widget]:
        return self.text(self._text), Static(id="help-keys", markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def action_names(self) -> None:
        self._named = bool(self._helped) and not self._named
        self.query_one(".dialog-text", Static).update(NAMES if self._named else self._text)
        self._show()

    def _show(self) -> None:
        box = self.query_one("#help-keys", Static)
        width = min(box.size.width // 3, max((len(key) for key, _, _ in self._helped), default=0))
        found = Text()
        indents: list[int] = []
        for keys, what, ids in self._helped:
            said = ids if self._named else what
            if said:
                found.append("\n" if indents else "").append(f"{keys:>{width}}", theme_style(self, "accent"))
                found.append(f"  {said}", theme_style(self, "foreground"))
                indents.append(width + 2)
        if indents and box.size.width:
            box.update(wrapped(found, box.size.width, indents))
