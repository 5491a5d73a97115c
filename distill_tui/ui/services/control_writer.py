"""What is asked of a run, written to its control file by a thread: no key waits for a disk or for another program."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from distill_tui.errors import DistillError
from distill_tui.runs.control import Control, change_control
from distill_tui.runs.folder import RunFolder

PATIENCE = 3.0
"""How many seconds to wait for a program that holds a run's control file; leaving the app may wait as long."""

Change = Callable[[Control], object]


@dataclass(eq=False)
class Wish:
    """A change of what is wanted of a run; `written` gives the control file's contents then, or what went wrong."""

    run: RunFolder
    change: Change
    written: "Future[Control]" = field(default_factory=Future)


class Wishes:
    """Wishes in the order in which they came. Those that wait for one run are written together.

    What was asked for is written also when the app is left right after.
    """

    def __init__(self) -> None:
        self._waiting: list[Wish] = []
        self._guard = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "wishes")

    def add(self, run: RunFolder, change: Change) -> Wish:
        """Have a change written behind the others."""
        wish = Wish(run, change)
        with self._guard:
            self._waiting.append(wish)
        self._thread.submit(self._write, run)
        return wish

    def over(self, run: RunFolder, control: Control) -> Control:
        """`control` as it will be when what waits for this run is written."""
        with self._guard:
            waiting = [wish for wish in self._waiting if wish.run == run]
        for wish in waiting:
            wish.change(control)
        return control

    def _write(self, run: RunFolder) -> None:
        with self._guard:
            these = [wish for wish in self._waiting if wish.run == run]
        if not these:
            # written with those before
            return

        def change(control: Control) -> None:
            for wish in these:
                wish.change(control)

        answer: Callable[[Wish], object]
        try:
            control = change_control(run.control, change, PATIENCE)
            answer = partial(_grant, control=control)
        except (DistillError, OSError) as error:
            answer = partial(_refuse, error=error)
        with self._guard:
            self._waiting = [wish for wish in self._waiting if wish not in these]
        for wish in these:
            answer(wish)


def _grant(wish: Wish, control: Control) -> None:
    wish.written.set_result(control)


def _refuse(wish: Wish, error: Exception) -> None:
    wish.written.set_exception(error)
