"""Runs as the screens follow them: one follower a run, owned by the app and shared by whoever watches it."""

import asyncio
import copy
from collections import deque
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen

from distill_tui.errors import DistillError
from distill_tui.reporting import formatting
from distill_tui.reporting.event_text import event_line
from distill_tui.runs import control
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui import messages as m
from distill_tui.ui.services.workers import begin

POLL_SECONDS = 0.25
CONTROL_POLLS = 4
"""The control file is read every so many polls: once a second."""
SLICE_BYTES = 48 * 1024
"""Read and folded in about 5 ms, so that a key is answered while a log of 10 MB comes in."""
MOST_LINES = 1000
"""Lines of the event log that are kept for whoever begins to watch later."""


class WatchedRun:
    """A run that is followed: its state as far as the log was read, and messages about what is new to its watchers."""

    def __init__(self, run: RunFolder, tell_app: Callable[[Message], object]) -> None:
        self.run = run
        self.watchers: list[MessagePump] = []
        self.written = control.Control()
        """The contents of the control file."""
        self._tell_app = tell_app
        self._log = RunFollower(run)
        self._control_stamp: tuple[int, int] | None = (-1, -1)
        self._polls = 0
        self._restart()
        # what a summary of the log has kept of the part that is not read
        self._new += self._log.recent

    @property
    def state(self) -> RunState:
        return self._log.state

    def add(self, watcher: MessagePump) -> None:
        """Send `watcher` what is known of the run, and from now on what is new."""
        self.watchers.append(watcher)
        self._send([watcher], m.RunChosen(self.run))
        if self._state_told is not None:
            self._send([watcher], m.EventsReceived(self.run, list(self._lines), rose=False))
            self._send([watcher], m.RunStateChanged(self.run, self.state, "", self._state_told, live=False))
            self._send([watcher], m.ControlChanged(self.run))

    def _restart(self) -> None:
        self._state_told: str | None = None
        self._is_caught_up = False
        self._new: list[e.Event] = []
        self._lines: deque[str] = deque(maxlen=MOST_LINES)

    @property
    def has_screen(self) -> bool:
        """True if a screen watches the run; a chart that it is laid over is none."""
        return any(isinstance(watcher, Screen) for watcher in self.watchers)

    def _send(self, watchers: list[MessagePump], message: Message) -> None:
        for watcher in watchers:
            watcher.post_message(copy.copy(message))
        if isinstance(message, m.RunStateChanged | m.MetricsReceived) and self.has_screen:
            self._tell_app(message)

    async def follow(self) -> None:
        """Follow the run until cancelled."""
        while True:
            await self.poll()
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> None:
        """Read what is new, then send what changed."""
        name = self.state.name
        changed = await self._read() or self.state.name != name
        if self._polls % CONTROL_POLLS == 0:
            self.read_control()
        self._polls += 1
        if self._new:
            self._send_events()
        if self.state.state != self._state_told:
            old, self._state_told = self._state_told, self.state.state
            new = self.state.state
            self._send(self.watchers, m.RunStateChanged(self.run, self.state, old or "", new, self._is_caught_up))
        elif changed:
            self._send(self.watchers, m.MetricsReceived(self.run, self.state))
        self._is_caught_up = True

    def _send_events(self) -> None:
        texts = [(event.time, text) for event in self._new if (text := event_line(event).text)]
        lines = [printable(f"{formatting.clock(at)}  {text}") for at, text in texts]
        rose = self._is_caught_up and any(isinstance(event, e.WarningRaised) for event in self._new)
        self._new = []
        self._lines.extend(lines)
        if lines:
            self._send(self.watchers, m.EventsReceived(self.run, lines, rose))

    async def _read(self) -> bool:
        changed = await self._read_new()
        # a file of some megabytes, now and then; nothing is applied meanwhile
        await asyncio.to_thread(self._log.sum_up)
        return changed

    async def _read_new(self) -> bool:
        changed, before, reader = False, self.state, self._log.reader
        while True:
            events = self._log.look(SLICE_BYTES)
            if self.state is not before:
                # the log was replaced
                self._restart()
                before, changed = self.state, True
            if not events:
                return changed
            changed = True
            self.state.apply_all(events)
            self._new += [event for event in events if not is_step(event)]
            if not self._is_caught_up and reader.offset < (size := reader.size()):
                self._send(self.watchers, m.LogRead(self.run, reader.offset / size))
            # yields to the keys and the screen between slices
            await asyncio.sleep(0)

    def read_control(self) -> None:
        """Read the control file if it was written since the last time."""
        try:
            found = self.run.control.stat()
            stamp: tuple[int, int] | None = (found.st_mtime_ns, found.st_ino)
        except OSError:
            stamp = None
        if stamp == self._control_stamp:
            return
        self._control_stamp = stamp
        try:
            self.written = control.read_control(self.run.control)
        except (DistillError, OSError):
            # half a file of another program: the next change is looked at again
            return
        self._send(self.watchers, m.ControlChanged(self.run))


class RunStore:
    """The runs that are watched now."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._watched: dict[RunFolder, WatchedRun] = {}

    def watch(self, run: RunFolder, watcher: MessagePump) -> WatchedRun:
        """Follow `run` and send its messages to `watcher`, beginning with what is known of it."""
        watched = self._watched.get(run)
        if watched is None:
            watched = self._watched[run] = WatchedRun(run, self._app.post_message)
            begin(self._app, f"follow {run.id}", watched.follow)
        watched.add(watcher)
        return watched

    def states(self) -> list[tuple[RunFolder, RunState]]:
        """The runs that screens watch, and their states."""
        watched = [one for one in self._watched.values() if one.has_screen]
        return [(one.run, one.state) for one in watched]

    def leave(self, run: RunFolder, watcher: MessagePump) -> None:
        """Send `watcher` no more of `run`, which is no longer followed once nobody watches it."""
        watched = self._watched[run]
        watched.watchers.remove(watcher)
        if not watched.watchers:
            del self._watched[run]
            self._app.workers.cancel_group(self._app, f"follow {run.id}")


def is_step(event: e.Event) -> bool:
    """Return whether the event holds metrics of single steps, which the event log leaves out."""
    return isinstance(event, e.Metrics) and event.scope == "step"
