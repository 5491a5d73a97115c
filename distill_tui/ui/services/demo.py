"""Starting the demo from a screen on which nothing is yet."""

import asyncio
from typing import TYPE_CHECKING, cast

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.screens.base import BaseScreen, RunWanted
from distill_tui.ui.services.workers import begin

if TYPE_CHECKING:
    from distill_tui.ui.app import DistillApp

GROUP = "demo"


def begin_demo(screen: BaseScreen) -> None:
    """Make the demo's sounds, start a run on them, and show it; once, however often the key is pressed."""
    if not any(worker.group == GROUP and not worker.is_finished for worker in screen.workers):
        screen.notify("Making a few sounds to train on …", markup=False)
        begin(screen, GROUP, _begin, screen, cast("DistillApp", screen.app).home)


async def _begin(screen: BaseScreen, home: Home) -> None:
    try:
        run = await start_demo(home)
    except (DistillError, OSError) as error:
        screen.notify(str(error), severity="error", timeout=10, markup=False)
    else:
        screen.post_message(RunWanted(run))


async def start_demo(home: Home) -> RunFolder:
    """The run of the demo, started as `distill-tui demo` does.

    Raises:
        DistillError: it cannot be made or started.
    """
    from distill_tui.machine import this_machine
    from distill_tui.runs.demo import demo_recipe, write_demo
    from distill_tui.ui.services.new_run import begin_run
    from distill_tui.ui.services.scan import scan

    folder = await asyncio.to_thread(write_demo, home)
    machine = await asyncio.to_thread(this_machine)
    corpus = await scan(home, [folder], lambda *_: None)
    return await asyncio.to_thread(begin_run, home, demo_recipe(), corpus, machine)
