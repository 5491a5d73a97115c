"""The command line: what it runs, its errors and exit codes. The commands are in the modules beside this one."""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from distill_tui import __version__
from distill_tui.errors import DistillError
from distill_tui.text import gated

if TYPE_CHECKING:
    import argparse


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code (0 done, 1 failed, 2 wrong request, 130 interrupted)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a locale that is not UTF-8 must not turn an emoji in a file's name into a traceback
        sys.stdout.reconfigure(errors="replace")
    with gated():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        if (plain := _plain(arguments)) is not None:
            return _open_app(plain or None)
        from distill_tui.cli.parser import parse

        options = parse(arguments)
        if options.command is None:
            return _open_app(options.home)
        _prepare_home(options)
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
    except OSError as error:
        # what the system refuses is seldom a mistake in this program: a disk that went, a terminal that is gone
        with contextlib.suppress(OSError):
            print(f"distill-tui: {_refused(error)}", file=sys.stderr)
        return 1
    except MemoryError:
        print("distill-tui: out of memory", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - a mistake of ours: the person gets a line, the traceback a file
        print(f"distill-tui: {_keep_traceback(error, arguments)}", file=sys.stderr)
        return 1
    return code


def _plain(arguments: Sequence[str]) -> str | None:
    """The home ('' for the usual one) where no more is said than to open the app: its first screen need not wait for a
    parser that has nothing to parse. None: something else is said."""
    match arguments:
        case []:
            return ""
        case ["--home", home] if home and not home.startswith("-"):
            return home
    return None


def _open_app(home: str | None) -> int:
    from distill_tui.cli.app import open_app

    return open_app(home, None)


def _prepare_home(options: "argparse.Namespace") -> None:
    """Close an old home to others, and warn of mistakes in settings.toml.

    The app tells the mistakes itself, and tmux's line has no room for them.
    """
    from distill_tui.paths import find_home
    from distill_tui.privacy import close_home

    home = find_home(options.home)
    close_home(home)
    if options.command == "watch" or getattr(options, "line", False):
        return
    with contextlib.suppress(OSError):
        if home.settings.exists():
            from distill_tui.settings import read_settings

            for problem in read_settings(home).problems:
                print(f"warning: {problem}", file=sys.stderr)


def _refused(error: OSError) -> str:
    from distill_tui.files import printable

    where = f"{printable(str(error.filename))}: " if error.filename else ""
    return f"{where}{(error.strerror or str(error)).lower()}"


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
