"""What happens when the line drops: the app leaves, and its run goes on."""

import os
import signal
import threading
from types import FrameType

from textual.app import App

LAST_RESORT_SECONDS = 2.0
"""How long after a hang-up the process may take to leave in good order."""


def leave_on_hangup(app: App[None]) -> None:
    """Leave when the line drops or somebody ends us: a process that ignores it would spin on a dead terminal."""

    def leave(number: int, _: FrameType | None) -> None:
        # an event loop that waits for a terminal that is gone will never run `exit`
        timer = threading.Timer(LAST_RESORT_SECONDS, os._exit, (128 + number,))
        timer.daemon = True
        timer.start()
        app.call_later(app.exit, return_code=128 + number)

    signal.signal(signal.SIGHUP, leave)
    signal.signal(signal.SIGTERM, leave)
