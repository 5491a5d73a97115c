"""How to repeat a training: a command with the same choices, and the complete recipe."""

import shlex
from collections.abc import Mapping
from typing import Any

import tomli_w

from distill_tui.library.card import Card, without_data
from distill_tui.recipe.fields import Field, fields
from distill_tui.recipe.presets import PRESETS, PRIOR
from distill_tui.reporting.formatting import setting
from distill_tui.reporting.page.html import Html, element, join
from distill_tui.reporting.page.recipe import shareable
from distill_tui.reporting.page.text import folded
from distill_tui.reporting.recipe_text import Values, flat


def repeat(nested: Mapping[str, Any], with_data: bool) -> Html:
    """The command that trains by the choices of a recipe, and the recipe itself, in which nothing is left to choose."""
    values = shareable(flat(nested), with_data)
    shown = dict(nested) if with_data else without_data(Card(recipe=dict(nested))).recipe
    return join(
        element("p", "With the same choices; what was automatic is chosen anew, for that machine and those sounds:"),
        element("pre", element("code", command(values))),
        element("p", "With the very same numbers, from the recipe below, saved as recipe.toml:"),
        element("pre", element("code", command(values, "recipe.toml"))),
        folded("recipe.toml", element("pre", element("code", tomli_w.dumps(_without_none(shown))))),
    )


def command(values: Values, recipe_file: str = "") -> str:
    """A command line that trains by these values, or by a recipe file."""
    words = ["distill-tui", *_verb(values), "--name", str(values.get("name") or "run")]
    if recipe_file:
        return shlex.join([*words, "--recipe", recipe_file])
    preset = str(values.get("preset") or "")
    is_prior = bool(values.get("prior.net"))
    if preset in PRESETS and not is_prior:
        words += ["--preset", preset]
    usual = PRIOR if is_prior else PRESETS.get(preset, {})
    automatic = values.get("automatic") or []
    for key, field in fields().items():
        # the rest of a prior's recipe is of its codec
        is_told = key.startswith(("prior.", "train.")) if is_prior else not key.startswith("prior.")
        is_chosen = key in values and is_told and _is_choice(field) and key not in automatic
        if is_chosen and values[key] != usual.get(key, field.default):
            words += _flag(field, values[key])
    return shlex.join(words)


def _verb(values: Values) -> list[str]:
    if values.get("prior.net"):
        codec = str(values.get("prior.codec") or "")
        # a run's own copy has no name
        return ["train-prior", "CODEC" if codec.endswith("codec.distill") or not codec else codec]
    if values.get("model.net") == "image":
        return ["explore"]
    return ["train", *map(str, values.get("data.paths") or ["FOLDER"])]


def _is_choice(field: Field) -> bool:
    return not field.is_own and not field.is_hidden and field.key != "preset" and field.kind is not list


def _flag(field: Field, value: Any) -> list[str]:
    """A setting by its own flag where it has one."""
    if "flag" in field.extra:
        return [str(field.extra["flag"]), setting(value)]
    return ["--set", f"{field.key}={setting(value)}"]


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as TOML can hold them, which has no null."""
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }
