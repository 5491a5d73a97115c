"""Requests to runs, written to their control files by a thread: no key waits for a disk or for another program."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from distill_tui.errors import DistillError
from distill_tui.runs.control import Control, change_control
from distill_tui.runs.folder import RunFolder

PATIENCE = 3.0
"""Seconds to wait for a program that holds the lock of a control file; leaving the app can take as long."""

Change = Callable[[Control], object]


@dataclass(eq=False)
class Request:
    """A change of a run's control file. `written` becomes the file's contents after it, or the error."""

    run: RunFolder
    change: Change
    written: "Future[Control]" = field(default_factory=Future)

    @property
    def has_failed(self) -> bool:
        """Whether it could not be written."""
        return self.written.done() and self.written.exception() is not None


@dataclass(eq=False)
class SettingChange:
    """A change of a live setting that can be undone; `before` is the value before it."""

    key: str
    before: float
    request: Request
    undone_by: Request | None = None

    @property
    def can_be_undone(self) -> bool:
        """True if the change was written, or will be, and was not undone."""
        return not self.request.has_failed and (self.undone_by is None or self.undone_by.has_failed)


class ControlWriter:
    """Writes requests in the order in which they came; those that wait for one run are written together.

    Leaving the app waits until all are written.
    """

    def __init__(self) -> None:
        self._waiting: list[Request] = []
        self._guard = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "control-writer")

    def add(self, run: RunFolder, change: Change) -> Request:
        """Write a change after those that wait."""
        request = Request(run, change)
        with self._guard:
            self._waiting.append(request)
        self._thread.submit(self._write, run)
        return request

    def _write(self, run: RunFolder) -> None:
        with self._guard:
            requests = [request for request in self._waiting if request.run == run]
        if not requests:
            # written together with earlier ones
            return

        def change(control: Control) -> None:
            for request in requests:
                request.change(control)

        result: Control | Exception
        try:
            result = change_control(run.control, change, PATIENCE)
        except (DistillError, OSError) as error:
            result = error
        with self._guard:
            self._waiting = [request for request in self._waiting if request not in requests]
        for request in requests:
            if isinstance(result, Control):
                request.written.set_result(result)
            else:
                request.written.set_exception(result)
