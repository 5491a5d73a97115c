"""What is new, for the browsers that look: one follower a run, however many readers it has.

A thread looks twice a second while there is a reader, and there is none otherwise. It follows logs through
`runs.follow`, the only tail, and tells when the lists of runs, models and takes have changed.
"""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from distill_tui.paths import Home
from distill_tui.reporting.page.html import element
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.serve.answer import encode
from distill_tui.serve.mailbox import Mailbox
from distill_tui.serve.run_view import RunView
from distill_tui.takes.folder import LIST

LOOK_SECONDS = 0.5
LISTS_EVERY = 4
"""Looks between two looks at the lists."""
LOOKS_AT_ONCE = 64
"""Batches of a long log that are read before other runs have their turn."""
MOST_READERS = 16
PENDING_SECONDS = 600.0
"""A sound that was asked for while nobody looked waits so long for the first who does."""


class _Followed:
    """A run that is followed, and what its readers know of it already, by topic."""

    def __init__(self, run: RunFolder) -> None:
        self.follower, self.view = RunFollower(run), RunView()
        self.readers: list[Mailbox] = []
        self.new: list[Mailbox] = []
        self.known: dict[str, bytes] = {}
        self.is_broken = self.is_settled = False
        """True once the run is over and its readers know."""


class Hub:
    """Readers of the page, and the thread that keeps them up to date."""

    def __init__(self, home: Home, look_seconds: float = LOOK_SECONDS) -> None:
        self._home, self._look_seconds = home, look_seconds
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._runs: dict[str, _Followed] = {}
        self._readers: set[Mailbox] = set()
        self._thread: threading.Thread | None = None
        self._stamps: dict[str, object] = {}
        self._pending: tuple[bytes, float] | None = None

    def join(self, run: RunFolder | None, is_there: Callable[[], bool]) -> Mailbox | None:
        """A mailbox that gets what is new, of a run too if one is given; None where there are too many already.

        `is_there` tells whether its reader has not left.
        """
        mailbox = Mailbox(is_there)
        with self._lock:
            if len(self._readers) >= MOST_READERS:
                return None
            self._readers.add(mailbox)
            if self._pending is not None and time.monotonic() - self._pending[1] < PENDING_SECONDS:
                mailbox.put("jump", self._pending[0])
            self._pending = None
            if run is not None:
                followed = self._runs.setdefault(run.id, _Followed(run))
                followed.new.append(mailbox)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="listening page", daemon=True)
                self._thread.start()
        self._wake.set()
        return mailbox

    def leave(self, mailbox: Mailbox) -> None:
        mailbox.close()
        with self._lock:
            self._readers.discard(mailbox)
            for id, followed in list(self._runs.items()):
                followed.readers = [other for other in followed.readers if other is not mailbox]
                followed.new = [other for other in followed.new if other is not mailbox]
                if not followed.readers and not followed.new:
                    del self._runs[id]
        self._wake.set()

    @property
    def is_full(self) -> bool:
        """True if there is no room for another reader."""
        return len(self._present()) >= MOST_READERS

    def open(self, document: object) -> int:
        """Have every reader go to a place; how many there are."""
        readers = self._present()
        message = encode(document)
        # who opens the page because of it finds the sound there
        self._pending = None if readers else (message, time.monotonic())
        for reader in readers:
            reader.put("jump", message)
        return len(readers)

    def _present(self) -> list[Mailbox]:
        """The readers, without those that have left and were not written to since."""
        with self._lock:
            readers = list(self._readers)
        for reader in readers:
            if not reader.is_there():
                self.leave(reader)
        return [reader for reader in readers if not reader.is_closed]

    def close(self) -> None:
        """Let all readers go."""
        with self._lock:
            readers = list(self._readers)
        for reader in readers:
            self.leave(reader)

    # the thread

    def _watch(self) -> None:
        number = 0
        while True:
            with self._lock:
                if not self._readers:
                    self._thread = None
                    self._stamps = {}
                    return
                runs = list(self._runs.values())
            if number % LISTS_EVERY == 0:
                self._look_at_lists()
            more = [self._try_to_look(followed) for followed in runs]
            number += 1
            if not any(more):
                self._wake.wait(self._look_seconds)
                self._wake.clear()

    def _try_to_look(self, followed: _Followed) -> bool:
        """Look at a run. One that cannot be shown must not take the others along."""
        if followed.is_broken:
            return False
        try:
            return self._look(followed)
        except Exception as error:  # noqa: BLE001 - a mistake of ours; its readers are told
            followed.is_broken = True
            print(f"distill-tui serve: a mistake in this program: {error!r}", file=sys.stderr)
            problem = element("p", f"This run cannot be shown: a mistake in this program, {error!r}", class_="bad")
            for reader in (*followed.readers, *followed.new):
                reader.put("part-head", encode({"html": problem}))
            return False

    def _look(self, followed: _Followed) -> bool:
        """Read what is new of a run and tell it; True if there is more to read at once."""
        follower = followed.follower
        for _ in range(LOOKS_AT_ONCE):
            events = follower.look()
            follower.state.apply_all(events)
            if not events:
                break
            followed.is_settled = False
        else:
            return True
        with self._lock:
            new, readers = followed.new, followed.readers
            followed.new, followed.readers = [], [*readers, *new]
        if not followed.is_settled or new:
            for topic, document in followed.view.topics(follower):
                message = encode(document)
                for reader in new if followed.known.get(topic) == message else (*readers, *new):
                    reader.put(topic, message)
                followed.known[topic] = message
        followed.is_settled = follower.is_over
        return False

    def _look_at_lists(self) -> None:
        home = self._home
        stamps: dict[str, object] = {
            "runs": _stamp(home.runs),
            "models": _stamp(home.models),
            "takes": _takes_stamp(home.takes),
        }
        changed = [name for name, stamp in stamps.items() if self._stamps.get(name) != stamp]
        is_first, self._stamps = not self._stamps, stamps
        if changed and not is_first:
            with self._lock:
                readers = list(self._readers)
            for reader in readers:
                for name in changed:
                    reader.put(f"list-{name}", b"{}")


def _stamp(path: Path) -> tuple[int, int]:
    """When a folder or a file was changed, and its size; zeros if it is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _takes_stamp(folder: Path) -> tuple[object, ...]:
    """When any set of takes was changed."""
    try:
        return tuple(sorted((path.name, _stamp(path / LIST)) for path in folder.iterdir()))
    except (OSError, ValueError):
        return ()
