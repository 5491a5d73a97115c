"""The name, note and tags of a run or a model, in one dialog."""

from collections.abc import Callable, Iterable
from typing import ClassVar, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from distill_tui.annotation import as_tags, clean_note, split_tags
from distill_tui.errors import DistillError
from distill_tui.ui.dialogs.base import Dialog

BREAK = " ↵ "
"""End of a line of a note, in a field of one line."""


class Edited(NamedTuple):
    """What was typed, checked."""

    name: str
    note: str
    tags: tuple[str, ...]


class EditDialog(Dialog[Edited | None]):
    """Three fields; up, down and tab move between them, enter takes all of them. Escape gives None."""

    DEFAULT_CSS = """
    EditDialog .edit-row { height: 1; }
    EditDialog .edit-row .label { width: 7; color: $dim; }
    EditDialog .edit-row Input { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="dialog.cancel"),
        Binding("up", "app.focus_previous", "Up", show=False, id="edit.up"),
        Binding("down", "app.focus_next", "Down", show=False, id="edit.down"),
    ]

    def __init__(self, title: str, before: Edited, check_name: Callable[[str], str]) -> None:
        """`check_name` gives the problem of a name, '' for none."""
        super().__init__(title, "enter  save     esc  cancel", "wide")
        self._before, self._check_name = before, check_name

    def body(self) -> Iterable[Widget]:
        note = self._before.note.replace("\n", BREAK)
        values = (("Name", self._before.name), ("Note", note), ("Tags", " ".join(self._before.tags)))
        for title, value in values:
            box = Input(value, compact=True, id=f"edit-{title.lower()}", select_on_focus=False)
            box.cursor_blink = False
            yield Horizontal(Static(title, classes="label", markup=False), box, classes="edit-row")
        yield self.problem_line()

    def on_mount(self) -> None:
        self.query_one("#edit-name").focus()

    def _typed(self) -> tuple[Edited | None, str]:
        """What stands in the fields, or the first problem with it."""
        name, note, tags = (self.query_one(f"#edit-{word}", Input).value for word in ("name", "note", "tags"))
        if problem := self._check_name(name):
            return None, problem
        try:
            lines = (line.strip() for line in note.split(BREAK.strip()))
            return Edited(name, clean_note("\n".join(lines)), as_tags(split_tags(tags))), ""
        except DistillError as error:
            return None, error.message

    @on(Input.Changed)
    def _changed(self) -> None:
        self.show_problem(self._typed()[1])

    @on(Input.Submitted)
    def _submitted(self) -> None:
        edited, problem = self._typed()
        self.show_problem(problem)
        if edited is not None:
            self.dismiss(edited)
