"""From sounds to a run: scanning them, and starting to train on them. Imported only once there are some."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from distill_tui.data.cache_room import free_bytes
from distill_tui.data.corpus import Corpus
from distill_tui.data.images.dataset import count_pictures
from distill_tui.errors import DistillError, RequestError
from distill_tui.machine import Machine, this_machine
from distill_tui.paths import Home
from distill_tui.recipe.pace import Pace
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.advice import Advice, advise
from distill_tui.reporting.expected_quality import own_results, shipped_results
from distill_tui.runs import service
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.history import interrupted_run
from distill_tui.runs.paces import read_paces
from distill_tui.settings import read_settings
from distill_tui.ui.screens.config.data_panel import Found
from distill_tui.ui.services.programs import Progress
from distill_tui.ui.services.scan import scan
from distill_tui.ui.widgets.path_input import split_paths


async def look(home: Home, text: str, progress: Progress) -> Found:
    """Scan the paths of `text`, and detect the machine. It never fails: `Found` holds what is wrong."""
    # asking a GPU's driver can take a second
    machine = await asyncio.to_thread(this_machine)
    try:
        corpus = await scan(home, split_paths(text), progress)
        earlier = await asyncio.to_thread(earlier_runs, home, corpus, machine)
    except DistillError as error:
        pictures = await asyncio.to_thread(count_pictures, Path(text))
        return Found(path=text, problem=str(error), pictures=pictures)
    free = await asyncio.to_thread(free_bytes, home.cache)
    return Found(
        path=text,
        corpus=corpus,
        machine=machine,
        free_bytes=free,
        interrupted=earlier.interrupted,
        paces=earlier.paces,
        advice=earlier.advice,
    )


class Earlier(NamedTuple):
    """What earlier runs tell: one on these sounds that can be resumed, the paces of all on this machine, and advice."""

    interrupted: RunFolder | None
    paces: list[Pace]
    advice: Advice | None


def earlier_runs(home: Home, corpus: Corpus, machine: Machine) -> Earlier:
    """Look at earlier runs and models. It reads the disk and adds up every sound: call it in a thread."""
    interrupted, paces = interrupted_run(home, corpus), read_paces(home)
    try:
        advice = advise(corpus, machine, paces, own_results(home) + shipped_results(), read_settings(home).defaults)
    except RequestError:
        # a person's own settings ask for what this machine has not: the form says so at its field
        advice = None
    return Earlier(interrupted, paces, advice)


def begin_run(home: Home, recipe: Recipe, corpus: Corpus, machine: Machine) -> RunFolder:
    """Create a run and start its worker.

    Raises:
        DistillError: the run cannot be created, or its worker cannot be started.
    """
    run = service.create_run(home, recipe, corpus, machine).folder
    service.start_worker(home, run)
    return run
