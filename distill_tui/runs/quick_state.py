"""The state of a run in a few milliseconds however long its log: for lists and for tmux's status line."""

from dataclasses import dataclass, field
from pathlib import Path

from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.log import LogReader
from distill_tui.runs.state import RunState
from distill_tui.runs.summary import SUMMARY_BYTES

WHOLE_BYTES = 1 << 20
"""A log up to this size is read whole; of a longer one, the step metrics of its last WHOLE_BYTES / 4 only."""

_METRICS, _STEP, _CODES = b'{"type":"metrics"', b'"scope":"step"', b'{"type":"codes"'


@dataclass
class QuickState(RunState):
    """A run's state without its series: ten times as fast to fold."""

    epochs: list[e.Metrics] = field(default_factory=list)
    """Metrics of each epoch, in place of the series."""

    def _record(self, event: e.Metrics) -> None:
        if event.scope == "epoch":
            self.epochs.append(event)

    def _forget_after(self, step: int) -> None:
        for later in (event for event in self.epochs if event.step > step):
            for key in later.values:
                self.numbers.pop(key, None)
        self.epochs = [event for event in self.epochs if event.step <= step]
        for event in self.epochs:
            self.numbers.update(event.values)


class QuickStateReader(LogReader):
    """A log's events without the step metrics and code counts that later ones replace."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        size = self.size()
        self._all_from = 0 if size <= WHOLE_BYTES else size - WHOLE_BYTES // 4

    def _wants(self, line: bytes) -> bool:
        of_a_step = line.startswith(_METRICS) and _STEP in line[:160]
        return self.offset > self._all_from or not (of_a_step or line.startswith(_CODES))


def follow_quickly(run: RunFolder) -> RunFollower:
    """A follower that has read the whole log already. The state's series stay empty, or are bounded.

    All else is as a complete fold has it, except numbers that a long run has not logged in its last 256 KB of steps.
    """
    reader = QuickStateReader(run.events)
    # of a very long log only what its summary does not have is read, series and all
    is_summed_up = reader.size() > SUMMARY_BYTES and run.summary.exists()
    follower = RunFollower(run) if is_summed_up else RunFollower(run, QuickState, reader)
    follower.catch_up()
    follower.state.id = run.id  # the folder may have been renamed
    return follower


def quick_state(run: RunFolder) -> RunState:
    """Current state of `run`, without series; "crashed" if the worker died without a final event."""
    return follow_quickly(run).state
