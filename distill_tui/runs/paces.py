"""Paces of earlier runs on this machine, kept in a small file, so that they outlive their runs and are read at once.

What the file does not tell is read from the logs of the runs that have ended, and added to it.
"""

import contextlib
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from distill_tui.errors import DistillError
from distill_tui.files import atomic_write
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.paths import Home
from distill_tui.recipe.pace import PROBE, Pace, step_work
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.toml import load
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.log import LogReader, tail_events

VERSION = 1
"""To be raised when `step_work` counts in another way."""
FILE_NAME = f"paces-{VERSION}.json"
MOST_RUNS = 50
"""Runs whose logs are looked at, the newest first."""
MOST_KEPT = 200
HEAD_BYTES = 16384
LEAST_EVENTS = 3
"""Timed events of a run, without the first, that tell its pace."""

Text = Annotated[str, Meta(max_length=1000)]
Amount = Annotated[float, Meta(gt=0, le=1e30)]


class _Row(Struct, kw_only=True):
    """A run's pace; `host` is the name of the machine. A home may be shared by several."""

    host: Text
    run: Text
    device: Text
    net: Text
    work: Amount
    seconds: Amount
    around: Amount | None = None
    busy: bool = False


def read_paces(home: Home) -> list[Pace]:
    """Paces of the runs that ended on this machine, the newest first. Reads the disk: call it in a thread.

    It never fails: a damaged file is replaced, and one that cannot be written is done without.
    """
    path = home.cache / FILE_NAME
    known = {row.run: row for row in _kept(path)}
    new = [row for run in list_runs(home)[:MOST_RUNS] if run.id not in known and (row := _measure(run)) is not None]
    rows = sorted([*known.values(), *new], key=lambda row: row.run, reverse=True)[:MOST_KEPT]
    if new:
        with contextlib.suppress(DistillError):
            atomic_write(path, msgspec.json.encode(rows))
    here = (row for row in rows if row.host == platform.node())
    return [Pace(row.run, row.device, row.net, row.work, row.seconds, row.around, row.busy) for row in here]


def keep_probe(home: Home, recipe: Recipe, device: str, seconds: float, busy: bool = False) -> None:
    """Keep the pace that a probe of a resolved recipe measured, in place of an earlier one of the same work.

    Args:
        seconds: a step took on `device`.
        busy: other programs kept the processors busy.

    Raises:
        DistillError: the file cannot be written.
    """
    host, work = platform.node(), step_work(recipe)
    name = f"{PROBE} {device}, {recipe.model.net}, {work:.1e}, {host}"
    row = _Row(host=host, run=name, device=device, net=recipe.model.net, work=work, seconds=seconds, busy=busy)
    rows = [other for other in _kept(home.cache / FILE_NAME) if other.run != name]
    atomic_write(home.cache / FILE_NAME, msgspec.json.encode([*rows, row]))


def _kept(path: Path) -> list[_Row]:
    try:
        return decode(read_bytes(path, SMALL_FILE), list[_Row])
    except (OSError, MalformedError):
        return []


def _measure(run: RunFolder) -> _Row | None:
    """The pace of a codec's run that has ended, by its log; None for other runs, or without a step that was timed."""
    head, tail = LogReader(run.events).read_new(HEAD_BYTES), tail_events(run.events)
    started = next((event for event in head if isinstance(event, e.Started)), None)
    prepared = next((event for event in head if isinstance(event, e.RunPrepared)), None)
    ended = any(isinstance(event, e.Finished | e.Stopped) for event in tail)
    times = [event.values.get("time/step") for event in tail if isinstance(event, e.Metrics)]
    # the first one has what is done once
    known = [seconds for seconds in times if seconds][1:]
    if started is None or prepared is None or not ended or len(known) < LEAST_EVENTS:
        return None
    # a recipe of another release, or one that was changed by hand
    with contextlib.suppress(DistillError, ValueError, ArithmeticError, MalformedError, msgspec.ValidationError):
        recipe = load(run.recipe)
        # the steps of an adversarial part take several times as long, and its log ends with them
        if recipe.task != "codec" or recipe.train.adversarial_fraction:
            return None
        row = _Row(
            host=started.host or platform.node(),
            run=run.id,
            device=prepared.device,
            net=recipe.model.net,
            work=step_work(recipe),
            seconds=statistics.median(known),
            around=_around(head, tail),
        )
        return msgspec.convert(msgspec.to_builtins(row), _Row)
    return None


def _around(head: Sequence[e.Event], tail: Sequence[e.Event]) -> float | None:
    """The seconds of a run before its first step (starting, reading the sounds) and after its last one (saving)."""
    started = next((event.time for event in head if isinstance(event, e.Started)), None)
    running = next(
        (event.time for event in head if isinstance(event, e.StateChanged) and event.state == "running"), None
    )
    ended = next((event.time for event in reversed(tail) if isinstance(event, e.Finished | e.Stopped)), None)
    last = next(
        (event.time for event in reversed(tail) if isinstance(event, e.Metrics) and event.scope == "step"), None
    )
    if started is None or running is None or ended is None or last is None:
        return None
    seconds = running - started + ended - last
    return seconds if seconds > 0 else None
