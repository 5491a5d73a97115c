"""Where a run is, in a few milliseconds however long its log: for lists and for tmux's status line."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from distill_tui.foreign import open_regular, seek_data
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import BATCH_BYTES
from distill_tui.runs.state import RunState

WHOLE_BYTES = 1 << 20
"""A log up to this size is read whole; of a longer one, the step metrics of its last WHOLE_BYTES / 4 only."""
FIRST_WORD_SECONDS = 30.0
"""A worker that has not said a word for so long after its folder was made never will."""

_METRICS, _STEP, _CODES = b'{"type":"metrics"', b'"scope":"step"', b'{"type":"codes"'


@dataclass
class BriefState(RunState):
    """A run's state without its series: ten times as fast to fold."""

    _epochs: list[e.Metrics] = field(default_factory=list)

    def _record(self, event: e.Metrics) -> None:
        if event.scope == "epoch":
            self._epochs.append(event)

    def _forget_after(self, step: int) -> None:
        for later in (event for event in self._epochs if event.step > step):
            for key in later.values:
                self.numbers.pop(key, None)
        self._epochs = [event for event in self._epochs if event.step <= step]
        for event in self._epochs:
            self.numbers.update(event.values)


def brief(run: RunFolder) -> RunState:
    """Where `run` is now, crashed if its worker is gone without a last word. Its series are empty.

    All is as a whole fold has it, but for numbers that a long run has not told for its last 256 KB of steps.
    """
    # looked at before the log is read, since a worker that ends in between has written its last event by then, and
    # again when it looks crashed, since a worker may just have begun
    alive = run.is_alive()
    state = BriefState(id=run.id, name=run.id.split("-", 2)[-1])
    state.apply_all(_worth_reading(run.events))
    state.id = run.id  # a folder that was renamed is what it is called now
    alive = alive or (state.is_active and run.is_alive())
    state.observe(alive)
    if not state.started_at and not alive and _age(run.recipe) > FIRST_WORD_SECONDS:
        state.state = "crashed"
    return state


def _worth_reading(path: Path) -> Iterator[e.Event]:
    for line in _lines(path):
        event = e.Codec.decode(line)
        if event is not None:
            yield event


def _lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a log, without the step metrics and counts of codes that later ones replace."""
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            all_from = 0 if size <= WHOLE_BYTES else size - WHOLE_BYTES // 4
            offset, rest = file.seek(0), b""
            while data := file.read(BATCH_BYTES):
                skip = offset + len(data) <= all_from
                lines = (rest + data).split(b"\n")
                offset, rest = offset + len(data), lines.pop()
                for line in lines:
                    of_a_step = line.startswith(_METRICS) and _STEP in line[:160]
                    if not (skip and (of_a_step or line.startswith(_CODES))):
                        yield line
                if len(rest) > e.LONGEST_LINE:
                    rest, offset = b"", seek_data(file, offset)
    except OSError:
        return


def _age(path: Path) -> float:
    """Seconds since a file was written, or until then where the clock was put back."""
    try:
        return abs(time.time() - path.stat().st_mtime)
    except OSError:
        return 0.0
