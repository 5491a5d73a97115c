"""What is wanted of a run: `control.json`, replaced whole. It holds wishes and counters, never a queue of commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from distill_tui.errors import DistillError
from distill_tui.files import atomic_write, locked

Wanted = Literal["running", "paused", "stopped"]


class Control(Struct, kw_only=True):
    """The state that is wanted, the live knobs by recipe key, and how often a checkpoint or preview was asked for.

    A knob that is not a finite number is null here; the worker refuses it.
    """

    wanted: Wanted = "running"
    knobs: dict[str, float | None] = {}
    checkpoint: int = 0
    preview: int = 0


def read_control(path: Path) -> Control:
    """What is wanted now; the defaults when nothing was ever asked for.

    Raises:
        DistillError: the file is damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Control()
    try:
        return msgspec.json.decode(data, type=Control)
    except msgspec.MsgspecError as error:
        raise DistillError(f"{path}: not a control file: {error}", "Delete it: the run then simply goes on.") from None


def change_control(path: Path, change: Callable[[Control], object]) -> Control:
    """Change what is wanted. Several programs may do so at once: each sees the others' changes."""
    with locked(path.with_suffix(".lock")):
        control = read_control(path)
        change(control)
        atomic_write(path, msgspec.json.encode(control))
    return control
