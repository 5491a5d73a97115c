"""Facts from earlier runs: folders used recently, and an interrupted run on the same sounds."""

import contextlib

from distill_tui.data.corpus import Corpus
from distill_tui.errors import DistillError
from distill_tui.paths import Home, is_there
from distill_tui.recipe.pace import kind_of_device
from distill_tui.recipe.toml import load_values
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.log import tail_events

MOST_RUNS = 30


def recent_folders(home: Home) -> list[str]:
    """Folders of the newest runs that still exist, newest first, each once."""
    folders: dict[str, None] = {}
    for run in list_runs(home)[:MOST_RUNS]:
        for path in _paths(run):
            if is_there(path):
                folders[path] = None
    return list(folders)


def interrupted_run(home: Home, corpus: Corpus) -> RunFolder | None:
    """The newest run of a codec on the same paths, if it was interrupted and has a checkpoint to resume from."""
    for run in list_runs(home)[:MOST_RUNS]:
        if run.task == "prior" or _paths(run) != corpus.paths:
            continue
        if run.is_alive() or not run.checkpoints.is_dir():
            return None
        ended = [event for event in tail_events(run.events) if isinstance(event, e.LAST)]
        return None if ended and isinstance(ended[-1], e.Finished) else run
    return None


def is_training_on(home: Home, device: str) -> bool:
    """Return True if a worker trains a run on this kind of device now."""
    return any(run.is_alive() and _kind(run) == kind_of_device(device) for run in list_runs(home)[:MOST_RUNS])


def _kind(run: RunFolder) -> str:
    with contextlib.suppress(DistillError):
        return kind_of_device(str(load_values(run.recipe).get("train.device", "")))
    return ""


def _paths(run: RunFolder) -> list[str]:
    with contextlib.suppress(DistillError):
        paths: list[str] = load_values(run.recipe).get("data.paths", [])
        return paths
    return []
