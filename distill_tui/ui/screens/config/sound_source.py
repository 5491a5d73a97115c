"""The chosen sounds of the Config screen, scanned in a process of their own; and what earlier runs tell."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.dom import DOMNode

from distill_tui.paths import Home, is_there
from distill_tui.reporting.formatting import shorten_path
from distill_tui.ui.screens.config.data_panel import Found
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.path_input import AND, split_paths

if TYPE_CHECKING:
    # the first screen must come at once: what it does not show at first is imported when it is used
    from distill_tui.data.corpus import Corpus
    from distill_tui.recipe.schema import Recipe

MOST_CELLS = 200
"""Of a path in a message."""


class SoundSource:
    """Holds what is known of the chosen sounds. `progressed` is called as a scan goes on, `changed` at its end."""

    def __init__(
        self, home: Home, owner: DOMNode, progressed: Callable[[], object], changed: Callable[[], object]
    ) -> None:
        """Workers run as those of `owner`."""
        self._home, self._owner = home, owner
        self._progressed, self._changed = progressed, changed
        self._was_probed = self._has_failed = False
        self.found = Found()

    def look_at(self, path: str) -> None:
        """Scan this path, or these with ` + ` between them; a scan of others ends."""
        self.stop_probe()
        gone = [part for part in split_paths(path) if not is_there(part)]
        if gone:
            self._owner.workers.cancel_group(self._owner, "scan")
            which = f": {shorten_path(gone[0], MOST_CELLS)}" if AND in path else ""
            self.found = Found(path=path, problem=f"there is no such folder or file{which}")
        else:
            self.found = Found(path=path, scanning=True)
            begin(self._owner, "scan", self._scan, path)
        self._progressed()

    async def _scan(self, path: str) -> None:
        from distill_tui.ui.services.new_run import look

        def progress(done: int, total: int) -> None:
            self.found.done, self.found.total = done, total
            self._progressed()

        self.found = await look(self._home, path, progress)
        self._changed()
        self._begin_probe()

    def look_again(self) -> None:
        """Learn from runs that have ended meanwhile: one may be resumed, and they tell how fast this machine is."""
        if self.found.corpus is not None:
            begin(self._owner, "again", self._look_again, self.found.corpus)

    async def _look_again(self, corpus: "Corpus") -> None:
        await self._learn(corpus)
        self._begin_probe()

    async def _learn(self, corpus: "Corpus") -> None:
        from distill_tui.ui.services.new_run import earlier_runs

        machine = self.found.machine
        assert machine is not None
        earlier = await asyncio.to_thread(earlier_runs, self._home, corpus, machine)
        if corpus is self.found.corpus:
            self.found.interrupted, self.found.paces, self.found.advice = earlier
            self._changed()

    # the probe

    def stop_probe(self) -> None:
        """End a probe: a run is about to start, or its sounds are not those that are chosen any more."""
        self._owner.workers.cancel_group(self._owner, "probe")

    def _begin_probe(self) -> None:
        """Measure how fast this machine is where no run has told; where it was busy then, once again."""
        corpus, advice = self.found.corpus, self.found.advice
        if corpus is None or advice is None or not advice.needs_probe:
            return
        if not (self._was_probed if advice.is_measured else self._has_failed):
            begin(self._owner, "probe", self._probe, corpus, advice.best.recipe)

    async def _probe(self, corpus: "Corpus", recipe: "Recipe") -> None:
        from distill_tui.ui.services.probe import probe

        def begun() -> None:
            self.found.probing = True
            self._progressed()

        try:
            is_measured = await probe(self._home, recipe, begun)
        finally:
            self.found.probing = False
        self._was_probed, self._has_failed = bool(is_measured), is_measured is False
        if is_measured:
            await self._learn(corpus)
        self._progressed()
