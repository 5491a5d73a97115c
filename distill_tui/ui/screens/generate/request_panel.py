"""The form as rows: up and down choose one, left and right change it, enter types or picks its value."""

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from distill_tui.reporting import formatting
from distill_tui.text import printable
from distill_tui.ui.screens.generate.form import RequestForm, Setting
from distill_tui.ui.widgets.text_widget import LinesWidget, pad

TITLE_CELLS = 15
CHANGE = "Change the chosen row"
HELP_ROWS = 3


class RequestPanel(LinesWidget, can_focus=True):
    """Shows a `RequestForm` and changes it; the last lines explain the chosen row where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Row", show=False, id="request.previous"),
        Binding("down", "choose(1)", "Row", show=False, id="request.next"),
        Binding("left", "step(-1)", "Change", show=False, key_display="←→", id="request.down", tooltip=CHANGE),
        Binding("right", "step(1)", "Change", key_display="←→", id="request.up", tooltip=CHANGE),
        Binding("enter", "edit", "Type, pick", key_display="↵", id="request.type", tooltip="Type or pick its value"),
        Binding("backspace", "clear", "Usual", show=False, id="request.clear", tooltip="The row's usual value again"),
    ]

    @dataclass
    class Changed(Message):
        """A row has another value."""

        key: str

    @dataclass
    class EditAsked(Message):
        """Request to type or pick the value of a row."""

        setting: Setting

    def __init__(self, form: RequestForm, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.form = form
        self._row = "model"

    def allow_focus(self) -> bool:
        return self.display and super().allow_focus()

    @property
    def chosen(self) -> Setting:
        """The row under the cursor."""
        rows = self.form.rows()
        return next((one for one in rows if one.key == self._row), rows[0])

    def choose(self, key: str) -> None:
        """Move the cursor to a row."""
        self._row = key
        self.repaint()

    def action_choose(self, by: int) -> None:
        rows = self.form.rows()
        self.choose(rows[(rows.index(self.chosen) + by) % len(rows)].key)

    def action_step(self, by: int) -> None:
        setting = self.chosen
        if setting.is_path:
            self.post_message(self.EditAsked(setting))
            return
        self.form.step(setting.key, by)
        self._tell(setting.key)

    def action_edit(self) -> None:
        setting = self.chosen
        if setting.choices:
            self.action_step(1)
        else:
            self.post_message(self.EditAsked(setting))

    def action_clear(self) -> None:
        key = self.chosen.key
        self.form.reset(key)
        self._tell(key)

    def _tell(self, key: str) -> None:
        # what `use` says decides which rows there are
        self._row = key
        self.repaint()
        self.post_message(self.Changed(key))

    def lines(self) -> list[Text]:
        width, height = self.size
        rows, here = self.form.rows(), self.chosen
        groups = sum(one.begins for one in rows)
        explained = self._explained(here, width) if height >= len(rows) + HELP_ROWS else []
        room = max(1, height - len(explained))
        index = rows.index(here)
        first = min(max(0, index - room // 2), max(0, len(rows) - room))
        found = []
        for one in rows[first : first + room]:
            if one.begins and room > len(rows) + groups:
                found.append(Text())
            found.append(self._line(one, one is here, width))
        return found + [Text()] * (room - len(found)) + explained if explained else found

    def _line(self, setting: Setting, here: bool, width: int) -> Text:
        focused = here and self.has_focus
        text = printable(self.form.text(setting.key))
        usual = self.form.is_usual(setting.key)
        room = max(1, width - TITLE_CELLS - 4)
        text = formatting.shorten_path(text, room) if setting.is_path else formatting.shorten(text, room)
        line = Text("▸ " if here else "  ", self.mark_style)
        line.append(setting.title, self.style("foreground" if focused else "dim", bold=focused))
        line = pad(line, TITLE_CELLS)
        line.append("◂ " if here and not setting.is_path else "  ", self.mark_style)
        line.append(text or "choose with enter", self.style("dim" if usual or not text else "foreground"))
        line.append(" ▸" if here and not setting.is_path else "", self.mark_style)
        return line

    def _explained(self, setting: Setting, width: int) -> list[Text]:
        said = formatting.wrap(setting.help, width)[:HELP_ROWS]
        return [*(Text(line, self.style("dim")) for line in said), *[Text()] * (HELP_ROWS - len(said))]
