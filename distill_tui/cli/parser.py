"""The parser of the command line, of all of it or of as much as one command needs.

argparse starts in 6 ms, where the frameworks over it take 70 to 120: `status --line` runs every few seconds in tmux.
Each group of commands is a module that declares its parsers, and imports what it needs only when it runs.
"""

import argparse
import importlib
from collections.abc import Sequence
from typing import Any, NoReturn

from distill_tui import __version__
from distill_tui.errors import RequestError, did_you_mean

GROUPS = {
    "train": ("train", "demo", "resume"),
    "train_prior": ("train-prior",),
    "runs": ("runs", "status", "watch"),
    "control": ("pause", "unpause", "stop", "checkpoint", "preview", "tune"),
    "explore": ("explore", "map"),
    "serve": ("serve",),
    "models": ("models",),
    "generate": ("generate",),
    "audio": ("reconstruct", "encode", "decode"),
    "data": ("data",),
    "doctor_command": ("doctor",),
    "tensorboard": ("export-tensorboard",),
    "report": ("report",),
    "prune": ("prune",),
    "bench": ("bench",),
    "completion": ("completion",),
}
"""The modules of `cli.commands` and their commands, so that one command does not import all the others."""


class Parser(argparse.ArgumentParser):
    """argparse with errors of one or two lines, raised like every other wrong request."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(message, f"See: {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse, and refuse here what is not known: the parser of a command alone can tell what it takes."""
        found, rest = super().parse_known_args(args, namespace)
        last = next(reversed(self._get_positional_actions()), None)
        if rest and last and last.nargs == "*" and not getattr(found, last.dest) and not rest[0].startswith("-"):
            # argparse of Python 3.11 looks for words that may be missing in front of the first flag alone
            setattr(found, last.dest, rest)
            rest = []
        if rest:
            flags = [word for word in rest if word.startswith("--")]
            near = did_you_mean(flags[0].partition("=")[0], self._option_string_actions) if flags else ""
            self.error(f"unrecognized arguments: {' '.join(rest)}{near}")
        return found, rest

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        what = {"COMMAND": "command", "ACTION": f"action of {self.prog}"}.get(str(action.metavar), "choice")
        near = did_you_mean(str(value), action.choices)
        raise RequestError(
            f"unknown {what} '{value}'{near}; there are: {', '.join(action.choices)}", f"See: {self.prog} --help"
        )


def build_parser(command: str | None = None) -> Parser:
    """The command line: all of it, or as much as `command` needs."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--home",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of runs, models, cache and settings.toml (or DISTILL_TUI_HOME; else the platform's data folder)",
    )
    parser = Parser(
        prog="distill-tui",
        description="Train residual-VQ audio autoencoders on your own folder of sounds. Without a command: the app.",
        parents=[shared],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"distill-tui {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for group, names in GROUPS.items():
        if command is None or command in names:
            importlib.import_module(f"distill_tui.cli.commands.{group}").register(commands, shared)
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """A command line in parts, `run` among them: the function that runs its command, None for the app.

    Raises:
        RequestError: it is wrong.
    """
    options = build_parser(_command(arguments)).parse_args(arguments)
    options.home = getattr(options, "home", None)
    return options


def _command(arguments: Sequence[str]) -> str | None:
    """The command that is meant, '' for the app, or None where that takes the whole parser to tell."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--home":
            next(rest, None)
        elif not argument.startswith("--home="):
            return argument if any(argument in names for names in GROUPS.values()) else None
    return ""
