"""The event log of a run."""

from collections import deque
from typing import Self

from textual.widgets import Log

from distill_tui.reporting import formatting

MOST_LINES = 1000
CLOCK_CELLS = 10
LEAST_CELLS = 20


class EventLog(Log):
    """The newest events at the end, wrapped to the width; text only, so that no name can be markup."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(highlight=False, max_lines=MOST_LINES, id=id)
        self._events: deque[str] = deque(maxlen=MOST_LINES)
        self._wrapped_to = 0

    def add(self, events: list[str]) -> None:
        """Write these events, in words, below the others."""
        self._events.extend(events)
        self._wrap(events[-MOST_LINES:])

    def clear(self) -> Self:
        """Forget all events."""
        self._events.clear()
        return super().clear()

    def _wrap(self, events: list[str]) -> None:
        # a log that is not shown has no width: it is written when it gets one
        if self._wrapped_to:
            lines = [line for text in events for line in formatting.wrap(text, self._wrapped_to, CLOCK_CELLS)]
            self.write_lines(lines, scroll_end=True)

    def on_resize(self) -> None:
        # the scrollbar may come
        width = max(LEAST_CELLS, self.content_region.width - 1)
        if width != self._wrapped_to:
            self._wrapped_to = width
            super().clear()
            self._wrap(list(self._events))
        # what grew above must not hide the newest line
        self.scroll_end(animate=False)
