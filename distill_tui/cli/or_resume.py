"""`train --or-resume`: one line that starts a run, or goes on with it, for scripts that are started again and again."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from distill_tui.cli.commands.train import follow_on, prepare_run
from distill_tui.cli.foreground import ForegroundRun
from distill_tui.cli.output import say
from distill_tui.cli.recipe_flags import DEST
from distill_tui.data.corpus import Corpus
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import locked
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import fields, get
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.formatting import setting
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.launcher import launched
from distill_tui.runs.log import tail_events
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.service import dismiss_ranks, refuse_alive, resume_run, start_worker
from distill_tui.text import clean_name, encode_path, printable

if TYPE_CHECKING:
    from typing import TextIO

MOST_DIFFERENCES = 5
LAST_WORKER_SECONDS = 30.0


def start_or_resume(
    options: argparse.Namespace,
    home: Home,
    data: list[str],
    recipe: Recipe,
    out: "TextIO",
    finish: Callable[[Corpus], Recipe] | None = None,
) -> int:
    """Follow the newest run of the recipe's name to its end: one that trains, one that can go on, or a new one.

    Two of these at once share one run: whoever comes second joins it. `finish` is that of `prepare_run`.

    Raises:
        RequestError: the recipe has no name, or a new run cannot be made of it.
    """
    if not recipe.name:
        raise RequestError("--or-resume knows a run by its name", "Add --name NAME.")
    create: Callable[[], RunFolder] | None = None
    if _newest(home, recipe.name) is None:
        # reading the sounds may take long, so the lock is not held meanwhile
        create = prepare_run(home, data, recipe, out, finish)
    with locked(home.runs / ".or-resume.lock"):
        run = _newest(home, recipe.name)
        if run is None:
            if create is None:
                raise DistillError(f"the run '{printable(recipe.name)}' has just been deleted", "Start this again.")
            run = create()
            following = ForegroundRun(run, partial(start_worker, home, run))
        elif run.is_alive() and not _ends_soon(run):
            say(f"{run.id} is being trained by process {run.worker_pid()}: following it.")
            following = ForegroundRun(run, None)
        elif quick_state(run).state == "finished":
            return _has_finished(options, run)
        else:
            devices = getattr(options, DEST + "train.devices")
            _note_differences(run, recipe, data)
            following = ForegroundRun(run, partial(resume_run, home, run, devices))
        following.wait_for_worker()
    return follow_on(options, following)


def _newest(home: Home, name: str) -> RunFolder | None:
    return next((run for run in list_runs(home) if run.first_name == clean_name(name)), None)


def _ends_soon(run: RunFolder) -> bool:
    """Whether the worker of a run was one of a launcher's that is started again, and ends now.

    Raises:
        RequestError: it is another one: the launcher's other processes cannot join it.
    """
    if launched() is None:
        return False
    deadline = time.monotonic() + LAST_WORKER_SECONDS
    while run.is_alive():
        if time.monotonic() > deadline:
            refuse_alive(run)
        time.sleep(0.1)
    return True


def _has_finished(options: argparse.Namespace, run: RunFolder) -> int:
    """Say so, on standard output as the last event of the run's stream would; 0."""
    last = next((event for event in reversed(tail_events(run.events)) if isinstance(event, e.Finished)), None)
    if options.json and last is not None:
        sys.stdout.buffer.write(e.Codec.encode(last))
        sys.stdout.flush()
    elif options.detach:
        print(run.id, flush=True)
    model = f"; its model is in the library as '{printable(last.model)}'" if last is not None and last.model else ""
    say(f"{run.id} has finished{model}.")
    if launched() is not None:
        dismiss_ranks()
    return 0


def _note_differences(run: RunFolder, asked: Recipe, data: list[str]) -> None:
    """Say where the run's recipe is another than what was asked for: it is the run's own that holds."""
    own = toml.load(run.recipe)
    different = []
    for key, field in fields().items():
        old, new = get(own, key), get(asked, key)
        if key != "train.devices" and not field.is_own and key not in own.automatic and new != "auto" and old != new:
            different.append(f"{key} {setting(old)} (asked: {setting(new)})")
    if data and own.data.paths != [encode_path(os.path.normpath(Path(path).expanduser().absolute())) for path in data]:
        different.insert(0, "other sounds")
    if different:
        more = f" and {len(different) - MOST_DIFFERENCES} more" if len(different) > MOST_DIFFERENCES else ""
        say(f"{run.id} goes on as it was begun: {', '.join(different[:MOST_DIFFERENCES])}{more}")
