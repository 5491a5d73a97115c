"""What earlier runs tell: folders that were used, and a run on the same sounds that can go on."""

import contextlib
from pathlib import Path

from distill_tui.data.corpus import Corpus
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.recipe.toml import load_values
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.log import tail_events

MOST_RUNS = 30


def recent_folders(home: Home) -> list[str]:
    """The folders of the newest runs that are still there, the newest first, each once."""
    found: dict[str, None] = {}
    for run in list_runs(home)[:MOST_RUNS]:
        for path in _paths(run):
            if Path(path).exists():
                found[path] = None
    return list(found)


def interrupted_run(home: Home, corpus: Corpus) -> RunFolder | None:
    """The newest run on the same paths, if it was stopped or died and has a checkpoint to go on from."""
    for run in list_runs(home)[:MOST_RUNS]:
        if _paths(run) != corpus.paths:
            continue
        if run.is_alive() or not run.checkpoints.is_dir():
            return None
        ended = [event for event in tail_events(run.events) if isinstance(event, e.LAST)]
        return None if ended and isinstance(ended[-1], e.Finished) else run
    return None


def _paths(run: RunFolder) -> list[str]:
    with contextlib.suppress(DistillError):
        paths: list[str] = load_values(run.recipe).get("data.paths", [])
        return paths
    return []
