"""A recipe as tables: what was set, what was chosen automatically and why, and everything."""

from collections.abc import Mapping
from typing import Any

from distill_tui.recipe.fields import fields
from distill_tui.reporting.formatting import MISSING, setting
from distill_tui.reporting.page.html import Html, element, join
from distill_tui.reporting.page.text import folded, role, table
from distill_tui.reporting.recipe_text import Values, flat, reason_for, settings_worth_a_line

HEAD = ("setting", "value", "chosen")
PATHS = ("data.paths", "train.start_from", "prior.codec")
"""Settings that name files of a person; `library.card.without_data` leaves the same out."""


def recipe(nested: Mapping[str, Any], with_data: bool = True) -> Html:
    """The settings of a recipe: those worth a line, and folded away all of them.

    Args:
        with_data: show what names a person's files; otherwise their last parts only.
    """
    values = shareable(flat(nested), with_data)
    worth = [key for key, _ in settings_worth_a_line(values)]
    everything = [key for key, field in fields().items() if key in values and not field.is_hidden]
    preset = values.get("preset")
    return join(
        element("p", "Preset: ", role(str(preset), "strong")) if preset else None,
        table(HEAD, [_row(values, key) for key in worth], class_="recipe"),
        folded("All settings", table(HEAD, [_row(values, key) for key in everything], class_="recipe")),
    )


def shareable(values: Values, with_data: bool) -> dict[str, Any]:
    """Values of a recipe; without data the last parts of what names a person's files."""
    found = dict(values)
    for key in () if with_data else PATHS:
        if isinstance(value := found.get(key), str):
            found[key] = _last_part(value)
        elif isinstance(value, list | tuple):
            found[key] = [_last_part(str(one)) for one in value]
    return found


def _last_part(path: str) -> str:
    return path.rstrip("/\\").replace("\\", "/").rpartition("/")[2]


def _row(values: Values, key: str) -> list[str | Html]:
    value = values[key]
    text = (", ".join(map(str, value)) or MISSING) if isinstance(value, list | tuple) else setting(value)
    return [element("code", key), text, how(values, key)]


def how(values: Values, key: str) -> str | Html:
    """How a value came about: `automatic: 40 s of sound`, `set`, or `default`."""
    automatic, field = values.get("automatic"), fields().get(key)
    if isinstance(automatic, list) and key in automatic:
        why = reason_for(values, key)
        return role(f"automatic{f': {why}' if why else ''}", "dim")
    if field is not None and values[key] != field.default:
        return "set"
    return role("default", "dim")
