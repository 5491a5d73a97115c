"""The recipe on the command line: flags made from its declaration, and which setting wins over which."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from distill_tui.errors import RequestError
from distill_tui.paths import expand
from distill_tui.recipe.fields import Field, fields, find_key, parse
from distill_tui.recipe.schema import Recipe

DEST = "recipe."


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--recipe`, `--set`, and a flag for each field that declares one, with its bounds and default as help."""
    group = parser.add_argument_group(
        "the recipe", "Each wins over those before it: your settings, --recipe, --set, the flags."
    )
    group.add_argument("--recipe", metavar="FILE.toml", help="start from this recipe; it may leave keys out")
    group.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="sets",
        help="set any key of the recipe (model.mels=64); its last word will do (mels=64); several times if need be",
    )
    for field in fields().values():
        if "flag" in field.extra:
            group.add_argument(
                field.extra["flag"],
                dest=DEST + field.key,
                metavar=_metavar(field),
                help=_help(field).replace("%", "%%"),
            )


def _metavar(field: Field) -> str:
    return str(field.extra.get("metavar") or {int: "N", float: "X"}.get(field.kind, field.word.upper()))


def _help(field: Field) -> str:
    default = str(field.default).lower() if isinstance(field.default, bool) else field.default
    told = [field.bounds, f"default {default:g}" if isinstance(default, float) else f"default {default}"]
    return f"{field.help} ({'; '.join(part for part in told if part and part != 'default ')})"


def chosen_recipe(
    options: argparse.Namespace,
    defaults: Mapping[str, Any] | None = None,
    of_model: Callable[[str], Mapping[str, Any]] = lambda _: {},
) -> Recipe:
    """The recipe that a command line asks for, `auto` where nothing was chosen.

    The declared defaults, then a person's own (`defaults`, checked), those of the model to start from (`of_model`
    gives them), the recipe file, `--set`, and the flags. A preset applies its values over all that comes before the
    place where it is named. A file's `automatic` list is kept, but for keys that are set again.

    Raises:
        RequestError: with every problem of the file, of `--set` and of the flags at once.
    """
    from distill_tui.recipe import toml
    from distill_tui.recipe.presets import layered

    problems: list[str] = []
    from_file: dict[str, Any] = {}
    if options.recipe:
        try:
            from_file = toml.load_values(expand(options.recipe))
        except RequestError as error:
            problems += str(error).splitlines()
    asked = parse_settings(options.sets, problems)
    for field in fields().values():
        text = getattr(options, DEST + field.key, None)
        if text is not None:
            asked[field.key], problem = parse(field, text)
            if problem:
                problems.append(problem.replace(field.key, field.extra["flag"], 1))
    if problems:
        raise RequestError("\n".join(problems))
    model = {"train.start_from": "", **from_file, **asked}["train.start_from"]
    return layered(defaults or {}, of_model(model) if model else {}, from_file, asked)


def parse_settings(settings: list[str], problems: list[str]) -> dict[str, Any]:
    """Values by key of texts like `key=value`; what is wrong with them is added to `problems`."""
    values: dict[str, Any] = {}
    for setting in settings:
        word, equals, text = setting.partition("=")
        if not equals:
            problems.append(f"'{setting}' is not KEY=VALUE")
            continue
        try:
            key = find_key(word)
        except RequestError as error:
            problems.append(error.message)
            continue
        values[key], problem = parse(fields()[key], text)
        if problem:
            problems.append(problem)
    return values
