"""Following a run for the screens: in slices, posting messages and touching no widget."""

import asyncio
from collections.abc import Callable

from textual.message import Message

from distill_tui.errors import DistillError
from distill_tui.runs import events as e
from distill_tui.runs.control import read_control
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.state import RunState
from distill_tui.ui import messages as m

POLL_SECONDS = 0.25
CONTROL_POLLS = 4
"""Every how many polls the control file is looked at: once a second."""
SLICE_BYTES = 48 * 1024
"""Read and folded in about 5 ms, so that a key is answered while a log of 10 MB comes in."""

Post = Callable[[Message], object]


class Follower:
    """One run, followed for the screens. `step` looks once; `run_forever` goes on until it is cancelled."""

    def __init__(self, run: RunFolder, post: Post) -> None:
        self.run = run
        self._post = post
        self._log = RunFollower(run)
        self._restart()
        self._control_stamp: tuple[int, int] | None = (-1, -1)
        self._polls = 0

    @property
    def state(self) -> RunState:
        """The run's state as far as it was read."""
        return self._log.state

    def _restart(self) -> None:
        self._said: str | None = None
        self._caught_up = False
        self._happened: list[e.Event] = []

    async def run_forever(self) -> None:
        """Follow until cancelled, four looks a second."""
        self._post(m.RunChosen(self.run))
        while True:
            await self.step()
            await asyncio.sleep(POLL_SECONDS)

    async def step(self) -> None:
        """Take in what is new, then say what changed."""
        changed = await self._read()
        if self._polls % CONTROL_POLLS == 0:
            self._look_at_control()
        self._polls += 1
        if self._happened:
            self._post(m.EventsReceived(self.run, self._happened, self._caught_up))
            self._happened = []
        if self.state.state != self._said:
            old, self._said = self._said, self.state.state
            self._post(m.RunStateChanged(self.run, self.state, old or "", self.state.state, self._caught_up))
        elif changed:
            self._post(m.MetricsReceived(self.run, self.state))
        self._caught_up = True

    async def _read(self) -> bool:
        changed, before, reader = False, self.state, self._log.reader
        while True:
            events = self._log.look(SLICE_BYTES)
            if self.state is not before:
                # the log is another one than before
                self._restart()
                before, changed = self.state, True
            if not events:
                return changed
            changed = True
            self.state.apply_all(events)
            self._happened += [event for event in events if not is_step(event)]
            if not self._caught_up and reader.offset < (size := reader.size()):
                self._post(m.LogRead(self.run, reader.offset / size))
            # yields to the keys and the screen between slices
            await asyncio.sleep(0)

    def _look_at_control(self) -> None:
        try:
            found = self.run.control.stat()
            stamp: tuple[int, int] | None = (found.st_mtime_ns, found.st_ino)
        except OSError:
            stamp = None
        if stamp == self._control_stamp:
            return
        self._control_stamp = stamp
        try:
            self._post(m.ControlChanged(self.run, read_control(self.run.control)))
        except (DistillError, OSError):
            # half a file of another program: the next change is looked at again
            return


def is_step(event: e.Event) -> bool:
    """Whether it is the numbers of single steps, which no log of events shows."""
    return isinstance(event, e.Metrics) and event.scope == "step"
