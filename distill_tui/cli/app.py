"""Opening the app: the one place of the command line that reaches textual."""

import os
import sys

from distill_tui.cli.terminal_style import is_dumb
from distill_tui.errors import RequestError
from distill_tui.text import ungated


def open_app(home: str | None, run: str | None, explore: bool = False) -> int:
    """Open the app, on the Training screen of `run` if one is given (to `explore`, on the Explorer); its exit code.

    Raises:
        RequestError: there is no terminal to open it in, or no such run.
    """
    from distill_tui.paths import find_home
    from distill_tui.privacy import close_home
    from distill_tui.runs.folder import find_run

    place = find_home(home)
    close_home(place)
    chosen = find_run(place, run) if run is not None else None
    commands = "Without one use the commands: distill-tui --help"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise RequestError("the app needs a terminal", commands)
    if is_dumb():
        term = os.environ.get("TERM", "")
        raise RequestError(
            f"the app needs a terminal that can place its cursor, and this one has TERM={term}", commands
        )
    from distill_tui.ui.start import run_app

    with ungated():
        return run_app(place, chosen, explore)
