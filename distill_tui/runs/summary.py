"""The state of a run up to a place in its log, kept beside it: of a long log only the rest has to be read.

It is made from the log alone, and says of which: a summary that is damaged, of another log or of another release is
none, and is made again.
"""

import contextlib
import functools
import hashlib
import operator
from array import array
from pathlib import Path
from typing import Any

import msgspec

from distill_tui.errors import DistillError
from distill_tui.files import atomic_write
from distill_tui.foreign import SENSELESS, open_regular, read_bytes
from distill_tui.runs.events import TYPES, Event
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState

FORMAT = 2
"""Another whenever what events do to a state changes."""
SUMMARY_BYTES = 4 << 20
"""The least growth of a log after which it is summed up again: what is read in a quarter of a second."""
MOST_BYTES = 256 << 20
DIGEST = 16
MARK_BYTES = 4096
"""Of the log's beginning, and of what is before the place: by these it is known again."""


class Summary(msgspec.Struct, array_like=True):
    """A state that the first `offset` bytes of a log lead to, and the newest events that are worth a line."""

    format: int
    offset: int
    mark: bytes
    state: RunState
    recent: list[Event]


class _Read(Summary, array_like=True):
    recent: list[functools.reduce(operator.or_, TYPES)]  # type: ignore[valid-type]


def load(run: RunFolder) -> Summary | None:
    """The summary of a run's log; None if there is none that fits."""
    try:
        if run.summary.stat().st_size > MOST_BYTES:
            return None
        content = read_bytes(run.summary, MOST_BYTES)
        body = content[DIGEST:]
        if _digest(body) != content[:DIGEST]:
            return None
        summary = _DECODER.decode(body)
        fits = summary.format == FORMAT and summary.mark == _mark(run.events, summary.offset)
    except (OSError, DistillError, msgspec.MsgspecError, *SENSELESS):
        return None
    return summary if fits and all(map(_is_whole, summary.state.series.values())) else None


def save(run: RunFolder, state: RunState, offset: int, recent: list[Event]) -> bool:
    """Keep the state that the log's first `offset` bytes lead to; False where that cannot be."""
    with contextlib.suppress(OSError, DistillError):
        # not its parents: a run that was removed is not created again
        if (mark := _mark(run.events, offset)) and run.path.is_dir():
            body = _ENCODER.encode(Summary(FORMAT, offset, mark, state, recent))
            atomic_write(run.summary, _digest(body) + body)
            return True
    return False


def _mark(log: Path, offset: int) -> bytes:
    """What tells a log up to `offset` from another; empty if it is shorter."""
    with open_regular(log) as file:
        first = file.read(min(MARK_BYTES, offset))
        file.seek(max(0, offset - MARK_BYTES))
        last = file.read(min(MARK_BYTES, offset))
    return _digest(first + last) if len(last) == min(MARK_BYTES, offset) else b""


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST).digest()


def _is_whole(series: Series) -> bool:
    columns = (series.steps, series.epochs, series.times, series.values, series.low, series.high)
    return len({len(column) for column in columns}) == 1 and series.per_point >= 1


def _encode(value: Any) -> Any:
    assert isinstance(value, array)
    return value.tobytes()


def _decode(_kind: Any, value: Any) -> Any:
    return array("d", value)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_encode)
_DECODER = msgspec.msgpack.Decoder(_Read, dec_hook=_decode)
