"""Requests to a run: `control.json`, replaced whole. It holds a desired state and counters, never a queue."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from distill_tui.errors import DistillError
from distill_tui.files import atomic_write, locked
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.text import printable

DesiredState = Literal["running", "paused", "stopped"]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]


class Control(Struct, kw_only=True):
    """The desired state, live settings by recipe key, and the number of checkpoints and previews requested so far.

    A setting that is not a finite number is null here; the worker rejects it.
    """

    wanted: DesiredState = "running"
    knobs: dict[str, float | None] = {}
    checkpoint: Count = 0
    preview: Count = 0


def read_control(path: Path) -> Control:
    """Current contents of a control file; the defaults if there is none.

    Raises:
        DistillError: the file is damaged or cannot be read.
    """
    way_out = "Delete it: the run then simply goes on."
    try:
        return decode(read_bytes(path, SMALL_FILE), Control)
    except FileNotFoundError:
        return Control()
    except OSError as error:
        raise DistillError(f"{printable(str(path))}: cannot be read: {error.strerror or error}", way_out) from None
    except MalformedError as error:
        raise DistillError(f"{printable(str(path))}: not a control file: {error}", way_out) from None


def change_control(path: Path, change: Callable[[Control], object], patience: float | None = None) -> Control:
    """Change a control file; of several programs that do so at once each sees the others' changes.

    It waits for the disk, and up to `patience` seconds (LOCK_PATIENCE by default) for the lock: call it in a thread
    where keys wait.

    Raises:
        DistillError: the file is damaged or cannot be written, another program holds its lock for too long, or the run
            was removed.
    """
    if not path.parent.is_dir():
        # taking the lock would make its folder anew
        raise DistillError(f"{printable(str(path.parent))}: this run was removed")
    with locked(path.with_suffix(".lock"), patience):
        control = read_control(path)
        change(control)
        atomic_write(path, msgspec.json.encode(control))
    return control


def request_state(path: Path, state: DesiredState, patience: float | None = None) -> Control:
    """Ask a run to train, pause or stop; waits and raises as `change_control`."""
    return change_control(path, lambda control: setattr(control, "wanted", state), patience)


def request_checkpoint(path: Path, patience: float | None = None) -> int:
    """Request a checkpoint; the request's number N. The first CheckpointSaved with `count` >= N answers it."""

    def change(control: Control) -> None:
        control.checkpoint += 1

    return change_control(path, change, patience).checkpoint


def request_preview(path: Path, patience: float | None = None) -> int:
    """Request a preview; the request's number N. The first PreviewMade with `count` >= N answers it."""

    def change(control: Control) -> None:
        control.preview += 1

    return change_control(path, change, patience).preview
