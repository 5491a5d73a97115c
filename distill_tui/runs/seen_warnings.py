"""Warnings of a run that somebody has seen, noted in its folder, so that every viewer knows."""

import json
from typing import Annotated

from msgspec import Meta, Struct

from distill_tui.files import atomic_write
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState

FILE = "seen.json"


class _Seen(Struct):
    warnings: Annotated[int, Meta(ge=0)] = 0


def seen_until(run: RunFolder) -> int:
    """Sequence number of the newest warning that was seen; 0 if none was, or the file is unusable."""
    try:
        return decode(read_bytes(run.path / FILE, SMALL_FILE), _Seen).warnings
    except (OSError, MalformedError):
        return 0


def mark_seen(run: RunFolder, state: RunState) -> int:
    """Note that every warning so far was seen; the new `seen_until`. Nothing is written for a removed run.

    Raises:
        DistillError: it cannot be written.
    """
    newest = max((warning.seq for warning in state.warnings), default=0)
    if run.path.is_dir():
        atomic_write(run.path / FILE, json.dumps({"warnings": newest}).encode())
    return newest
