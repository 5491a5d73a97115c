"""Picking one of a list, narrowed down as one types."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.widgets.table import Column, Row, RowTable


class PickDialog(Dialog[str | None]):
    """The key of the row that was picked; escape gives None. Letters go to the filter, arrows to the list."""

    DEFAULT_CSS = """
    PickDialog RowTable { max-height: 16; margin-top: 1; }
    PickDialog #pick-empty { color: $dim; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="pick.up"),
        Binding("down", "move(1)", "Down", show=False, id="pick.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="pick.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="pick.page-down"),
    ]

    def __init__(self, title: str, columns: Sequence[Column], rows: Sequence[Row], *, take: str, empty: str) -> None:
        """`take` says what enter does, `empty` what to say when there is no row."""
        super().__init__(title, f"↑↓  choose     enter  {take}     esc  back", "wide")
        self._columns, self._rows, self._empty = columns, rows, empty

    def body(self) -> Iterable[Widget]:
        box = Input(placeholder="type to narrow it down", compact=True)
        box.cursor_blink = False
        return box, RowTable(), Static(self._empty, id="pick-empty", markup=False)

    def on_mount(self) -> None:
        # the arrows move the list while the letters go to the filter
        self.query_one(RowTable).can_focus = False
        self._fill("")

    def _fill(self, wanted: str) -> None:
        shown = [row for row in self._rows if wanted in " ".join(row.cells).lower()]
        self.query_one(RowTable).fill(self._columns, shown)
        self.query_one(RowTable).display = bool(shown)
        empty = self.query_one("#pick-empty", Static)
        empty.display = not shown
        empty.update(self._empty if not self._rows else "Nothing matches.")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._fill(event.value.strip().lower())

    @on(Input.Submitted)
    def _submitted(self) -> None:
        chosen = self.query_one(RowTable).chosen
        if chosen is not None:
            self.dismiss(chosen)

    def action_move(self, by: int) -> None:
        self.query_one(RowTable).action_move(by)

    def action_page(self, by: int) -> None:
        self.query_one(RowTable).action_page(by)
