"""Commands: completion. The script for the shell's tab key is made from the parser: it knows every command and flag."""

import argparse
import re
from collections.abc import Iterator
from typing import Any

SHELLS = ("bash", "zsh", "fish")
NAMES = ("runs", "models")
"""What the scripts ask for when the tab key is pressed. There are no quotes in how they ask: each shell has its own."""
PLAIN_NAME = re.compile(r"\w[\w.+@%,=-]*")
"""What may be offered: bash and zsh expand what they are given to offer, and would run `$(...)` in a name."""
FILES = ("FILE", "DATA", "CODES", "FILE.toml")


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""
    parser = commands.add_parser(
        "completion",
        parents=[shared],
        help="print a script that completes commands, flags, runs and models in your shell",
        description="Print a script that completes commands, flags, files, runs and models with the tab key. For bash:"
        " distill-tui completion bash > ~/.local/share/bash-completion/completions/distill-tui",
        allow_abbrev=False,
    )
    parser.add_argument(
        "shell", choices=SHELLS + NAMES, help="your shell; `runs` and `models` print the names that the script offers"
    )
    parser.set_defaults(run=completion)


def completion(options: argparse.Namespace) -> int:
    """Print the script, or what it asks for."""
    if options.shell in NAMES:
        for name in filter(PLAIN_NAME.fullmatch, _names(options)):
            print(name)
        return 0
    import shtab

    from distill_tui.cli.parser import build_parser
    from distill_tui.recipe.fields import fields

    parser = build_parser()
    runs, models = (shtab.cmd(f"distill-tui completion {name} 2>/dev/null") for name in NAMES)
    sources = {"RUN": runs, "M": models, "DIR": shtab.DIRECTORY}
    sources |= dict.fromkeys(FILES, shtab.FILE)
    for field in fields().values():
        if "flag" in field.extra and field.kind is str and field.choices:
            sources[field.word.upper()] = shtab.cmd(f"echo {' '.join(field.choices)}")
    for action in _actions(parser):
        if isinstance(action.metavar, str) and action.metavar in sources:
            # where shtab looks for it
            action.complete = sources[action.metavar]  # type: ignore[attr-defined]
    print(shtab.complete(parser, options.shell))
    return 0


def _names(options: argparse.Namespace) -> list[str]:
    """The ids of runs, or the names and ids of models."""
    from distill_tui.paths import find_home

    home = find_home(options.home)
    if options.shell == "runs":
        from distill_tui.runs.folder import list_runs

        return [run.id for run in list_runs(home)]
    from distill_tui.library.store import Library

    return [word for entry in Library(home).list() for word in (entry.name, entry.id)]


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _actions(inner)
