"""Scheduler of repaints: each panel of a screen at its own interval, and never in the way of a key."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual.screen import Screen
from textual.timer import Timer

KEY_SECONDS, MOST_KEY_SECONDS = 0.25, 1.5
"""Defer metric repaints for 0.25 s after a key press, at most 1.5 s in a row."""
BETWEEN_SECONDS = 0.03
"""Pause between the repaints of two panels, in which a waiting key is handled."""
MOST_SECONDS = 4.0
"""Longest interval between two repaints of a panel, however many bytes it sends."""

Paint = Callable[[], int | None]
"""Paints a panel from the current state; returns about how many bytes are sent, or None if that does not matter."""


@dataclass
class Panel:
    """A part of a screen that is painted in one go, at most every `seconds`.

    A panel that sends more than `bytes_per_second` waits longer.
    """

    paint: Paint
    seconds: float
    is_shown: Callable[[], bool]
    bytes_per_second: float
    is_stale: bool = False
    due: float = -math.inf

    def repaint(self, now: float) -> None:
        self.is_stale = False
        sent = self.paint() or 0
        self.due = now + min(MOST_SECONDS, max(self.seconds, sent / self.bytes_per_second))


class RepaintScheduler:
    """Repaints the panels of one screen. Neither a hidden panel nor anything of a hidden screen is painted."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._panels: dict[str, Panel] = {}
        self._timer: Timer | None = None
        self._key_at = self._painted_at = -math.inf

    def add(
        self,
        name: str,
        paint: Paint,
        seconds: float,
        *,
        is_shown: Callable[[], bool] = lambda: True,
        bytes_per_second: float = math.inf,
    ) -> None:
        """Add a panel, painted after those added before it."""
        self._panels[name] = Panel(paint, seconds, is_shown, bytes_per_second)

    def mark(self, *names: str) -> None:
        """Have these panels (all, if none is named) repainted when they are due."""
        for name in names or self._panels:
            self._panels[name].is_stale = True
        self._schedule()

    def repaint(self, *names: str) -> None:
        """Repaint these panels (all, if none is named) at once; what is hidden, when it is shown again."""
        self.mark(*names)
        if self._screen.is_current:
            now = time.monotonic()
            for name in names or list(self._panels):
                if self._panels[name].is_shown():
                    self._panels[name].repaint(now)

    def key_pressed(self) -> None:
        """Defer what is due: whoever presses key after key is answered first."""
        self._key_at = time.monotonic()

    @property
    def is_settled(self) -> bool:
        """True when every panel that is shown is up to date."""
        return not self._stale()

    def _stale(self) -> list[Panel]:
        return [panel for panel in self._panels.values() if panel.is_stale and panel.is_shown()]

    def _rest(self, now: float) -> float:
        """Seconds for which keys hold new numbers back."""
        return min(self._key_at + KEY_SECONDS, self._painted_at + MOST_KEY_SECONDS) - now

    def _schedule(self, least: float = 0.0) -> None:
        """Wake up when the next panel is due."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        stale = self._stale()
        if stale and self._screen.is_attached and self._screen.is_current:
            now = time.monotonic()
            wait = max(least, min(panel.due for panel in stale) - now, self._rest(now), 0.001)
            self._timer = self._screen.set_timer(wait, self._wake)

    def _wake(self) -> None:
        self._timer = None
        # the timer may come when the screen is hidden, or gone with its panels
        if not (self._screen.is_attached and self._screen.is_current):
            return
        now = time.monotonic()
        due = [panel for panel in self._stale() if panel.due <= now]
        if due and self._rest(now) <= 0:
            self._painted_at = now
            due[0].repaint(now)
        self._schedule(BETWEEN_SECONDS if len(due) > 1 else 0.0)
