"""Opening the app: the one place of the command line that reaches textual."""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator

from distill_tui.cli.ink import is_dumb
from distill_tui.errors import RequestError


def open_app(home: str | None, run: str | None, explore: bool = False) -> int:
    """Open the app, on the Training screen of `run` if one is given (to `explore`, on the Explorer); its exit code.

    Raises:
        RequestError: there is no terminal to open it in, or no such run.
    """
    from distill_tui.paths import find_home
    from distill_tui.runs.folder import find_run

    place = find_home(home)
    chosen = find_run(place, run) if run is not None else None
    commands = "Without one use the commands: distill-tui --help"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise RequestError("the app needs a terminal", commands)
    if is_dumb():
        term = os.environ.get("TERM", "")
        raise RequestError(
            f"the app needs a terminal that can place its cursor, and this one has TERM={term}", commands
        )
    # nothing of what is imported is garbage: the app turns this on again when its first screen stands
    gc.disable()
    with _no_ssl():
        from distill_tui.ui.app import run_app

    return run_app(place, chosen, explore)


@contextlib.contextmanager
def _no_ssl() -> Iterator[None]:
    """asyncio, imported in here, goes without TLS, as where Python has none: ssl takes as long to import as the first
    screen to draw, and the app has nobody to talk to. Whoever imports it later gets it."""
    if "ssl" in sys.modules:
        yield
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["ssl"]
