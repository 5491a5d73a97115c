"""Deleted runs: the app moves them to `.trash` among the runs, from where they can be restored."""

import shutil
import time
from pathlib import Path

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import describe_os_error, make_folder, sync_folder
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder, check_there, names_of
from distill_tui.text import printable, unused_name

FOLDER = ".trash"


def refuse_to_delete(home: Home, run: RunFolder) -> None:
    """Raise a RequestError if a worker trains the run, or if it is gone or lies in another home."""
    check_there(run)
    if run.is_alive():
        raise RequestError(f"run {printable(run.id)} is being trained", f"Stop it first: distill-tui stop {run.id}")
    if run.path.parent != home.runs:
        raise RequestError(f"{printable(str(run.path))}: is not in this home's runs")


def move_to_trash(home: Home, run: RunFolder) -> Path:
    """Move a run to the trash, its worker's lock held: nobody can start it meanwhile. Its folder there.

    Raises:
        RequestError: it is being trained, or is in another home.
        DistillError: the folder cannot be written.
    """
    refuse_to_delete(home, run)
    target = home.runs / FOLDER / f"{time.time_ns()}" / run.id
    try:
        with run.hold():
            make_folder(target.parent)
            run.path.rename(target)
        sync_folder(home.runs)
    except OSError as error:
        raise DistillError(*describe_os_error(error, target)) from error
    return target


def trashed(home: Home) -> list[RunFolder]:
    """Runs in the trash, the last deleted first."""
    try:
        found = sorted((home.runs / FOLDER).glob("*/*/recipe.toml"), reverse=True)
    except OSError:
        return []
    return [RunFolder(recipe.parent) for recipe in found]


def restore_run(home: Home, query: str) -> RunFolder:
    """Take the run that was deleted last of those with this id, name or path back from the trash.

    Raises:
        RequestError: there is none.
        DistillError: the folder cannot be written.
    """
    found = next((run for run in trashed(home) if query in (run.id, str(run.path), *names_of(run))), None)
    if found is None:
        raise RequestError(f"no run '{printable(query)}' in the trash", "See: distill-tui runs trash")
    path = home.runs / unused_name(found.id, lambda name: (home.runs / name).exists())
    try:
        found.path.rename(path)
        found.path.parent.rmdir()
        sync_folder(home.runs)
    except OSError as error:
        raise DistillError(*describe_os_error(error, path)) from error
    return RunFolder(path)


def empty_trash(home: Home) -> int:
    """Delete what is in the trash for good; how many runs that were.

    Raises:
        DistillError: some of it could not be deleted.
    """
    gone = trashed(home)
    try:
        shutil.rmtree(home.runs / FOLDER)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise DistillError(*describe_os_error(error, home.runs / FOLDER)) from error
    return len(gone)
