"""What `status --line` leaves out to be quick: tmux runs it every few seconds, and most of its time is imports."""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import NoReturn


def line_options(arguments: Sequence[str]) -> SimpleNamespace | None:
    """The options of a plain `status --line [RUN] [--home DIR]`; None for all else, which needs the parser."""
    rest, home = list(arguments), None
    if "--home" in rest:
        at = rest.index("--home")
        home = rest[at + 1] if at + 1 < len(rest) else "-"
        del rest[at : at + 2]
    if rest[:1] != ["status"] or "--line" not in rest:
        return None
    names = [word for word in rest[1:] if word != "--line"]
    if len(names) > 1 or any(word.startswith("-") for word in [home or "", *names]):
        return None
    return SimpleNamespace(command="status", home=home, name=names[0] if names else None, line=True)


@contextlib.contextmanager
def light_imports() -> Iterator[None]:
    """Import without garbage collection, and msgspec without typing_extensions, half of what it takes.

    msgspec does without where that is not installed.
    """
    absent = "typing_extensions"
    blocked = absent not in sys.modules
    if blocked:
        sys.modules[absent] = None  # type: ignore[assignment]
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if blocked:
            del sys.modules[absent]
        if collected:
            gc.enable()


def leave(code: int) -> NoReturn:
    """End the process with `code`, without taking every module apart first: a sixth of the time of `status --line`."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
