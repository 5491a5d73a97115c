"""Runs as a list shows them: each in a few facts, kept in the cache, so that a thousand of them are there at once.

The cache is a cache and nothing more: an entry of a run whose log or notes have changed, or that had not ended, is made
again from the log.
"""

import math
import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from distill_tui import __version__
from distill_tui.annotation import Annotation
from distill_tui.errors import DistillError
from distill_tui.files import atomic_write
from distill_tui.foreign import MalformedError, decode, read_bytes
from distill_tui.paths import Home
from distill_tui.reporting import code_bits, sound_quality
from distill_tui.reporting.formatting import MISSING, number, percent
from distill_tui.reporting.quality import Quality, quality_of_run, quality_text
from distill_tui.runs.annotations import annotation_of
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.quick_state import QuickState, quick_state
from distill_tui.runs.state import ENDED, RunState

CACHE = "runs-1.json"
FORMAT = 1
MOST_COURSE = 32
"""Points of the course of the validation loss."""

Stamp = tuple[int, int, int]


class RunEntry(Struct, frozen=True, kw_only=True):
    """A run in a list.

    `val` is the validation loss, of a prior its held-out bits a frame (`is_prior`); `course` are up to MOST_COURSE of
    its values from the first with codebooks on. `percent` and `words` are those of `quality.Quality`. `seconds` is the
    time from start to end or until now, `started` and `updated` are seconds since 1970.
    """

    id: str
    name: str
    state: str = "starting"
    activity: str = ""
    progress: float = 0.0
    is_prior: bool = False
    epoch: str = ""
    step: int = 0
    val: float | None = None
    course: tuple[float | None, ...] = ()
    percent: float | None = None
    words: tuple[str, ...] = ()
    is_heard: bool = False
    device: str = ""
    seconds: float = 0.0
    started: float = 0.0
    updated: float = 0.0
    model: str = ""
    reason: str = ""
    warnings: int = 0
    note: str = ""
    tags: tuple[str, ...] = ()

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED

    @property
    def state_text(self) -> str:
        """`running 34 %`, `paused 34 %`, or the state alone."""
        share = f" {percent(self.progress)}" if self.state in ("running", "paused") else ""
        return self.state + share

    @property
    def val_text(self) -> str:
        """`0.372`, or `15.6 bits` of a prior."""
        if self.val is None:
            return MISSING
        return f"{self.val:.1f} bits" if self.is_prior else number(self.val)

    @property
    def quality(self) -> Quality | None:
        return Quality(self.percent, self.words) if self.is_heard else None

    @property
    def quality_text(self) -> str:
        """`71 %: buzzes`; `-` where nothing is known."""
        return quality_text(self.quality) or MISSING

    @property
    def searched(self) -> str:
        """Text that a filter looks in: name, state, tags and note."""
        return " ".join((self.name, self.id, self.state, *self.tags, self.note)).lower()


class _Kept(Struct, array_like=True):
    stamp: Stamp
    entry: RunEntry


class _Cache(Struct):
    format: int
    program: str
    runs: dict[str, _Kept]


class Found(NamedTuple):
    """Runs whose entries are known already, and those that have to be looked at, both the newest first."""

    entries: list[RunEntry]
    unknown: list[RunFolder]


def entry_of(run: RunFolder, state: RunState, given: Annotation) -> RunEntry:
    """A run as a list shows it."""
    # older releases did not measure the ends of the scale, but what is heard to be wrong
    quality = quality_of_run(state) or heard_of_run(state)
    val = state.numbers.get(code_bits.VAL) if state.is_prior else state.losses.get("val")
    return RunEntry(
        id=run.id,
        name=given.name or state.name,
        state=state.state,
        activity=state.activity,
        progress=state.progress,
        is_prior=state.is_prior,
        epoch=state.epoch_text,
        step=state.step,
        val=val,
        course=_course(state),
        percent=None if quality is None else quality.percent,
        words=() if quality is None else tuple(quality.words),
        is_heard=quality is not None,
        device=state.prepared.device if state.prepared else "",
        seconds=max(0.0, state.updated_at - state.started_at),
        started=state.started_at,
        updated=state.updated_at,
        model=state.model.name if state.model else "",
        reason=state.reason,
        warnings=len(state.warnings),
        note=given.note,
        tags=given.tags,
    )


def heard_of_run(state: RunState) -> Quality | None:
    """Words without a percentage: what is wrong with the newest held-out sounds of a run, if anything."""
    words = sound_quality.words(sound_quality.of_run(state))
    return Quality(None, tuple(words.split(", "))) if words else None


def _course(state: RunState) -> tuple[float | None, ...]:
    """Validation losses since there are codebooks, thinned to MOST_COURSE means of neighbours."""
    key = code_bits.VAL if state.is_prior else "loss/val"
    if isinstance(state, QuickState):
        logged = ((event.step, event.values[key]) for event in state.epochs if key in event.values)
        points: Iterable[tuple[float, float]] = ((step, math.nan if v is None else v) for step, v in logged)
    elif key in state.series:
        points = zip(state.series[key].steps, state.series[key].values, strict=False)
    else:
        points = ()
    start = state.quantizing_from or 0
    values = [value for step, value in points if step >= start]
    if not values:
        return ()
    width = min(MOST_COURSE, len(values))
    parts = [values[i * len(values) // width : (i + 1) * len(values) // width] for i in range(width)]
    return tuple(_mean(part) for part in parts)


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else None


class RunList:
    """The runs of a home, with what was known of each the last time. For one thread at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._path = home.cache / CACHE
        self._kept: dict[str, _Kept] | None = None
        self._is_changed = False

    def find(self, runs: Sequence[RunFolder]) -> Found:
        """Tell the runs that are known from those that have to be looked at. Reads one file and no log."""
        if self._kept is None:
            self._kept = self._load()
        found = Found([], [])
        for run in runs:
            kept = self._kept.get(run.id)
            if kept is not None and kept.entry.is_ended and kept.stamp == _stamp(run):
                found.entries.append(kept.entry)
            else:
                found.unknown.append(run)
        return found

    def look(self, run: RunFolder) -> RunEntry:
        """Read a run's log and notes: milliseconds."""
        stamp = _stamp(run)
        entry = entry_of(run, quick_state(run), annotation_of(run))
        if entry.is_ended and self._kept is not None:
            self._kept[run.id], self._is_changed = _Kept(stamp, entry), True
        return entry

    def save(self, runs: Sequence[RunFolder]) -> None:
        """Keep what is known of these runs for the next time; a cache that cannot be written is none."""
        if self._kept is None or not self._is_changed:
            return
        self._is_changed = False
        there = {run.id for run in runs}
        kept = {id: one for id, one in self._kept.items() if id in there}
        try:
            atomic_write(self._path, msgspec.json.encode(_Cache(FORMAT, __version__, kept)))
        except (DistillError, UnicodeEncodeError):
            return

    def _load(self) -> dict[str, _Kept]:
        try:
            cache = decode(read_bytes(self._path), _Cache)
        except (OSError, MalformedError):
            return {}
        return cache.runs if (cache.format, cache.program) == (FORMAT, __version__) else {}


def _stamp(run: RunFolder) -> Stamp:
    """Size and time of a run's log, and time of its notes: other ones whenever its entry may be another."""
    sizes = []
    for path in (run.events, run.annotations):
        try:
            found = os.stat(path)  # noqa: PTH116 - a thousand times
            sizes.append((found.st_size, found.st_mtime_ns))
        except OSError:
            sizes.append((0, 0))
    (size, logged), (_, noted) = sizes
    return size, logged, noted
