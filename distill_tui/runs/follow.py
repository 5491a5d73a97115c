"""Following a run: the only loop that tails a log, and that knows when nobody writes to it any more."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from distill_tui.runs import summary
from distill_tui.runs.annotations import Stamp, annotation_of, stamp_of
from distill_tui.runs.events import CodesCounted, Event, Metrics, RanksMeasured
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogReader
from distill_tui.runs.state import RunState

WATCHED_POINTS = 4096
"""Points in a series of a followed run: two hours at full resolution, 200 KB, and coarser for longer runs."""

MOST_RECENT = 1000
"""Events, none of single steps, that a follower keeps for whoever asks later."""
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
        """Follow `run` from the position of `reader`, by default the beginning of its log, or where its summary ends.

        `recent` are the newest events of those that the log has before that position or that were read.

        Args:
            kind: creates an empty state.
            is_alive: whether the worker lives whose events are followed; by default any worker of the run.
        """
        self.run, self._kind = run, kind
        self.reader = reader or LogReader(run.events)
        self.is_alive = is_alive or run.is_alive
        self.is_over = False
        self._named: Stamp = (0, 0)
        self.state = self._new_state()
        self.recent: deque[Event] = deque(maxlen=MOST_RECENT)
        self._summed_up = 0
        if reader is None and kind is _watched:
            self._load_summary()

    def look(self, limit: int | None = None) -> list[Event]:
        """New events, from at most about `limit` bytes of the log, for the caller to apply to `state`."""
        alive = self.is_alive()
        self._read_name()
        if self.reader.was_replaced() and self.run.path.is_dir():
            # the state is that of another log; a run that was moved to the trash keeps its own
            self.reader.offset, self.state = 0, self._new_state()
            self.recent.clear()
            self._summed_up = 0
        events = self.reader.read_new(limit)
        self.recent.extend(event for event in events if _is_worth_a_line(event))
        self.is_over = not alive and not events
        if self.is_over:
            self._note_death()
        return events

    def catch_up(self) -> RunState:
        """Apply everything that the log holds; the state."""
        while events := self.look():
            self.state.apply_all(events)
        self.sum_up()
        return self.state

    def sum_up(self) -> None:
        """Keep what the log says so far, if that is much more than before; all events of `look` were applied."""
        if self.reader.offset >= self._summed_up + summary.SUMMARY_BYTES and self._kind is _watched:
            self._summed_up = self.reader.offset
            summary.save(self.run, self.state, self.reader.offset, list(self.recent))

    def _load_summary(self) -> None:
        found = summary.load(self.run)
        if found is not None and found.state.most_points == self.state.most_points:
            found.state.id, found.state.name = self.state.id, self.state.name
            found.state.given_name = ""
            self.state, self.reader.offset, self._summed_up = found.state, found.offset, found.offset
            self.recent.extend(found.recent)

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
        self._named = (0, 0)
        return self._kind(id=self.run.id, name=self.run.first_name)

    def _read_name(self) -> None:
        """Take in the name that a person gave the run, if that has changed."""
        if (stamp := stamp_of(self.run)) == self._named:
            return
        self._named = stamp
        self.state.given_name = annotation_of(self.run).name
        self.state.name = self.state.given_name or self.run.first_name

    def _note_death(self) -> None:
        self.state.observe(alive=False)
        is_late = _age(self.run.recipe) > FIRST_WORD_SECONDS or not self.run.path.is_dir()
        if not self.state.started_at and is_late:
            self.state.state = "crashed"


def _is_worth_a_line(event: Event) -> bool:
    if isinstance(event, Metrics):
        return event.scope != "step"
    return not isinstance(event, CodesCounted | RanksMeasured)


def _age(path: Path) -> float:
    """Seconds since a file was written; if the clock was put back, seconds until then."""
    try:
        return abs(time.time() - path.stat().st_mtime)
    except OSError:
        return 0.0
