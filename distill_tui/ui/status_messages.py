"""What the app has to say for a while: one message at a time, the most serious and newest first."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from textual.notifications import SeverityLevel

SECONDS = 6.0
"""How long a message stands that asks for no time of its own."""
GRAVITY: dict[SeverityLevel, int] = {"information": 0, "warning": 1, "error": 2}


@dataclass(frozen=True)
class StatusMessage:
    """One message, with its place in the order in which all were said."""

    text: str
    severity: SeverityLevel
    number: int


class StatusMessages:
    """The messages whose time is not over. The lines at the bottom of the screens show `current`."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object], changed: Callable[[], None]) -> None:
        """`later` calls something after so many seconds; `changed` is called when another message is current."""
        self._later, self._changed = later, changed
        self._numbers = count()
        self._standing: list[StatusMessage] = []

    @property
    def current(self) -> StatusMessage | None:
        """The most serious of the messages, of several the newest."""
        return max(self._standing, key=lambda one: (GRAVITY[one.severity], one.number), default=None)

    @property
    def waiting(self) -> int:
        """Number of warnings and errors behind the current message."""
        return sum(one.severity != "information" for one in self._standing if one is not self.current)

    def say(self, text: str, severity: SeverityLevel, seconds: float | None) -> None:
        """Show a message for `seconds`; the same text again begins its time anew."""
        self._standing = [one for one in self._standing if one.text != text]
        if severity == "information":
            # news replaces news
            self._standing = [one for one in self._standing if one.severity != "information"]
        message = StatusMessage(text, severity, next(self._numbers))
        self._standing.append(message)
        self._later(seconds or SECONDS, lambda: self._end(message))
        self._changed()

    def dismiss(self) -> None:
        """Take the current message away."""
        if (message := self.current) is not None:
            self._end(message)

    def _end(self, message: StatusMessage) -> None:
        if message in self._standing:
            self._standing.remove(message)
            self._changed()
