"""A reader's mailbox: of each topic the newest message and no other, so that a slow reader costs no memory."""

import threading
from collections.abc import Callable

MOST_TOPICS = 16


class Mailbox:
    """Messages for one event stream. Each says all there is to say of its topic, so a newer one replaces it."""

    def __init__(self, is_there: Callable[[], bool] = lambda: True) -> None:
        """`is_there` tells whether the reader has not left."""
        self.is_there = is_there
        self._waiting: dict[str, bytes] = {}
        self._ready = threading.Condition()
        self.is_closed = False

    def put(self, topic: str, message: bytes) -> None:
        with self._ready:
            # a topic that waited keeps its turn
            if topic in self._waiting or len(self._waiting) < MOST_TOPICS:
                self._waiting[topic] = message
            self._ready.notify()

    def take(self, seconds: float) -> list[tuple[str, bytes]]:
        """What came since, after at most so many seconds; [] if nothing came or it was closed."""
        with self._ready:
            self._ready.wait_for(lambda: self._waiting or self.is_closed, seconds)
            found = list(self._waiting.items())
            self._waiting.clear()
            return found

    def close(self) -> None:
        """Let who waits for messages go: there will be none."""
        with self._ready:
            self.is_closed = True
            self._ready.notify()
