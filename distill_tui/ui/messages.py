"""What the follower of a run tells the screens: facts, in the past tense. Screens change from these alone."""

from dataclasses import dataclass

from textual.message import Message

from distill_tui.runs.control import Control
from distill_tui.runs.events import Event
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState


@dataclass
class RunChosen(Message):
    """A run is followed from now on; what came of another one before is over."""

    run: RunFolder


@dataclass
class LogRead(Message):
    """A long log is being read: so much of it, 0..1, is in."""

    run: RunFolder
    share: float

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LogRead)


@dataclass
class MetricsReceived(Message):
    """The run's numbers moved. Carries the whole state, so that a newer one replaces it."""

    run: RunFolder
    state: RunState

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, MetricsReceived) and message.run == self.run


@dataclass
class RunStateChanged(Message):
    """The run went from one state to another. `live` is False for what had happened before one began to look."""

    run: RunFolder
    state: RunState
    old: str
    new: str
    live: bool


@dataclass
class EventsReceived(Message):
    """What happened, apart from the numbers of single steps: for the log of events, in order.

    `live` is False for what had happened before one began to look.
    """

    run: RunFolder
    events: list[Event]
    live: bool


@dataclass
class ControlChanged(Message):
    """What is wanted of the run was changed, by this program or another."""

    run: RunFolder
    asked: Control

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ControlChanged) and message.run == self.run


@dataclass
class WarningsWaited(Message):
    """So many warnings of the run wait to be seen; `rose` when one came just now."""

    run: RunFolder
    unseen: int
    rose: bool
