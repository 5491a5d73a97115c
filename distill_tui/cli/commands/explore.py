"""Commands: explore, map: what codebooks look like, of pictures as they are learned and of any run or model."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from distill_tui.cli.commands.train import INSTEAD, add_ways
from distill_tui.cli.recipe_flags import add_recipe_flags
from distill_tui.errors import RequestError
from distill_tui.paths import expand
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.paths import Home
    from distill_tui.recipe.schema import Recipe
    from distill_tui.runs.codebook_map import CodebookMap
    from distill_tui.runs.folder import RunFolder

MOST_CODES = 16
"""So many codes of a level are told, those used most."""


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    common: dict[str, Any] = {"parents": [shared], "allow_abbrev": False}
    parser = commands.add_parser(
        "explore",
        help="watch codebooks learn pictures, and change their settings",
        description="Train on MNIST's files, or on figures that are drawn, with two-dimensional latents that can be "
        "looked at, and open the app's Explorer on the run. Without a terminal, or with --plain, progress is printed.",
        **common,
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="a folder with MNIST's four files, or two of them, gzipped or not; without one figures are drawn",
    )
    add_recipe_flags(parser)
    add_ways(parser, INSTEAD)
    parser.set_defaults(run=explore)

    parser = commands.add_parser(
        "map",
        help="a run's or model's codes: where they lie, how often and where in the data they are used",
        description="The codes of a run or model, with how often each is used and where in the data most.",
        **common,
    )
    parser.add_argument("wanted", metavar="M", help="a model (its name, id or path) or a run")
    parser.add_argument("--json", action="store_true", help="print the whole map as one JSON document")
    parser.add_argument("--out", metavar="FILE", help="write the map as JSON to a file")
    parser.add_argument("--progress", action="store_true", help="tell how far it is, on standard error, as JSON lines")
    parser.set_defaults(run=make_map)


def explore(options: argparse.Namespace) -> int:
    """Make a run on pictures, start it, and show it in the app, or as lines where there is no terminal for it."""
    from distill_tui.cli.app import open_app
    from distill_tui.cli.commands.train import go
    from distill_tui.cli.foreground import ForegroundRun
    from distill_tui.cli.terminal_style import TerminalStyle
    from distill_tui.paths import find_home
    from distill_tui.reporting.notes import named
    from distill_tui.runs.quick_state import quick_state
    from distill_tui.runs.service import start_worker

    home = find_home(options.home)
    run = _make_run(home, options)
    if options.detach or options.plain or options.json or not TerminalStyle().cursor or not sys.stdin.isatty():
        return go(options, home, run)
    ForegroundRun(run, lambda: start_worker(home, run)).wait_for_start()
    code = open_app(options.home, str(run.path), explore=True)
    if quick_state(run).is_active:
        print(f"{run.id} goes on. Watch it with: distill-tui watch {named(run)}", file=sys.stderr)
    return code


def _make_run(home: "Home", options: argparse.Namespace) -> "RunFolder":
    """Make the run's folder, and tell what it trains on."""
    from distill_tui.cli.recipe_flags import chosen_recipe, keys_as_flags
    from distill_tui.data.images.dataset import find_pictures
    from distill_tui.recipe.presets import EXPLORE
    from distill_tui.runs.service import create_run
    from distill_tui.settings import read_settings
    from distill_tui.text import decode_path

    recipe = chosen_recipe(options, {**read_settings(home).defaults, **EXPLORE})
    _refuse_sounds(recipe)
    folder = options.data or next((decode_path(path) for path in recipe.data.paths), None)
    pictures = find_pictures(expand(folder) if folder else None, recipe.data.validation_fraction)
    with keys_as_flags(options):
        run = create_run(home, recipe, pictures).folder
    where = printable(decode_path(pictures.path)) if pictures.path else "figures"
    lines = [f"{where}: {pictures.training:,} pictures to train on, {pictures.validation:,} held out"]
    if pictures.note:
        lines.append(printable(pictures.note))
    print(
        "\n".join([*lines, f"run: {printable(run.id)}"]),
        file=sys.stderr if options.detach or options.json else sys.stdout,
        flush=True,
    )
    return run


def _refuse_sounds(recipe: "Recipe") -> None:
    if recipe.task != "images":
        raise RequestError(
            f"model.net: explore trains on pictures, with net image and not {recipe.model.net}",
            "Train on sounds with: distill-tui train FOLDER",
        )
    if recipe.train.start_from:
        raise RequestError("train.start_from: explore starts from scratch", "Leave --start-from out.")


def make_map(options: argparse.Namespace) -> int:
    """Print the map of a run or model."""
    import msgspec

    from distill_tui.cli.commands.data import ProgressLines
    from distill_tui.cli.output import print_json, say
    from distill_tui.data.silence_stderr import quiet_decoders
    from distill_tui.files import atomic_write
    from distill_tui.paths import find_home

    home = find_home(options.home)
    with quiet_decoders():
        from distill_tui.engine.maps import build

        found = build.make_map(home, options.wanted, ProgressLines() if options.progress else None)
    if options.out:
        atomic_write(expand(options.out), msgspec.json.encode(found), shared=True)
        say(f"written: {printable(options.out)}")
    if options.json:
        print_json(found)
    elif not options.out:
        print(as_text(found))
    return 0


def as_text(found: "CodebookMap") -> str:
    """A map as tables: each level's codes, those used most first, with where in the data most."""
    from distill_tui.reporting.formatting import percent, plural, table

    flat = "" if found.dims <= 2 else f" of {found.dims}, which hold {percent(found.explained)} of the variance"
    over = f"the last {found.batches} batches" if found.batches else "all the data"
    what = f"{plural(len(found.points), 'point')} in {plural(len(found.groups), 'group')}"
    parts = [f"{what}, in 2 dimensions{flat}; counts over {over}; as of step {found.step:,}"]
    for number, level in enumerate(found.levels):
        used, total = sum(count > 0 for count in level.counts), max(1, sum(level.counts))
        parts.append(f"\nLevel {number + 1}: {used} of {len(level.counts)} codes used")
        ordered = sorted(range(len(level.counts)), key=lambda code: -level.counts[code])
        rows = [
            [
                str(code),
                f"{level.counts[code]:,}",
                f"{100 * level.counts[code] / total:.1f}%",
                _most(found, number, code),
            ]
            for code in ordered[:MOST_CODES]
            if level.counts[code]
        ]
        if rows:
            parts.append(table(["code", "uses", "share", "most"], rows))
        if used > MOST_CODES:
            parts.append(f"and {used - MOST_CODES:,} more; all of them with --json")
    return "\n".join(parts)


def _most(found: "CodebookMap", number: int, code: int) -> str:
    """Where a code is used most: a place in a sound, or else the groups of the points that chose it."""
    from collections import Counter

    level = found.levels[number]
    if code < len(level.places) and level.places[code]:
        place = level.places[code][0]
        minutes, seconds = divmod(place.start, 60)
        return f"{printable(place.file)} at {int(minutes)}:{seconds:04.1f}"
    served = Counter(label for label, one in zip(found.labels, level.chosen, strict=False) if one == code)
    names = [found.groups[label] for label, _ in served.most_common(3) if label < len(found.groups)]
    return ", ".join(printable(name) for name in names)
