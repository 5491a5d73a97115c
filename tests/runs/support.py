"""Runs on disk for tests: a folder and a log, without a worker."""

from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, make_run_folder
from distill_tui.runs.log import LogWriter


def a_run(home: Home, name: str = "drums") -> RunFolder:
    """A run's folder with a recipe in it."""
    run = make_run_folder(home, name)
    toml.save(Recipe(name=name), run.recipe)
    return run


def write(run: RunFolder, *events: e.Event) -> None:
    """Append events to a run's log, as a worker does."""
    log = LogWriter(run.events)
    for event in events:
        log.write(event)
    log.close()


def started(run: RunFolder, resumed: bool = False) -> e.Started:
    return e.Started(run=run.id, name="drums", pid=42, program="0", resumed=resumed, time=1.0)


def metrics(step: int, epoch: int = 1, scope: str = "step", **values: float | None) -> e.Metrics:
    """`loss_val=1.0` is `loss/val`."""
    named = {key.replace("_", "/", 1): value for key, value in values.items()}
    return e.Metrics(scope=scope, step=step, epoch=epoch, values=named, progress=step / 1000)
