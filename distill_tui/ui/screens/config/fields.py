"""A field of the recipe as a row: its title, what was typed, and its bounds or what is wrong with it."""

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Static

from distill_tui.recipe.fields import Field
from distill_tui.ui.widgets.text_widget import LinesWidget

CHOOSE = "Choose another value"


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


class FieldRow(Horizontal):
    """One field. Posts `Edited` as one types and `Entered` when it is moved to."""

    @dataclass
    class Edited(Message):
        """The text of a field changed."""

        key: str
        text: str

    @dataclass
    class Entered(Message):
        """The focus came to a field."""

        field: Field

    def __init__(self, field: Field, text: str) -> None:
        super().__init__(classes="field-row")
        self.field = field
        self._note = Static("", classes="note", markup=False)
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

    def set_note(self, text: str, problem: bool = False) -> None:
        """Show `text` beside the field: its bounds, or what is wrong with it."""
        self._note.set_class(problem, "problem")
        self._note.update(f"✗ {text}" if problem else text)

    def focus_field(self) -> None:
        (self._choice or self._input).focus()

    @on(Input.Changed)
    @on(Choice.Changed)
    def _edited(self, event: Input.Changed | Choice.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self.field.key, event.value))

    def on_descendant_focus(self) -> None:
        self.post_message(self.Entered(self.field))
