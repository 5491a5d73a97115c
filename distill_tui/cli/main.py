"""The command line: what it runs, its errors and exit codes. The commands are in the modules beside this one."""

import contextlib
import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from distill_tui import __version__
from distill_tui.errors import DistillError
from distill_tui.text import DRIVING, REPLACEMENT, gated

if TYPE_CHECKING:
    import argparse

INTERRUPTED = 128 + signal.SIGINT


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code: 0 done, 1 failed, 2 wrong request, 3 stopped for now, 130 interrupted."""
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a locale that is not UTF-8 must not turn an emoji in a file's name into a traceback
        sys.stdout.reconfigure(errors="replace")
    with gated():
        return _run(arguments)


def _open_closed_streams() -> None:
    """Open what the process was started without (`>&-`): the next file that it opens would take the stream's place."""
    if sys.stdin and sys.stdout and sys.stderr:
        return
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)
    os.close(handle)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - descriptors, for the process's life
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _run(arguments: Sequence[str]) -> int:
    try:
        if (plain := _plain(arguments)) is not None:
            return _open_app(plain or None)
        if "--line" in arguments and (code := _line(arguments)) is not None:
            return code
        from distill_tui.cli.parser import parse

        options = parse(arguments)
        if "RANK" in os.environ and not getattr(options, "with_ranks", False):
            from distill_tui.runs.launcher import be_alone

            be_alone()
        if options.command is None:
            return _open_app(options.home)
        _prepare_home(options)
        code = int(options.run(options))
        sys.stdout.flush()
    except DistillError as error:
        return _report(arguments, error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return _report(arguments, "interrupted", "", INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has gone (`| head`)
        _write_no_more()
        return 128 + signal.SIGPIPE
    except OSError as error:
        if _terminal_has_gone():
            _write_no_more()
            return 128 + signal.SIGHUP
        # what the system refuses is seldom a mistake in this program: a disk that went
        return _report(arguments, _refused(error), "", 1)
    except MemoryError:
        return _report(arguments, "out of memory", "", 1)
    except Exception as error:  # noqa: BLE001 - a mistake of ours: the person gets a line, the traceback a file
        message, hint = _keep_traceback(error, arguments)
        return _report(arguments, message, hint, 1)
    return code


def _report(arguments: Sequence[str], message: str, hint: str, exit_code: int) -> int:
    """Tell an error on standard error, and as a JSON document where one was asked for; the exit code."""
    # an error has no colours of ours, which the gate would let through to a terminal
    told = DRIVING.sub(REPLACEMENT, f"distill-tui: {message}\n{hint}".rstrip("\n"))
    with contextlib.suppress(OSError):
        print(told, file=sys.stderr, flush=True)
    if "--json" in arguments:
        import json

        document = {"error": message, "hint": hint, "exit_code": exit_code}
        try:
            print(json.dumps(document), flush=True)
        except OSError:
            _write_no_more()
    return exit_code


def _write_no_more() -> None:
    """Have nothing that is written from here on fail: Python would complain when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())


def _terminal_has_gone() -> bool:
    """Whether one of our outputs was a terminal that has hung up."""
    import termios

    for stream in (sys.stdout, sys.stderr):
        try:
            termios.tcgetattr(stream.fileno())
        except termios.error as error:
            if error.args[0] == errno.EIO:
                return True
        except (OSError, ValueError):
            continue
    return False


def _plain(arguments: Sequence[str]) -> str | None:
    """The home ('' for the usual one) where no more is said than to open the app: its first screen need not wait for a
    parser that has nothing to parse. None: something else is said."""
    match arguments:
        case []:
            return ""
        case ["--home", home] if home and not home.startswith("-"):
            return home
    return None


def _line(arguments: Sequence[str]) -> int | None:
    """Run `status --line` without a parser; None where it takes one."""
    from distill_tui.cli.quick import light_imports, line_options

    options = line_options(arguments)
    if options is None:
        return None
    with light_imports():
        from distill_tui.cli.commands.runs import status

        code = status(options)
    sys.stdout.flush()
    return code


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
    from distill_tui.text import printable

    where = f"{printable(str(error.filename))}: " if error.filename else ""
    return f"{where}{(error.strerror or str(error)).lower()}"


def _keep_traceback(error: Exception, arguments: Sequence[str]) -> tuple[str, str]:
    """Write the traceback of a mistake in this program aside; what to tell, and the hint."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="distill-tui-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as file:
        file.write(f"distill-tui {__version__} {list(arguments)}\n\n")
        file.write("".join(traceback.format_exception(error)))
    return f"a mistake in this program: {type(error).__name__}", f"Please report it with {file.name}"
