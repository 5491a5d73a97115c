"""Loads what the Explorer shows: starts runs, asks for checkpoints, and has maps made."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from distill_tui.text import printable
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.screens.base import BaseScreen
from distill_tui.ui.screens.explorer import sources
from distill_tui.ui.screens.explorer.sources import ImageRun, ModelSource, SoundRun, Source
from distill_tui.ui.screens.run_controller import RunController
from distill_tui.ui.services.control_writer import Request
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.knobs import Knob

JOB = "job"
"""The group of the workers that replace each other."""


class SourceLoader:
    """The present source of a screen, and the work for it: one thing at a time, beside the screen.

    `work` says what is being done and how far it is, or ''.
    """

    def __init__(
        self, screen: BaseScreen, home: Home, controller: RunController, repaint: Callable[[], object]
    ) -> None:
        self.source: Source | None = None
        self.work = ""
        self._screen, self._home, self._controller, self._repaint = screen, home, controller, repaint
        self._title = ""
        self._jobs = 0

    def show(self, source: Source | None) -> None:
        """Show this run or model instead of the present one."""
        self.source = source
        if isinstance(source, ImageRun):
            self._controller.watch(source.run)
        else:
            self._controller.leave()
        self._repaint()

    def watch_run(self, run: RunFolder) -> None:
        """Show this run on images."""
        if run != self._controller.run:
            self.show(ImageRun(run))

    def show_newest(self) -> None:
        """Show the newest run on images if nothing is shown."""
        if self.source is None and not self.work and (run := sources.newest(self._home)):
            self.watch_run(run)

    def pick(self) -> None:
        """Let the user pick a run or model."""
        begin(self._screen, "pick", self._pick)

    async def _pick(self) -> None:
        from distill_tui.ui.screens.config.recipe_sources import COLUMNS, FILE, origins

        rows = await self._screen.in_thread(lambda: [row for row in origins(self._home) if row.key != FILE])
        if rows is None:
            return
        dialog = PickDialog("Look at", COLUMNS, rows, take="look at it", empty="There is no run and no model yet.")
        key = await self._screen.app.push_screen_wait(dialog)
        if key is None:
            return
        self._screen.workers.cancel_group(self._screen, JOB)
        kind, _, which = key.partition(":")
        title = f"{kind} {printable(next(row.cells[0] for row in rows if row.key == key))}"
        run = RunFolder(self._home.runs / which)
        if kind != "run":
            self._make_map(ModelSource(which, title))
        elif run.task == "images":
            self.watch_run(run)
        else:
            self.show(SoundRun(run, title))
            self.poll()

    # maps

    def poll(self) -> bool:
        """Return whether a run on images has a newer map. Make the map of a run on sounds for a newer checkpoint."""
        source = self.source
        if isinstance(source, ImageRun):
            return source.has_newer_map
        if isinstance(source, SoundRun) and not self.work:
            source.look()
            if source.needs_map:
                source.mapped = source.newest
                self._make_map(source)
            elif not source.newest and not source.has_asked:
                begin(self._screen, "ask", self._ask_for_checkpoint, source)
        return False

    def renew(self) -> None:
        """Ask the run on sounds for a checkpoint: the map that is made of it is newer."""
        begin(
            self._screen, "ask", self._ask_for_checkpoint, self.source, "Asked for a checkpoint: its map comes with it."
        )

    async def _ask_for_checkpoint(self, source: SoundRun, notice: str = "") -> None:
        source.has_asked = True
        if await self._screen.in_thread(source.ask) and notice:
            self._screen.notify(notice, timeout=3)

    def _make_map(self, source: ModelSource | SoundRun) -> None:
        async def make() -> None:
            try:
                source.map = await sources.make_map(self._home, source.name, self._show_progress)
            except DistillError:
                if source is self.source and source.map is None:
                    self.show(None)
                raise
            if source is not self.source:
                self.show(source)

        self._begin(f"making the map of {source.title} …", make)

    # runs

    def start_run(self, folder: str = "") -> None:
        """Start a run on a folder of images: without one on that which was used last, or on digits that are drawn."""
        self._start_run("starting a run …", partial(sources.start_run, self._home, folder))

    def reset_run(self, knobs: list[Knob]) -> None:
        """Stop the run, and start one with the same recipe and settings, and new weights."""
        run = self._controller.run
        assert run is not None
        settings = {knob.field.key: knob.wanted for knob in knobs}
        stop = self._controller.ask(wanted="stopped") if self._controller.is_steerable else None
        self._start_run("new weights …", partial(sources.start_again, self._home, run, settings), stop)

    def _start_run(self, title: str, make: Callable[[], RunFolder], stop: Request | None = None) -> None:
        async def start() -> None:
            if stop is None or await self._controller.is_written(stop):
                self.watch_run(await asyncio.to_thread(make))

        self._begin(title, start)

    # work

    def _begin(self, title: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do some work instead of what is done now; an error is shown to the user."""
        begin(self._screen, JOB, self._do, title, work)

    async def _do(self, title: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._jobs += 1
        number, self._title = self._jobs, title
        self._say(title)
        try:
            await work()
        except DistillError as error:
            self._screen.notify(str(error), severity="error", timeout=10, markup=False)
        finally:
            # work that came instead of this has a title of its own
            if number == self._jobs:
                self._say("")

    def _show_progress(self, done: int, total: int) -> None:
        if self.work and total:
            self._say(f"{self._title} {100 * done // total} %")

    def _say(self, work: str) -> None:
        self.work = work
        self._repaint()
