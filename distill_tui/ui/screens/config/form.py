"""The recipe form without a screen: what was typed, what it means, and what is wrong with it."""

from collections.abc import Iterable, Mapping
from typing import Any

from distill_tui.errors import RequestError
from distill_tui.recipe.fields import Field, fields, find_key, flatten, parse, with_values
from distill_tui.recipe.presets import PRESETS, layered, only_in
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.formatting import setting

SECTION_ORDER = ("", "train", "model", "loss", "data")


def shown_fields(basic: bool) -> list[Field]:
    """The fields of the short form, or all the others, by section."""
    found = [f for f in fields().values() if not f.is_hidden and bool(f.extra.get("basic")) == basic]
    return sorted(found, key=lambda f: SECTION_ORDER.index(f.key.rpartition(".")[0]))


class RecipeForm:
    """The text of each field. Nothing that was typed is ever lost to an error elsewhere."""

    def __init__(self, defaults: Mapping[str, Any] | None = None) -> None:
        """`defaults` are a person's own, checked, by key."""
        recipe = layered(defaults or {})
        self.texts = {key: setting(value) for key, value in flatten(recipe).items() if not fields()[key].is_hidden}
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
        field = fields()[key]
        return parse(field, self.texts[key])[1].removeprefix(f"{key}: ")

    def problems(self) -> dict[str, str]:
        """The problems by key."""
        return {key: problem for key in self.texts if (problem := self.problem(key))}

    def choose_preset(self, name: str) -> list[str]:
        """Fill the fields of a preset; the keys that it changed."""
        undone = {
            key: default for key, old, default in only_in(self.texts["preset"], name) if self.texts[key] == setting(old)
        }
        self.texts["preset"] = name
        self.set_by_preset = {}
        for key, value in (undone | PRESETS[name]).items():
            if self.texts[key] != setting(value):
                self.set_by_preset[key] = self.texts[key]
                self.texts[key] = setting(value)
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
                self.texts[key] = "auto" if again else setting(value)

    def recipe(self) -> Recipe:
        """The recipe of what was typed.

        Raises:
            RequestError: with every problem.
        """
        values = {}
        problems = []
        for key, text in self.texts.items():
            values[key], problem = parse(fields()[key], text)
            if problem:
                problems.append(problem)
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
