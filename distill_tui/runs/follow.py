"""Following a run: the one loop that reads a growing log, and knows when nobody writes to it any more."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from distill_tui.runs.events import Event
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogReader
from distill_tui.runs.state import RunState

FIRST_WORD_SECONDS = 30.0
"""A worker that has not said a word for so long after its folder was made never will."""


class RunFollower:
    """A run's events as they come, and its state as far as they were applied.

    Each look asks whether the worker lives, and reads the log only then. A worker that was dead before a read has
    written its last event by then, so a look that finds neither a worker nor an event knows that none will come:
    `is_over`. A run that ends between question and read is heard of in the next look.
    """

    def __init__(
        self,
        run: RunFolder,
        kind: type[RunState] = RunState,
        reader: LogReader | None = None,
        is_alive: Callable[[], bool] | None = None,
    ) -> None:
        """Follow `run` from where `reader` stands, the log's beginning unless told otherwise.

        `is_alive` says whether the worker lives whose events are wanted; without it, any worker of the run will do.
        """
        self.run, self._kind = run, kind
        self.reader = reader or LogReader(run.events)
        self.is_alive = is_alive or run.is_alive
        self.is_over = False
        self.state = self._new_state()

    def look(self, limit: int | None = None) -> list[Event]:
        """The events since the last look, from at most about `limit` bytes, for the caller to apply to `state`."""
        alive = self.is_alive()
        if self.reader.was_replaced():
            # what we know is of another log
            self.reader.offset, self.state = 0, self._new_state()
        events = self.reader.read_new(limit)
        self.is_over = not alive and not events
        if self.is_over:
            self._note_death()
        return events

    def catch_up(self) -> RunState:
        """Apply all that the log holds; the state."""
        while events := self.look():
            self.state.apply_all(events)
        return self.state

    def events(
        self, poll_seconds: float, ends_before: Callable[[Event], bool] = lambda _: False
    ) -> Iterator[Event | None]:
        """Each event, applied to `state`, and None after each look; waits for more until the worker is dead.

        An event for which `ends_before` holds is not applied, and ends this.
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
    """Seconds since a file was written, or until then where the clock was put back."""
    try:
        return abs(time.time() - path.stat().st_mtime)
    except OSError:
        return 0.0
