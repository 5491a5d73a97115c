"""A process that must not outlive the one that started it."""

import os
import threading


def end_with_parent() -> None:
    """End this process when the one that holds the other end of its standard input has ended, however it did."""
    threading.Thread(target=_wait, name="parent", daemon=True).start()


def _wait() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)
