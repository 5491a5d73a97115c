"""The recipe form without a screen: what was typed, what it means, and what is wrong with it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from distill_tui.errors import RequestError
from distill_tui.recipe.fields import GROUPS, Field, check, fields, find_key, flatten, parse, with_values
from distill_tui.recipe.presets import PRESETS, layered, only_in
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.formatting import setting, shorten

BASIC_SECTIONS = ("", "train", "model", "loss")
MOST_SHOWN = 40
"""Cells of what was typed in what is said of it."""


def basic_fields() -> list[Field]:
    """The fields of the short form: of the run, of its training, of the net."""
    found = [field for field in _shown() if field.extra.get("basic")]
    return sorted(found, key=lambda field: BASIC_SECTIONS.index(field.key.rpartition(".")[0]))


def advanced_fields() -> dict[str, list[Field]]:
    """The other fields, by group (`recipe.fields.GROUPS`)."""
    found: dict[str, list[Field]] = {group: [] for group in GROUPS}
    for field in _shown():
        if not field.extra.get("basic"):
            found[field.group].append(field)
    return found


def _shown() -> list[Field]:
    return [field for field in fields().values() if not field.is_hidden]


def shown_as(field: Field, value: Any) -> str:
    """A value as the form shows it: a fraction in percent, `0.03` as `3 %`."""
    if field.is_share and isinstance(value, (int, float)):
        # exact: what is shown is read as the same number again
        return f"{Decimal(repr(value)).scaleb(2).normalize():f} %"
    return setting(value)


def read_as(field: Field, text: str) -> tuple[Any, str]:
    """What was typed as a value, and what is wrong with it, without the field's name.

    A fraction is typed in percent, with the sign or without: `3` and `3 %` are 0.03, and `0.03` is 0.0003.
    """
    if not field.is_share:
        value, problem = parse(field, text)
        return value, problem.removeprefix(f"{field.key}: ")
    low, high = (100 * bound if bound is not None else 0 for bound in (field.ge, field.le))
    typed = text.replace("%", " ").strip()
    if not typed:
        return text, f"a percentage is needed, {low:g} to {high:g}"
    shown = shorten(typed, MOST_SHOWN)
    try:
        value = float(Decimal(typed).scaleb(-2))
    except ArithmeticError:
        return text, f"'{shown}' is not a percentage, {low:g} to {high:g}"
    checked, problem = check(field, value)
    return checked, f"{shown} % is outside {low:g} to {high:g} %" if problem else ""


def matches(field: Field, words: str) -> bool:
    """Test if the title, key, help or group of a field have all of these words in them."""
    told = f"{field.title} {field.key} {field.help} {GROUPS.get(field.group, '')}".lower()
    return all(word in told for word in words.lower().split())


class RecipeForm:
    """The text of each field. Nothing that was typed is ever lost to an error elsewhere."""

    def __init__(self, defaults: Mapping[str, Any] | None = None) -> None:
        """`defaults` are a person's own, checked, by key."""
        recipe = layered(defaults or {})
        values = flatten(recipe)
        self.texts = {field.key: shown_as(field, values[field.key]) for field in _shown()}
        self.start = dict(self.texts)
        self.set_by_preset: dict[str, str] = {}
        """Keys that the last chosen preset changed, with what stood there before."""

    @property
    def is_changed(self) -> bool:
        """True if anything differs from where the form began."""
        return self.texts != self.start

    def type(self, key: str, text: str) -> None:
        """Put `text` into a field."""
        if self.texts[key] != text:
            self.texts[key] = text
            self.set_by_preset.pop(key, None)

    def problem(self, key: str) -> str:
        """The problem with a field, without its name; '' for none."""
        return read_as(fields()[key], self.texts[key])[1]

    def problems(self) -> dict[str, str]:
        """The problems by key."""
        return {key: problem for key in self.texts if (problem := self.problem(key))}

    def changes(self) -> dict[str, str]:
        """The keys whose values differ from those of the preset, with what the preset has."""
        preset = flatten(layered({"preset": self.texts["preset"]}))
        found = {}
        for key, text in self.texts.items():
            field = fields()[key]
            value, problem = read_as(field, text)
            if not field.is_own and key != "preset" and (problem or value != preset[key]):
                found[key] = shown_as(field, preset[key])
        return found

    def choose_preset(self, name: str) -> list[str]:
        """Fill the fields of a preset; the keys that it changed."""
        undone = {
            key: default
            for key, old, default in only_in(self.texts["preset"], name)
            if read_as(fields()[key], self.texts[key]) == (old, "")
        }
        self.texts["preset"] = name
        self.set_by_preset = {}
        for key, value in (undone | PRESETS[name]).items():
            if read_as(fields()[key], self.texts[key]) != (value, ""):
                self.set_by_preset[key] = self.texts[key]
                self.texts[key] = shown_as(fields()[key], value)
        return list(self.set_by_preset)

    def load(self, values: dict[str, Any]) -> None:
        """Fill the form from the flat values of a recipe; keys that it leaves out stay as they are.

        What was chosen automatically for the sounds and the machine of then is chosen anew for those of now.
        """
        self.set_by_preset = {}
        automatic = set(values.get("automatic", []))
        for key, value in values.items():
            if key in self.texts:
                again = key in automatic and (fields()[key].allows_auto or key == "train.device")
                self.texts[key] = "auto" if again else shown_as(fields()[key], value)

    def recipe(self) -> Recipe:
        """The recipe of what was typed.

        Raises:
            RequestError: with every problem.
        """
        values = {}
        problems = []
        for key, text in self.texts.items():
            values[key], problem = read_as(fields()[key], text)
            if problem:
                problems.append(f"{key}: {problem}")
        if problems:
            raise RequestError("\n".join(problems))
        return with_values(Recipe(), values)


def by_field(problems: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Problems of the form `key: words` by key, and the others."""
    named, others = {}, []
    for problem in problems:
        key, _, text = problem.partition(": ")
        try:
            named[find_key(key)] = text
        except RequestError:
            others.append(problem)
    return named, others
