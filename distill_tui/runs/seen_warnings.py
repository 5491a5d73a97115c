"""Which of a run's warnings somebody has seen: kept in the run's folder, so that every viewer knows."""

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
    """The sequence number of the newest warning that was seen; 0 when none was, or the file cannot be used."""
    try:
        return decode(read_bytes(run.path / FILE, SMALL_FILE), _Seen).warnings
    except (OSError, MalformedError):
        return 0


def mark_seen(run: RunFolder, state: RunState) -> int:
    """Say that every warning so far was seen; the new `seen_until`.

    Raises:
        DistillError: it cannot be written.
    """
    newest = max((warned.seq for warned in state.warnings), default=0)
    atomic_write(run.path / FILE, json.dumps({"warnings": newest}).encode())
    return newest
