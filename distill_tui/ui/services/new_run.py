"""From sounds to a run: looking at them, beginning to train on them, going on. Imported when there are some."""

import asyncio

from distill_tui.data.corpus import Corpus
from distill_tui.errors import DistillError
from distill_tui.machine import Machine, this_machine
from distill_tui.paths import Home
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.control import change_control
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.history import interrupted_run
from distill_tui.runs.service import create_run, start_worker
from distill_tui.ui.screens.config.data_panel import Found
from distill_tui.ui.services.programs import Progress
from distill_tui.ui.services.scan import scan
from distill_tui.ui.widgets.path_input import split_paths


async def look(home: Home, text: str, progress: Progress) -> Found:
    """What there is at the paths of `text`, and the machine to train on. Never fails: `Found` holds what is wrong."""
    # asking a GPU's driver can take a second
    machine = await asyncio.to_thread(this_machine)
    try:
        corpus = await scan(home, split_paths(text), progress)
        interrupted = await asyncio.to_thread(interrupted_run, home, corpus)
    except DistillError as error:
        return Found(path=text, problem=str(error))
    return Found(path=text, corpus=corpus, machine=machine, interrupted=interrupted)


def begin_run(home: Home, recipe: Recipe, corpus: Corpus, machine: Machine) -> RunFolder:
    """Make a run and start its worker.

    Raises:
        DistillError: it cannot be, and why.
    """
    start = None
    if recipe.train.start_from:
        from distill_tui.library.pretrained import start_of

        start = start_of(home, recipe)
    run = create_run(home, recipe, corpus, machine, start)
    start_worker(home, run)
    return run


def go_on(home: Home, run: RunFolder) -> None:
    """Start the worker of an interrupted run again.

    Raises:
        DistillError: it cannot be, and why.
    """
    change_control(run.control, lambda control: setattr(control, "wanted", "running"))
    start_worker(home, run)
