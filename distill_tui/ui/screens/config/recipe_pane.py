"""The recipe as a form: a row a field, the rarer ones folded away, each with its own problem beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Button, Collapsible

from distill_tui.data.corpus import Corpus, assign_split
from distill_tui.errors import RequestError
from distill_tui.machine import Machine
from distill_tui.recipe.fields import Field, fields, flatten, get, shape_keys
from distill_tui.recipe.pace import Pace
from distill_tui.recipe.presets import DESCRIPTIONS
from distill_tui.recipe.resolve import resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import formatting
from distill_tui.reporting.recipe_text import reason_for
from distill_tui.ui.screens.config.advanced import Advanced
from distill_tui.ui.screens.config.data_panel import Found
from distill_tui.ui.screens.config.fields import FieldRow
from distill_tui.ui.screens.config.form import RecipeForm, basic_fields, by_field, read_as

NAME_CELLS = 40
REST_SECONDS = 0.15
"""From a key until what follows from what was typed is worked out, if no other comes."""


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
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        for field in basic_fields():
            yield FieldRow(field, self.form.texts[field.key])
        yield Advanced(self.form)
        yield Button("Start training", id="start", compact=True)

    @property
    def _advanced(self) -> Advanced:
        return self.query_one(Advanced)

    @on(Collapsible.Expanded)
    async def _unfolded(self) -> None:
        if self._advanced.is_filled:
            self._advanced.regroup()
        else:
            await self._advanced.fill()
            self.call_after_refresh(self.post_message, self.Edited())

    async def go_to_filter(self) -> None:
        """Move to the filter of the advanced fields, unfolding them."""
        await self._advanced.go_to_filter()

    # what is typed

    @on(FieldRow.Edited)
    def _edited(self, message: FieldRow.Edited) -> None:
        message.stop()
        if message.key == "preset":
            self._put(self.form.choose_preset(message.text))
            self._advanced.regroup()
            self._help(fields()["preset"])
            self.post_message(self.Edited())
            return
        self.form.type(message.key, message.text)
        if problem := self.form.problem(message.key):
            message.row.set_note(problem, problem=True)
        # who types on is answered at once: what the model will be follows when the fingers rest
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST_SECONDS, lambda: self.post_message(self.Edited()))

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
            text = field.help + _allowed(field) + self._reasons.get(field.key, "")
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
        self._advanced.regroup()
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
        if not fields()[key].extra.get("basic"):
            self._advanced.collapsed = False

        async def focus() -> None:
            await self._advanced.reveal(key)
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
        changes, is_timed = self.form.changes(), self._is_timed
        for row in self.query(FieldRow):
            problem = problems.get(row.field.key, "")
            hint = "" if row.is_choice else row.field.brief
            row.set_note(problem or self._note(row.field, found, changes), hint, problem=bool(problem))
            row.set_class(row.field.key == "train.epochs" and is_timed, "moot")

    @property
    def _is_timed(self) -> bool:
        """True if a budget of minutes, not the number of epochs, sets how long training takes."""
        value, problem = read_as(fields()["train.minutes"], self.form.texts["train.minutes"])
        return not problem and bool(value)

    def _note(self, field: Field, found: Found, changes: Mapping[str, str]) -> str:
        text = self.form.texts[field.key]
        if field.key == "train.epochs" and self._is_timed:
            return "minutes decide"
        if field.key in self.form.set_by_preset:
            return f"{self.form.texts['preset']}, was {self.form.set_by_preset[field.key]}"
        if field.key == "name" and not text and found.corpus:
            return formatting.shorten(found.corpus.name, NAME_CELLS)
        if text == "auto" and self.form.texts["train.start_from"] and field.key in shape_keys():
            return "as the model has it (auto)"
        if text == "auto" and found.resolved is not None:
            return f"{formatting.setting(get(found.resolved, field.key))} (auto)"
        told = [str(field.extra.get("unit", ""))]
        if field.key in changes:
            told.append(f"was {changes[field.key]}")
        if field.is_share and "%" not in text:
            told.insert(0, "%")
        return ", ".join(filter(None, told))


def _allowed(field: Field) -> str:
    """The allowed values as a sentence after the help; '' where the arrows show all of them."""
    if field.is_share:
        low, high = (100 * bound if bound is not None else 0 for bound in (field.ge, field.le))
        return f" Allowed: {low:g} to {high:g} %."
    return f" Allowed: {field.bounds}." if field.bounds and field.kind is not bool else ""


def _reasons(recipe: Recipe) -> dict[str, str]:
    """Sentences on why automatic values of a resolved recipe are what they are, by key."""
    values = flatten(recipe)
    texts = {key: reason_for(values, key) for key in recipe.automatic}
    return {key: f" Now {formatting.setting(values[key])}: {text}." for key, text in texts.items() if text}
