"""Progress of reading sounds, which takes minutes where a big folder is read for the first time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from distill_tui.data.scan import Progress
from distill_tui.runs import events as e
from distill_tui.runs.log import LogWriter

PROGRESS: ContextVar[Progress | None] = ContextVar("progress", default=None)
"""Called with (sounds read, sounds in all) by whatever reads the sounds of a training."""
EVERY_SECONDS = 1.0


class SoundsRead:
    """Logs how many sounds were read so far, once a second."""

    def __init__(self, log: LogWriter) -> None:
        self._log, self._logged_at = log, time.monotonic()

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Log the progress of what is read within."""
        token = PROGRESS.set(self._report)
        try:
            yield
        finally:
            PROGRESS.reset(token)

    def _report(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done < total and now - self._logged_at >= EVERY_SECONDS:
            self._logged_at = now
            self._log.write(e.StateChanged(state="starting", detail="reading the sounds", done=done, total=total))
