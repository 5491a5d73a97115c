"""A field of the recipe as a row: its title, what was typed, and its bounds or what is wrong with it."""

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.visual import VisualType
from textual.widgets import Input, Static

from distill_tui.recipe.fields import Field
from distill_tui.ui.widgets.text_widget import LinesWidget

CHOOSE = "Choose another value"
MOST_OF_A_LINE = 12
"""Cells of a note that fit beside a field on every screen: a longer one may take several lines."""


class Choice(LinesWidget, can_focus=True):
    """One of a few words: left and right choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "choose(-1)", "Choose", show=False, id="choice.previous", tooltip=CHOOSE),
        Binding("right,space", "choose(1)", "Choose", key_display="←→", id="choice.next", tooltip=CHOOSE),
    ]

    value: reactive[str] = reactive("")

    @dataclass
    class Changed(Message):
        """Another word was chosen."""

        value: str

    def __init__(self, choices: tuple[str, ...], value: str) -> None:
        super().__init__()
        self._choices = choices
        self.set_reactive(Choice.value, value)

    def watch_value(self) -> None:
        self.repaint()

    def action_choose(self, by: int) -> None:
        index = self._choices.index(self.value) if self.value in self._choices else 0
        self.value = self._choices[(index + by) % len(self._choices)]
        self.post_message(self.Changed(self.value))

    def lines(self) -> list[Text]:
        arrow = self.mark_style
        return [Text.assemble(("◂ ", arrow), (self.value, self.style("foreground")), (" ▸", arrow))]


class Note(Static):
    """The words beside a field: what is wrong with it, its unit, or a hint that is shown where there is room for it."""

    def __init__(self) -> None:
        super().__init__("", classes="note", markup=False)
        self._hint = ""

    def show(self, text: str, hint: str, problem: bool) -> None:
        """Show `text`, or beside it also `hint` if the line has room for both; a `problem` takes the lines it needs."""
        shown = f"✗ {text}" if problem else text
        if (shown, hint) == (self.content, self._hint):
            # every key of the form comes by here, for every field
            return
        self.set_class(problem, "problem")
        self._hint = "" if problem else hint
        self.update(shown, layout=len(shown) > MOST_OF_A_LINE or len(str(self.content)) > MOST_OF_A_LINE)

    def render(self) -> VisualType:
        both = "  ".join(filter(None, (str(self.content), self._hint)))
        return both if self._hint and cell_len(both) <= self.content_size.width else super().render()


class FieldRow(Horizontal):
    """One field. Posts `Edited` as one types and `Entered` when it is moved to."""

    @dataclass
    class Edited(Message):
        """The text of a field changed."""

        row: "FieldRow"
        text: str

        @property
        def key(self) -> str:
            return self.row.field.key

    @dataclass
    class Entered(Message):
        """The focus came to a field."""

        field: Field

    def __init__(self, field: Field, text: str) -> None:
        super().__init__(classes="field-row")
        self.field = field
        self._note = Note()
        choices = ("true", "false") if field.kind is bool else field.choices
        # a field that takes a word beside numbers is typed
        self._choice = Choice(choices, text) if choices and choices != ("auto",) else None
        self._input = Input(text, compact=True, placeholder="automatic" if field.allows_auto and not text else "")
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield Static(self.field.title, classes="label", markup=False)
        yield self._choice or self._input
        yield self._note

    @property
    def is_choice(self) -> bool:
        """True if its values are a few words, all of which the arrows show."""
        return self._choice is not None

    @property
    def text(self) -> str:
        """The text of the field."""
        return self._choice.value if self._choice is not None else self._input.value

    def set_text(self, text: str) -> None:
        """Put `text` into the field without an `Edited`."""
        with self.prevent(Input.Changed, Choice.Changed):
            if self._choice is not None:
                self._choice.value = text
            else:
                self._input.value = text

    def set_note(self, text: str, hint: str = "", problem: bool = False) -> None:
        """Show beside the field what is to be said of it, or what is wrong with it; `hint` where there is room."""
        self._note.show(text, hint, problem)

    def focus_field(self) -> None:
        (self._choice or self._input).focus()

    @on(Input.Changed)
    @on(Choice.Changed)
    def _edited(self, event: Input.Changed | Choice.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self, event.value))

    def on_descendant_focus(self) -> None:
        self.post_message(self.Entered(self.field))
