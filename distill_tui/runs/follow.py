"""Following a run: the only loop that tails a log, and that knows when nobody writes to it any more."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from distill_tui.runs.events import Event
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogReader
from distill_tui.runs.state import RunState

WATCHED_POINTS = 4096
"""Points in a series of a followed run: two hours at full resolution, 200 KB, and coarser for longer runs."""

FIRST_WORD_SECONDS = 30.0
"""A worker without an event so long after its folder was made never writes one."""


def _watched(id: str, name: str) -> RunState:
    return RunState(id=id, name=name, most_points=WATCHED_POINTS)


class RunFollower:
    """A run's new events, and its state as of those applied.

    Each look checks whether the worker lives before it reads the log. A worker that was dead before the read had
    written its last event by then, so a look that finds neither a worker nor an event knows that none will come:
    `is_over`. The end of a run that ends between check and read is found by the next look.
    """

    def __init__(
        self,
        run: RunFolder,
        kind: Callable[..., RunState] = _watched,
        reader: LogReader | None = None,
        is_alive: Callable[[], bool] | None = None,
    ) -> None:
        """Follow `run` from the position of `reader`, by default the beginning of its log.

        Args:
            kind: creates an empty state.
            is_alive: whether the worker lives whose events are followed; by default any worker of the run.
        """
        self.run, self._kind = run, kind
        self.reader = reader or LogReader(run.events)
        self.is_alive = is_alive or run.is_alive
        self.is_over = False
        self.state = self._new_state()

    def look(self, limit: int | None = None) -> list[Event]:
        """New events, from at most about `limit` bytes of the log, for the caller to apply to `state`."""
        alive = self.is_alive()
        if self.reader.was_replaced():
            # the state is that of another log
            self.reader.offset, self.state = 0, self._new_state()
        events = self.reader.read_new(limit)
        self.is_over = not alive and not events
        if self.is_over:
            self._note_death()
        return events

    def catch_up(self) -> RunState:
        """Apply everything that the log holds; the state."""
        while events := self.look():
            self.state.apply_all(events)
        return self.state

    def events(
        self, poll_seconds: float, ends_before: Callable[[Event], bool] = lambda _: False
    ) -> Iterator[Event | None]:
        """Each event, applied to `state`, and None after each look; waits for more until the worker is dead.

        Stops before an event for which `ends_before` holds.
        """
        while True:
            events = self.look()
            for event in events:
                if ends_before(event):
                    return
                self.state.apply(event)
                yield event
            if self.is_over:
                return
            yield None
            if not events:
                time.sleep(poll_seconds)

    def _new_state(self) -> RunState:
        return self._kind(id=self.run.id, name=self.run.id.split("-", 2)[-1])

    def _note_death(self) -> None:
        self.state.observe(alive=False)
        if not self.state.started_at and _age(self.run.recipe) > FIRST_WORD_SECONDS:
            self.state.state = "crashed"


def _age(path: Path) -> float:
    """Seconds since a file was written; if the clock was put back, seconds until then."""
    try:
        return abs(time.time() - path.stat().st_mtime)
    except OSError:
        return 0.0
