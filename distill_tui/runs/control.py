"""What is wanted of a run: `control.json`, replaced whole. It holds wishes and counters, never a queue of commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from distill_tui.errors import DistillError
from distill_tui.files import atomic_write, locked, printable
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes

Wanted = Literal["running", "paused", "stopped"]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]


class Control(Struct, kw_only=True):
    """The state that is wanted, the live knobs by recipe key, and how often a checkpoint or preview was asked for.

    A knob that is not a finite number is null here; the worker refuses it.
    """

    wanted: Wanted = "running"
    knobs: dict[str, float | None] = {}
    checkpoint: Count = 0
    preview: Count = 0


def read_control(path: Path) -> Control:
    """What is wanted now; the defaults when nothing was ever asked for.

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
    """Change what is wanted. Several programs may do so at once: each sees the others' changes.
    `patience` is that of `locked`.

    It waits for the disk, and for whoever else changes it: call it in a thread where keys wait.

    Raises:
        DistillError: the file is damaged or cannot be written, or another program holds its lock for too long.
    """
    with locked(path.with_suffix(".lock"), patience):
        control = read_control(path)
        change(control)
        atomic_write(path, msgspec.json.encode(control))
    return control
