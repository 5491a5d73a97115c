"""What is asked of the process that generates, and how far it is: the state behind the line above the takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.takes import protocol as p
from distill_tui.takes.request import Request
from distill_tui.text import decode_path
from distill_tui.ui.screens.generate.models import shown_name
from distill_tui.ui.screens.generate.work_line import Work
from distill_tui.ui.services.generator import Ended, GeneratorProcess

NO_PROBLEM = ("", "")
"""A problem is what went wrong, and the way out."""


@dataclass
class Asked:
    """A request that has not come to its end."""

    folder: Path
    count: int
    done: int = 0
    total: int = 0
    takes: int = 0
    since: float = field(default_factory=time.monotonic)


class GenerateWork:
    """Asks the process and keeps what it answers. `changed` is called after each event, `made` with each take.

    `made(folder, event, is_first)`: the take is in that folder; it may be the first of its request.
    """

    def __init__(
        self, home: Home, changed: Callable[[], object], made: Callable[[Path, p.TakeMade, bool], object]
    ) -> None:
        self.process = GeneratorProcess(home, self.heard)
        self.ready: p.Ready | None = None
        self._changed, self._made = changed, made
        self._loading: p.Loading | None = None
        self._opening = ""
        self._asked: dict[int, Asked] = {}
        self._problem = self._model_problem = NO_PROBLEM
        self._result = ""

    @property
    def is_started(self) -> bool:
        """True once a model was asked for."""
        return bool(self._opening)

    @property
    def is_busy(self) -> bool:
        """True while a request is at work or waits."""
        return bool(self._asked)

    def open(self, model: Path) -> None:
        """Have a model loaded; what is wrong with it is shown."""
        self._opening = str(model)
        self.ready, self._model_problem = None, NO_PROBLEM
        self._attempt(lambda: self.process.open(model))

    def make(self, model: Path, folder: Callable[[Request], Path], request: Callable[[], Request]) -> None:
        """Ask for takes; what is wrong with the request is shown, and then no folder is asked for."""

        def ask() -> None:
            asked = request()
            where = folder(asked)
            self._asked[self.process.make(model, where, asked)] = Asked(where, asked.count)

        self._opening = str(model)
        self._problem = self._model_problem = NO_PROBLEM
        self._result = ""
        self._attempt(ask)

    def cancel(self) -> None:
        """End what is at work; the takes so far are kept."""
        self._attempt(self.process.cancel)

    def fail(self, error: DistillError) -> None:
        """Show an error of what was asked for, in place."""
        self._problem = (error.message, error.hint)
        self._changed()

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except DistillError as error:
            self._problem = (error.message, error.hint)
        self._changed()

    def heard(self, event: p.Event | Ended) -> None:
        """Take in what the process says."""
        if isinstance(event, p.Loading):
            self._loading = event
        elif isinstance(event, p.Ready):
            self._loading, self.ready = None, event
        elif isinstance(event, p.Progress):
            self._loading = None
            if asked := self._asked.get(event.id):
                asked.done, asked.total = event.done, event.total
        elif isinstance(event, p.TakeMade):
            if asked := self._asked.get(event.id):
                asked.takes += 1
                self._made(asked.folder, event, asked.takes == 1)
        elif isinstance(event, p.Done):
            self._loading = None
            if asked := self._asked.pop(event.id, None):
                self._result = _result(event, asked)
        elif isinstance(event, p.Failed):
            self._loading = None
            self._asked.pop(event.id, None)
            if event.id:
                self._problem = (event.message, event.hint)
            else:
                self._model_problem = (event.message, event.hint)
            if event.takes:
                self._result = f"{formatting.plural(event.takes, 'take')} made before that"
        else:
            self._lost(event)
        self._changed()

    def _lost(self, event: Ended) -> None:
        lost, self._asked = bool(self._asked), {}
        self._loading = self.ready = None
        if event.code or lost:
            killed = f"killed by signal {-event.code}" if event.code < 0 else f"exit code {event.code}"
            last = f": {event.said.splitlines()[-1]}" if event.said else ""
            self._problem = (
                f"the process that generates has ended ({killed}){last}",
                "What it had made is kept. The next request starts it again.",
            )

    def describe(self, make_key: str) -> Work:
        """What to say of it."""
        message, hint = self._problem if self._problem[0] else self._model_problem
        if message:
            result = [(self._result, "plain")] if self._result else []
            return Work(((f"✗ {message}", "bad"), *([(hint, "plain")] if hint else []), *result))  # type: ignore[arg-type]
        if self._loading is not None:
            of = f" {self._loading.done} of {self._loading.total}" if self._loading.total else ""
            return Work(((f"loading: {self._loading.step}{of}", "accent"),), self._loading.done, self._loading.total)
        if self._asked:
            return self._describe_request()
        if self._result:
            return Work(((self._result, "good"),))
        if self.ready is not None:
            name = shown_name(decode_path(self.ready.model))
            notice = [(self.ready.notice, "fair")] if self.ready.notice else []
            return Work(((f"ready: {name}, a {self.ready.kind}", "dim"), *notice))  # type: ignore[arg-type]
        if self.process.is_alive:
            return Work((("starting", "dim"),))
        if self._opening:
            return Work(((f"asleep; {make_key} wakes it", "dim"),))
        return Work()

    def _describe_request(self) -> Work:
        asked = next(iter(self._asked.values()))
        waiting = len(self._asked) - 1
        more = f"; {formatting.plural(waiting, 'request')} more" if waiting else ""
        number = min(asked.count, asked.takes + 1)
        text = f"making {number} of {asked.count}{more}"
        return Work(((text, "accent"),), asked.done or asked.takes, asked.total or asked.count)


def _result(event: p.Done, asked: Asked) -> str:
    made = f"{formatting.plural(event.takes, 'take')} in {formatting.duration(time.monotonic() - asked.since)}"
    return f"cancelled; {formatting.plural(event.takes, 'take')} kept" if event.cancelled else f"✓ {made}"
