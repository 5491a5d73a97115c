"""States of runs for single requests: read quickly, and kept while their log stays as it is."""

import threading
from collections import OrderedDict

from distill_tui.paths import Home
from distill_tui.runs.events import PreviewMade
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.state import RunState
from distill_tui.serve.answer import Refused

MOST_KEPT = 256
"""States without series: a few KB each."""


def run_of(home: Home, id: str) -> RunFolder:
    """The run of this id.

    Raises:
        Refused: there is none.
    """
    run = RunFolder(home.runs / id)
    try:
        if id and "/" not in id and id not in (".", "..") and "\0" not in id and run.recipe.is_file():
            return run
    except OSError:
        pass
    raise Refused(404, "no such run")


class States:
    """The newest states of runs that were asked for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[object, RunState]] = OrderedDict()
        # one request reads a log, and not every thread at once
        self._lock = threading.Lock()

    def of(self, run: RunFolder) -> RunState:
        """The state of a run now, without its series. It is not to be changed."""
        with self._lock:
            stamp = _stamp(run)
            known = self._kept.pop(run.id, None)
            state = known[1] if known is not None and known[0] == stamp else quick_state(run)
            self._kept[run.id] = (stamp, state)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return state

    def preview(self, run: RunFolder, seq: int) -> PreviewMade:
        """The preview of a run by its number in the log.

        Raises:
            Refused: there is none.
        """
        for preview in reversed(self.of(run).previews):
            if preview.seq == seq:
                return preview
        raise Refused(404, "no such preview")

    def pair_of(self, run: RunFolder, file: str) -> tuple[PreviewMade, int, int] | None:
        """The newest preview that lists a file, the number of its pair in it, and its place in `versions_of` that;
        None where no preview lists it."""
        for preview in reversed(self.of(run).previews):
            for index in range(len(preview.pairs)):
                versions = [name for _, name in versions_of(preview, index)]
                if file in versions:
                    return preview, index, versions.index(file)
        return None


def versions_of(preview: PreviewMade, index: int) -> list[tuple[int, str]]:
    """Files of a sound of a preview, each with the number of levels that it was made by: the original (0), the
    reconstruction (0 for all levels), and those by fewer levels."""
    original, made, _ = preview.pairs[index]
    fewer = preview.levels[index] if index < len(preview.levels) else []
    return [(0, original), (0, made), *((count, file) for count, file, _ in fewer)]


def _stamp(run: RunFolder) -> object:
    try:
        found = run.events.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino, run.is_alive()
