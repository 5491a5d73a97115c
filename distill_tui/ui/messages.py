"""Messages about the runs that are followed: facts, in the past tense. Screens change from these alone.

Those of the follower go to each widget that watches the run, and no further.
"""

from dataclasses import dataclass

from textual.message import Message

from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState


@dataclass
class RunChosen(Message, bubble=False):
    """The first message about a run: what is shown of another one is over."""

    run: RunFolder


@dataclass
class LogRead(Message, bubble=False):
    """A share of 0..1 of a long log is read."""

    run: RunFolder
    share: float

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LogRead)


@dataclass
class MetricsReceived(Message, bubble=False):
    """The run's metrics changed. Carries the whole state, so that a newer one replaces it.

    The app gets it as well, for the terminal's title.
    """

    run: RunFolder
    state: RunState

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, MetricsReceived) and message.run == self.run


@dataclass
class RunStateChanged(Message, bubble=False):
    """The run went from one state to another. `live` is False for what happened before the app followed it.

    The app gets it as well, once for each run that a screen watches.
    """

    run: RunFolder
    state: RunState
    old: str
    new: str
    live: bool


@dataclass
class EventsReceived(Message, bubble=False):
    """What happened, in words and in order; `rose` when a warning came just now."""

    run: RunFolder
    lines: list[str]
    rose: bool


@dataclass
class ControlChanged(Message, bubble=False):
    """What is requested of the run was changed, by this program or another."""

    run: RunFolder

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ControlChanged) and message.run == self.run


@dataclass
class WarningsWaited(Message):
    """So many warnings of the run wait to be seen; `rose` when one came just now."""

    run: RunFolder
    unseen: int
    rose: bool
