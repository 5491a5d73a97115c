"""Leaving when the terminal goes away: the app ends, and its run goes on."""

import os
import select
import signal
import threading
from types import FrameType

from textual.app import App

LAST_RESORT_SECONDS = 2.0
"""Time to leave in good order after a hang-up; then the process is ended."""


def leave_on_hangup(app: App[None]) -> None:
    """Exit on SIGHUP and SIGTERM: a process that ignores a dead terminal would spin on it."""

    def leave(number: int, _: FrameType | None) -> None:
        # an event loop that waits for a terminal that is gone will never run `exit`
        timer = threading.Timer(LAST_RESORT_SECONDS, os._exit, (128 + number,))
        timer.daemon = True
        timer.start()
        app.call_later(app.exit, return_code=128 + number)

    signal.signal(signal.SIGHUP, leave)
    signal.signal(signal.SIGTERM, leave)
    if os.isatty(0):
        threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    """Hang up when the terminal goes: a process whose session has another one, or none, gets no signal."""
    terminal = select.poll()
    # with nothing asked for, it is only told of the end
    terminal.register(0, 0)
    if terminal.poll()[0][1] & select.POLLHUP:
        os.kill(os.getpid(), signal.SIGHUP)
