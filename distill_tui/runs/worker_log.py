"""worker.log: the output of a run's worker, tracebacks included, read from its end."""

from distill_tui.foreign import open_regular
from distill_tui.runs.folder import RunFolder

TAIL_BYTES = 64 * 1024


def log_lines(run: RunFolder) -> list[str]:
    """Lines of the newest `TAIL_BYTES`, without those that only underline the one above."""
    try:
        with open_regular(run.worker_log) as file:
            start = file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    # the first is only the end of one
    found = text.expandtabs(4).splitlines()[1 if start else 0 :]
    return [line.rstrip() for line in found if not line.strip() or line.strip(" ^~")]


def log_tail(run: RunFolder, lines: int) -> list[str]:
    """The last `lines` that are not empty."""
    return [line for line in log_lines(run) if line][-lines:]


def has_log(run: RunFolder) -> bool:
    """True if the worker has printed anything."""
    try:
        return run.worker_log.stat().st_size > 0
    except OSError:
        return False
