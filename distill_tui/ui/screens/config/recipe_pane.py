"""The recipe as a form: a row a field, the rarer ones folded away, each with its own problem beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Button, Collapsible

from distill_tui.data.corpus import Corpus, assign_split
from distill_tui.errors import RequestError
from distill_tui.machine import Machine
from distill_tui.recipe.fields import Field, fields, flatten, get, parse, shape_keys
from distill_tui.recipe.pace import Pace
from distill_tui.recipe.presets import DESCRIPTIONS
from distill_tui.recipe.resolve import resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import formatting
from distill_tui.reporting.recipe_text import reason_for
from distill_tui.ui.screens.config.data_panel import Found
from distill_tui.ui.screens.config.fields import FieldRow
from distill_tui.ui.screens.config.form import RecipeForm, by_field, shown_fields

NAME_CELLS = 40


class Fold(Collapsible, inherit_css=False):
    """A part of the form that can be folded away.

    Textual's own style sheet tints it while the focus is within, for which every key would style all that is in it
    anew, twice.
    """

    DEFAULT_CSS = """
    Fold { width: 1fr; height: auto; }
    Fold.-collapsed > Contents { display: none; }
    """


class RecipePane(Vertical):
    """The rows of a `RecipeForm`, and the button that starts."""

    @dataclass
    class Edited(Message):
        """A field of the form changed."""

    @dataclass
    class HelpWanted(Message):
        """Help with the field in use."""

        text: str

    def __init__(self, defaults: Mapping[str, Any], *, id: str | None = None) -> None:
        """`defaults` are a person's own, checked, by key."""
        super().__init__(id=id)
        self.form = RecipeForm(defaults)
        self._reasons: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield from self._rows(basic=True)
        yield Fold(title="Advanced", id="advanced")
        yield Button("Start training", id="start", compact=True)

    def _rows(self, basic: bool) -> list[FieldRow]:
        return [FieldRow(field, self.form.texts[field.key]) for field in shown_fields(basic)]

    @on(Collapsible.Expanded)
    def _unfolded(self, event: Collapsible.Expanded) -> None:
        inside = event.collapsible.query_one(Collapsible.Contents)
        if not inside.children:
            # thirty more fields are made when somebody wants them, so that the first ones come at once
            inside.mount(*self._rows(basic=False))
            self.call_after_refresh(self.post_message, self.Edited())

    # what is typed

    @on(FieldRow.Edited)
    def _edited(self, message: FieldRow.Edited) -> None:
        message.stop()
        if message.key == "preset":
            self._put(self.form.choose_preset(message.text))
            self._help(fields()["preset"])
        else:
            self.form.type(message.key, message.text)
        self.post_message(self.Edited())

    @on(FieldRow.Entered)
    def _entered(self, message: FieldRow.Entered) -> None:
        message.stop()
        self._help(message.field)

    def _help(self, field: Field) -> None:
        if field.key == "preset":
            preset = self.form.texts["preset"]
            changed = [fields()[key].title.lower() for key in self.form.set_by_preset]
            text = f"{preset.capitalize()}: {DESCRIPTIONS[preset]}."
            text += f" Changed: {', '.join(changed)}." if changed else ""
        else:
            text = (
                field.help + (f" Allowed: {field.bounds}." if field.bounds else "") + self._reasons.get(field.key, "")
            )
        self.post_message(self.HelpWanted(text))

    def take_in(self) -> None:
        """Copy the text of the fields into the form: a key may arrive before the message of the previous one."""
        for row in self.query(FieldRow):
            if row.field.key != "preset":
                self.form.type(row.field.key, row.text)

    def refuses(self) -> bool:
        """Return True if a field has a problem, after moving to it and saying so."""
        problems = self.form.problems()
        if problems:
            self.go_to(next(iter(problems)))
            self.notify(f"Fix {formatting.plural(len(problems), 'field')} first.", severity="warning", markup=False)
        return bool(problems)

    def choose(self, preset: str, values: dict[str, Any]) -> None:
        """Choose a preset, and put these values over it."""
        keys = self.form.choose_preset(preset)
        for key, value in values.items():
            self.form.type(key, formatting.setting(value))
        self._put({*keys, *values, "preset"})
        self.post_message(self.Edited())

    def load(self, values: dict[str, Any]) -> None:
        """Fill the form with the values of a recipe, and take that as where it began."""
        self.form.load(values)
        self.taken()
        self._put(self.form.texts)
        self.post_message(self.Edited())

    def taken(self) -> None:
        """Take the form as started or saved: leaving it loses nothing."""
        self.form.start = dict(self.form.texts)

    def _put(self, keys: Any) -> None:
        for row in self.query(FieldRow):
            if row.field.key in keys:
                row.set_text(self.form.texts[row.field.key])

    def go_to(self, key: str) -> None:
        """Move to a field, unfolding it if need be."""
        advanced = self.query_one("#advanced", Collapsible)
        if not fields()[key].extra.get("basic") and advanced.collapsed:
            advanced.collapsed = False

        def focus() -> None:
            for row in self.query(FieldRow):
                if row.field.key == key:
                    row.focus_field()

        self.call_after_refresh(focus)

    # what it means

    def resolved(self, corpus: Corpus, machine: Machine, paces: Sequence[Pace]) -> Recipe:
        """The recipe for these sounds on this machine; the split of the sounds follows the form.

        Raises:
            RequestError: with every problem.
        """
        recipe = self.form.recipe()
        if recipe.data.validation_fraction != corpus.validation_fraction:
            corpus.validation_fraction = recipe.data.validation_fraction
            assign_split(corpus.sounds, corpus.validation_fraction)
        return resolve(recipe, corpus.facts(), machine, paces)

    def judge(self, found: Found) -> None:
        """Resolve the recipe into `found`, and update the note beside each field."""
        found.resolved, found.problems = None, []
        self._reasons = {}
        problems: dict[str, str] = {}
        if found.corpus and found.machine and not self.form.problems():
            try:
                found.resolved = self.resolved(found.corpus, found.machine, found.paces)
                self._reasons = _reasons(found.resolved)
            except RequestError as error:
                problems, others = by_field(error.message.splitlines())
                # the field may be folded away
                found.problems = others + [f"{fields()[key].title}: {text}" for key, text in problems.items()]
        problems.update(self.form.problems())
        for row in self.query(FieldRow):
            problem = problems.get(row.field.key)
            row.set_note(problem or self._note(row.field, found), problem=bool(problem))
            row.set_class(row.field.key == "train.epochs" and self._is_timed, "moot")

    @property
    def _is_timed(self) -> bool:
        """True if a budget of minutes, not the number of epochs, sets how long training takes."""
        value, problem = parse(fields()["train.minutes"], self.form.texts["train.minutes"])
        return not problem and bool(value)

    def _note(self, field: Field, found: Found) -> str:
        if field.key == "train.epochs" and self._is_timed:
            return "not used: the minutes decide"
        if field.key in self.form.set_by_preset:
            return f"{self.form.texts['preset']}, was {self.form.set_by_preset[field.key]}"
        if field.key == "name" and not self.form.texts["name"] and found.corpus:
            return formatting.shorten(found.corpus.name, NAME_CELLS)
        if self.form.texts[field.key] == "auto" and self.form.texts["train.start_from"] and field.key in shape_keys():
            return "as the model has it (auto)"
        if self.form.texts[field.key] == "auto" and found.resolved is not None:
            return f"{formatting.setting(get(found.resolved, field.key))} (auto)"
        if (field.choices and not field.allows_auto) or field.kind is bool:
            return ""
        return f"{field.bounds} {field.extra.get('unit', '')}".rstrip()


def _reasons(recipe: Recipe) -> dict[str, str]:
    """Sentences on why automatic values of a resolved recipe are what they are, by key."""
    values = flatten(recipe)
    texts = {key: reason_for(values, key) for key in recipe.automatic}
    return {key: f" Now {formatting.setting(values[key])}: {text}." for key, text in texts.items() if text}
