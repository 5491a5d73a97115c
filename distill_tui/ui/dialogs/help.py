"""Help for the screen one is on: every key that works there now, in columns, then what the screen is for."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.widgets.text_widget import pad, theme_style, wrapped

KEYS = "esc  close     n  names, for other keys"
NAMES = """For other keys, in settings.toml (distill-tui doctor says where it is):
[keys]
"app.library" = "l"
Here is what the actions are called."""
COLUMN = 46
"""Least cells of a column of keys: narrower dialogs have one."""
GAP = 3
MOST_KEYS = 10
"""Cells that every description leaves for its keys; more keys push theirs to the right."""


class HelpDialog(Dialog[None]):
    """Keys with what they do, then text; `n` shows what settings.toml calls their actions instead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "cancel", "Close", id="dialog.close"),
        Binding("n", "names", "Names", id="help.names"),
    ]
    FRAME = VerticalScroll

    def __init__(self, title: str, text: str, keys: list[tuple[str, str, str]], wide: bool = False) -> None:
        """`keys` are (keys, what they do, the ids of their actions)."""
        super().__init__(title, KEYS if keys else "esc  close", "wide" if wide else "help" if keys else "")
        self._named = False
        self._text, self._helped = text, keys

    def body(self) -> Iterable[Widget]:
        return Static(id="help-keys", markup=False), self.text(self._text)

    def on_mount(self) -> None:
        self.query_one("#help-keys").display = bool(self._helped)
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def action_names(self) -> None:
        self._named = bool(self._helped) and not self._named
        self.query_one(".dialog-text", Static).update(NAMES if self._named else self._text)
        self._show()

    def _show(self) -> None:
        box = self.query_one("#help-keys", Static)
        if not self._helped or not box.size.width:
            return
        number = max(1, (box.size.width + GAP) // (COLUMN + GAP))
        width = (box.size.width + GAP) // number - GAP
        lines = [line for entry in self._entries(width) for line in entry]
        rows = -(-len(lines) // number)
        columns = [lines[start : start + rows] for start in range(0, len(lines), rows)]
        box.update(
            Text("\n").join(
                Text(" " * GAP).join(pad(cell or Text(), width) for cell in row) for row in zip_longest(*columns)
            )
        )

    def _entries(self, width: int) -> Iterable[list[Text]]:
        """The lines of each key, `width` cells wide."""
        keys_width = min(width // 3, MOST_KEYS, max(len(keys) for keys, _, _ in self._helped))
        for keys, what, ids in self._helped:
            if said := ids if self._named else what:
                line = Text(f"{keys:>{keys_width}}", theme_style(self, "accent", bold=True))
                line.append(f"  {said}", theme_style(self, "foreground"))
                yield list(wrapped(line, width, [keys_width + 2]).split("\n"))
