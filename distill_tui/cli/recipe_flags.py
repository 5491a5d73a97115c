"""The recipe on the command line: flags made from its declaration, and which setting wins over which."""

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from distill_tui.errors import RequestError
from distill_tui.paths import expand
from distill_tui.recipe.fields import Field, fields, find_key, parse
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.upgrade import merge_quantizer

DEST = "recipe."


def add_recipe_flags(parser: argparse.ArgumentParser, only: Sequence[str] = ()) -> None:
    """Add `--recipe`, `--set`, and a flag for each field that declares one, with its bounds and default as help.

    Args:
        only: the keys that have a flag here; () for all.
    """
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
        help="set any key of the recipe (model.n_mels=64); its last word will do (n_mels=64); several times if need be",
    )
    group.add_argument("--keys", action=ListKeys, help="list every key of the recipe with its bounds, and exit")
    for field in fields().values():
        if "flag" in field.extra and (not only or field.key in only):
            group.add_argument(
                field.extra["flag"],
                dest=DEST + field.key,
                metavar=_metavar(field),
                help=_help(field).replace("%", "%%"),
            )


class ListKeys(argparse.Action):
    """`--keys`: print what `--set` and a recipe file take."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        shown = [field for field in fields().values() if not field.is_hidden or _is_worth_listing(field)]
        width = max(len(field.key) for field in shown)
        print("\n".join(f"{field.key.ljust(width)}  {_help(field)}" for field in shown))
        parser.exit()


def _is_worth_listing(field: Field) -> bool:
    """Whether `--keys` tells a field that the form does not show."""
    return field.key == "data.paths" or field.key.startswith("prior.")


@contextlib.contextmanager
def keys_as_flags(options: argparse.Namespace) -> Iterator[None]:
    """Have problems of the recipe name the flag that a person has typed, and not the key behind it.

    Raises:
        RequestError: the one that was raised within, in these words.
    """
    flags = {key: fields()[key].extra["flag"] for key in _flagged(options)}
    try:
        yield
    except RequestError as error:
        lines = error.message.splitlines()
        for number, line in enumerate(lines):
            key, colon, rest = line.partition(":")
            lines[number] = flags.get(key, key) + colon + rest
        raise RequestError("\n".join(lines), error.hint) from error


def _flagged(options: argparse.Namespace) -> list[str]:
    """The keys that were set by flags of their own."""
    return [key for key in fields() if getattr(options, DEST + key, None) is not None]


def _metavar(field: Field) -> str:
    return str(field.extra.get("metavar") or {int: "N", float: "X"}.get(field.kind, field.word.upper()))


def _help(field: Field) -> str:
    default = str(field.default).lower() if isinstance(field.default, bool) else field.default
    told = [field.bounds, f"default {default:g}" if isinstance(default, float) else f"default {default}"]
    known = [part for part in told if part not in ("", "default ", "default []")]
    return f"{field.help} ({'; '.join(known)})" if known else field.help


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
    for key in _flagged(options):
        field = fields()[key]
        asked[key], problem = parse(field, getattr(options, DEST + key))
        if problem:
            problems.append(problem.replace(key, field.extra["flag"], 1))
    if problems:
        unknown = any(problem.startswith("unknown key") for problem in problems)
        raise RequestError("\n".join(problems), "List the keys with: distill-tui train --keys" if unknown else "")
    model = {"train.start_from": "", **from_file, **asked}["train.start_from"]
    return layered(defaults or {}, of_model(model) if model else {}, from_file, asked)


def parse_settings(settings: list[str], problems: list[str]) -> dict[str, Any]:
    """Values by key of texts like `key=value`; what is wrong with them is added to `problems`."""
    values: dict[str, Any] = {}
    parts = [setting.partition("=") for setting in settings]
    for word, text in merge_quantizer({word: text if equals else None for word, equals, text in parts}).items():
        if text is None:
            problems.append(f"'{word}' is not KEY=VALUE")
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
