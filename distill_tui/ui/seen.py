"""Which of a run's warnings somebody has seen: kept in the run's folder, so that every viewer knows."""

import json

from distill_tui.files import atomic_write
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState

FILE = "seen.json"


def seen_until(run: RunFolder) -> int:
    """The sequence number of the newest warning that was seen; 0 when none was, or the file cannot be used."""
    try:
        found = json.loads((run.path / FILE).read_bytes())["warnings"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return found if isinstance(found, int) else 0


def mark_seen(run: RunFolder, state: RunState) -> int:
    """Say that every warning so far was seen; the new `seen_until`.

    Raises:
        DistillError: it cannot be written.
    """
    newest = max((warned.seq for warned in state.warnings), default=0)
    atomic_write(run.path / FILE, json.dumps({"warnings": newest}).encode())
    return newest
