"""SIGTERM and SIGINT stop a training as a wish to stop does: with a checkpoint. Needs no torch."""

import signal
import time
from collections.abc import Callable
from types import FrameType


class Signals:
    """Listens from when it is made; `reason` says which one came, and when."""

    def __init__(self) -> None:
        self.heard = False
        self.reason = "stopped"
        self._tell: Callable[[], object] = lambda: None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.reason = f"stopped by {signal.Signals(number).name} at {time.strftime('%H:%M:%S')}"
        self.heard = True
        self._tell()

    def call(self, tell: Callable[[], object]) -> None:
        """Call `tell` when one comes; at once if one came before."""
        self._tell = tell
        if self.heard:
            tell()
