"""Starting a run from the Config screen, or resuming an interrupted one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.screens.base import RunWanted
from distill_tui.ui.screens.config.folder_field import FolderField
from distill_tui.ui.services.workers import begin

if TYPE_CHECKING:
    from distill_tui.ui.screens.config.screen import ConfigScreen


class RunStart:
    """Starts one run at a time, beside the screen, and shows it."""

    def __init__(self, screen: "ConfigScreen", home: Home) -> None:
        self._screen, self._home = screen, home
        self._is_starting = False

    def start(self) -> None:
        """Start a run of the form's recipe on the chosen sounds, or say what prevents it."""
        screen, pane, found = self._screen, self._screen.pane, self._screen.found
        pane.take_in()
        corpus, machine = found.corpus, found.machine
        path = screen.query_one(FolderField).path
        if path and path != found.path:
            screen.source.look_at(path)
            screen.notify("Scanning the sounds first: start again when that is done.", markup=False)
            return
        if corpus is None or machine is None:
            problem = "The sounds are still being scanned." if found.scanning else found.problem
            screen.notify(problem or "Choose a folder of sounds first.", severity="warning", markup=False)
            screen.query_one("#folder").focus()
            return
        if pane.refuses():
            return

        def make() -> RunFolder:
            from distill_tui.ui.services.new_run import begin_run

            return begin_run(self._home, recipe, corpus, machine)

        if screen.attempt(lambda: pane.resolved(corpus, machine, found.paces)):
            recipe = pane.form.recipe()
            self._begin(make, pane.taken)

    def resume(self) -> None:
        """Resume the interrupted run on these sounds."""
        run = self._screen.found.interrupted
        assert run is not None

        def resume() -> RunFolder:
            from distill_tui.runs.service import resume_run

            resume_run(self._home, run)
            return run

        self._begin(resume)

    def _begin(self, start: Callable[[], RunFolder], then: Callable[[], object] = lambda: None) -> None:
        if self._is_starting:
            return
        self._is_starting = True
        self._screen.source.stop_probe()

        async def work() -> None:
            try:
                run = await self._screen.in_thread(start)
            finally:
                self._is_starting = False
            if run is not None:
                then()
                self._screen.post_message(RunWanted(run))

        begin(self._screen, "start", work)
