"""Recipes as TOML files: read with every problem told at once, written complete."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from distill_tui.errors import RequestError
from distill_tui.files import atomic_write
from distill_tui.foreign import MalformedError, read_toml
from distill_tui.recipe import fields as f
from distill_tui.recipe.schema import RECIPE_VERSION, Recipe
from distill_tui.recipe.upgrade import upgrade
from distill_tui.text import printable

MOST_PROBLEMS = 20
"""How many problems of one recipe are told."""


def from_dict(values: Mapping[str, Any], where: str = "recipe") -> dict[str, Any]:
    """The flat, checked values of a nested recipe dict, which may leave keys out.

    Raises:
        RequestError: with every problem at once.
    """
    flat: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in upgrade(values).items():
        if key in f.SECTIONS:
            if isinstance(value, Mapping):
                flat.update({f"{key}.{word}": inner for word, inner in value.items()})
            else:
                problems.append(f"{key}: is a section, [{key}], not a value")
        else:
            flat[key] = value
    version = flat.get("version", RECIPE_VERSION)
    if isinstance(version, int) and version > RECIPE_VERSION:
        raise RequestError(
            f"{where}: recipe version {version} is newer than this program's {RECIPE_VERSION}", "Update distill-tui."
        )
    for key, value in list(flat.items()):
        if key not in f.fields():
            # the nearest key is looked for as often as it is told
            problems.append(f.unknown_key(key) if len(problems) < MOST_PROBLEMS else key)
            continue
        flat[key], problem = f.check(f.fields()[key], value)
        if problem:
            problems.append(problem)
    if problems:
        more = [f"... and {len(problems) - MOST_PROBLEMS:,} more"] if len(problems) > MOST_PROBLEMS else []
        raise RequestError("\n".join(f"{where}: {problem}" for problem in [*problems[:MOST_PROBLEMS], *more]))
    return flat


def load_values(path: Path) -> dict[str, Any]:
    """The flat, checked values that a recipe file sets.

    Raises:
        RequestError: the file cannot be read, is not TOML, or holds wrong keys or values.
    """
    name = printable(str(path))
    try:
        _, values = read_toml(path)
    except FileNotFoundError:
        raise RequestError(f"{name}: no such recipe file") from None
    except OSError as error:
        raise RequestError(f"{name}: cannot be read as a recipe: {error.strerror or error}") from None
    except MalformedError as error:
        what = "not a TOML file" if " (at " in error.message else "cannot be read as a recipe"
        raise RequestError(f"{name}: {what}: {error}") from None
    return from_dict(values, name)


def load(path: Path) -> Recipe:
    """A complete recipe from its file; keys that it leaves out have their defaults."""
    return f.with_values(Recipe(), load_values(path))


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as nested plain values, complete."""
    built: dict[str, Any] = msgspec.to_builtins(recipe)
    return built


def dumps(recipe: Recipe) -> str:
    """The recipe as TOML, complete."""
    return tomli_w.dumps(to_dict(recipe))


def save(recipe: Recipe, path: Path, *, shared: bool = False) -> None:
    """Write the recipe to `path`, atomically; `shared` as for `atomic_write`."""
    atomic_write(path, dumps(recipe).encode(), shared=shared)
