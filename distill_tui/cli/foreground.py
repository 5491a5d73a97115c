"""A run in the foreground: followed until it ends; ctrl+c asks it to stop."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Protocol

from distill_tui.errors import DistillError, RequestError
from distill_tui.reporting.notes import named, resume_hint
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.launcher import launched
from distill_tui.runs.service import stop_run
from distill_tui.runs.state import RunState
from distill_tui.runs.worker_log import log_tail
from distill_tui.text import printable

POLL_SECONDS = 0.1
TWICE_SECONDS = 0.1
"""Two signals within this count as one: launchers like `uv run` may pass on those of the terminal."""
LAST_WORD_SECONDS = 10.0
"""Time for a worker to exit after its final event."""
LOG_LINES = 15


class Display(Protocol):
    """Shows a run while it is followed."""

    def event(self, event: e.Event, state: RunState) -> None:
        """Show an event, which is applied to `state` already."""

    def tick(self, state: RunState) -> None:
        """Called several times a second."""

    def clear(self) -> None:
        """Clear the line that is written over."""


class ForegroundRun:
    """A run in the foreground, and its worker: started by this process, or by another before."""

    def __init__(self, run: RunFolder, start: Callable[[], subprocess.Popen[bytes]] | None) -> None:
        """Start the worker by `start`; without it, follow the one that is alive."""
        self.run = run
        self._log = RunFollower(run)
        self._log.catch_up()
        self.worker = start() if start is not None else None
        if self.worker is not None:
            self._log.is_alive = self._worker_lives
        self._began = self.worker is None
        self._ended = False
        self._signals: list[int] = []
        # a launcher sends SIGTERM to all processes, and its processes pass it on
        self._is_launched = launched() is not None

    @property
    def was_interrupted(self) -> bool:
        """Whether somebody pressed ctrl+c; other signals need not come from a person."""
        return signal.SIGINT in self._signals

    def _worker_lives(self) -> bool:
        return self.worker is not None and self.worker.poll() is None

    @property
    def state(self) -> RunState:
        """The run's state as far as it was followed."""
        return self._log.state

    def wait_for_start(self) -> None:
        """Return once the worker has written its first event.

        Raises:
            DistillError: it died before that.
        """
        for _ in self._events():
            if self._began:
                return
        raise self._crashed()

    def wait_for_worker(self) -> None:
        """Return once a worker holds the run, or the one that was started is dead."""
        while not self.run.is_alive() and self._worker_lives():
            time.sleep(0.02)

    def to_the_end(self, display: Display) -> e.Finished | e.Stopped | e.Failed:
        """Show the run until its last event.

        The first ctrl+c (or SIGTERM) asks the worker to stop, which saves a checkpoint; a second one kills it.

        Raises:
            DistillError: the worker died without a final event.
            KeyboardInterrupt: it was killed by a second ctrl+c.
        """
        with self._listening():
            announced = False
            try:
                for event in self._events():
                    if self._signals and not announced:
                        announced = True
                        display.clear()
                        _tell(f"Stopping {self.run.id} with a checkpoint. Once more to kill it at once.")
                    if event is None:
                        display.tick(self.state)
                    else:
                        display.event(event, self.state)
            finally:
                with contextlib.suppress(OSError, ValueError):
                    display.clear()
        if self.state.ending and self._ended:
            return self.state.ending
        if len(self._signals) > 1:
            _tell(resume_hint(self.run))
            raise KeyboardInterrupt
        raise self._crashed()

    def _events(self) -> Iterator[e.Event | None]:
        """New events up to the final one, and None after each look; ends early if the worker is dead."""
        for event in self._log.events(POLL_SECONDS):
            if isinstance(event, e.Started) and self.worker is not None and event.pid == self.worker.pid:
                self._began = True
            self._ended = self._began and isinstance(event, e.LAST)
            yield event
            if self._ended:
                self._wait_for_the_worker()
                return

    def _wait_for_the_worker(self) -> None:
        """Wait for the worker to exit after its final event."""
        deadline = time.monotonic() + LAST_WORD_SECONDS
        while (self._worker_lives() if self.worker else self.run.is_alive()) and time.monotonic() < deadline:
            time.sleep(0.02)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Handle SIGINT and SIGTERM within this context."""
        last = -1.0

        def hear(number: int, _frame: FrameType | None) -> None:
            # all is done here and not in the loop, which may hang in a write to a stalled terminal
            nonlocal last
            now = time.monotonic()
            if self._signals and (now - last < TWICE_SECONDS or (self._is_launched and number == signal.SIGTERM)):
                return
            last = now
            self._signals.append(number)
            if len(self._signals) > 1:
                self._send(signal.SIGKILL)
                return
            if self._is_launched and number == signal.SIGTERM:
                # the log then tells that it was no person who stopped it
                self._send(signal.SIGTERM)
                return
            try:
                stop_run(self.run)
            except (DistillError, OSError):
                self._send(signal.SIGTERM)

        before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _send(self, number: int) -> None:
        if self.worker is not None:
            self.worker.send_signal(number)
        elif self.run.is_alive() and (pid := self.run.worker_pid()):
            with contextlib.suppress(OSError):
                os.kill(pid, number)

    def _crashed(self) -> DistillError:
        """Error for a worker that died without a final event; the end of its log is printed here."""
        code = 0 if self.worker is None else self.worker.wait()
        if code == RequestError.exit_code and self.run.is_alive():
            return RequestError(
                f"run {self.run.id} is already being trained by process {self.run.worker_pid()}",
                f"Watch it with: distill-tui watch {named(self.run)}",
            )
        if not self.run.recipe.exists():
            return DistillError(
                f"run {self.run.id} was removed while it trained: its worker has ended",
                "What it had saved is in the library: distill-tui models",
            )
        for line in log_tail(self.run, LOG_LINES):
            _tell(f"  {printable(line)}")
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with code {code}" if code else "ended"
        memory = " (too little memory is the usual cause)" if code == -signal.SIGKILL else ""
        return DistillError(
            f"the worker of {self.run.id} {how} without a last word{memory}; its log is {self.run.worker_log}",
            resume_hint(self.run),
        )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)
