"""The command line: its parser, its errors and exit codes. The commands are in the modules beside this one.

argparse starts in 6 ms, where the frameworks over it take 70 to 120: `status --line` runs every few seconds in tmux.
Each group of commands is a module that declares its parsers, and imports what it needs only when it runs.
"""

import argparse
import contextlib
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from distill_tui import __version__
from distill_tui.errors import DistillError, RequestError

GROUPS = {
    "train": ("train", "demo", "resume"),
    "runs": ("runs", "status", "watch"),
    "control": ("pause", "unpause", "stop", "checkpoint", "preview", "tune"),
    "explore": ("explore", "map"),
    "models": ("models",),
    "sound": ("reconstruct", "encode", "decode"),
    "data": ("data",),
    "machine": ("doctor",),
    "tensorboard": ("export-tensorboard",),
    "bench": ("bench",),
    "completion": ("completion",),
}
"""The modules beside this one and their commands, so that a command need not wait for all the others to be imported."""


class Parser(argparse.ArgumentParser):
    """argparse with errors of one or two lines, raised like every other wrong request."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(message, f"See: {self.prog} --help")


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
            importlib.import_module(f"distill_tui.cli.{group}").register(commands, shared)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code (0 done, 1 failed, 2 wrong request, 130 interrupted)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a locale that is not UTF-8 must not turn an emoji in a file's name into a traceback
        sys.stdout.reconfigure(errors="replace")
    try:
        options = build_parser(_command(arguments)).parse_args(arguments)
        options.home = getattr(options, "home", None)
        if options.command is None:
            from distill_tui.cli.app import open_app

            return open_app(options.home, None)
        _tell_settings(options)
        code: int = options.run(options)
        sys.stdout.flush()
    except DistillError as error:
        print(f"distill-tui: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("distill-tui: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # whoever read our output has gone (`| head`): Python must not complain when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:  # noqa: BLE001 - a mistake of ours: the person gets a line, the traceback a file
        print(f"distill-tui: {_keep_traceback(error, arguments)}", file=sys.stderr)
        return 1
    return code


def _command(arguments: Sequence[str]) -> str | None:
    """The command that is meant, '' for the app, or None where that takes the whole parser to tell."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--home":
            next(rest, None)
        elif not argument.startswith("--home="):
            return argument if any(argument in names for names in GROUPS.values()) else None
    return ""


def _tell_settings(options: argparse.Namespace) -> None:
    """Warn of mistakes in settings.toml. The app tells them itself, and tmux's line has no room for them."""
    from distill_tui.paths import find_home

    if options.command == "watch" or getattr(options, "line", False):
        return
    home = find_home(options.home)
    with contextlib.suppress(OSError):
        if home.settings.exists():
            from distill_tui.settings import read_settings

            for problem in read_settings(home).problems:
                print(f"warning: {problem}", file=sys.stderr)


def _keep_traceback(error: Exception, arguments: Sequence[str]) -> str:
    """Write the traceback of a mistake in this program aside; what to tell."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="distill-tui-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as file:
        file.write(f"distill-tui {__version__} {list(arguments)}\n\n")
        file.write("".join(traceback.format_exception(error)))
    return f"a mistake in this program: {type(error).__name__}\nPlease report it with {file.name}"
