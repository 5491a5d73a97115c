"""The run that made a model and that run's previews, shown beside its card."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from distill_tui.errors import DistillError
from distill_tui.library.card import Card
from distill_tui.library.container import read_card
from distill_tui.library.index import Entry
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.service import resume_run
from distill_tui.runs.state import RunState


@dataclass(frozen=True)
class Shown:
    """A model as it is shown: its card, or what is wrong with it; its run, if that is still here."""

    entry: Entry
    card: Card | None = None
    problem: str = ""
    run: RunFolder | None = None
    state: RunState = field(default_factory=RunState)

    @property
    def previews(self) -> e.PreviewMade | None:
        """The newest preview whose files are still there."""
        for made in reversed(self.state.previews):
            if self.run is not None and os.path.isdir(self.run.path / made.folder):  # noqa: PTH112
                return made
        return None

    @property
    def preview_folder(self) -> Path | None:
        """The folder with the files of `previews`."""
        made = self.previews
        return self.run.path / made.folder if self.run is not None and made is not None else None


def look_at(home: Home, entry: Entry) -> Shown:
    """Read a model's card and its run's log. It may take a moment: call it in a thread."""
    if entry.summary is None:
        return Shown(entry, problem=f"{entry.name}: {entry.error}")
    try:
        card = read_card(entry.path)
    except (DistillError, OSError) as error:
        return Shown(entry, problem=str(error))
    run = run_of(home, entry)
    return Shown(entry, card, "", run, quick_state(run) if run is not None else RunState())


def run_of(home: Home, entry: Entry) -> RunFolder | None:
    """The run that made a model, if its folder is still in this home."""
    # the name comes from a file that anybody may have written
    name = Path(entry.summary.run).name if entry.summary is not None else ""
    run = RunFolder(home.runs / name)
    # the name is a stranger's: it may be one that no folder can have, which `Path.is_file` raises for
    return run if name and os.path.isfile(run.recipe) else None  # noqa: PTH113


def go_on(home: Home, entry: Entry) -> RunFolder:
    """Have a model's run go on, or find it going; the run, to be watched.

    Raises:
        DistillError: it cannot go on, and why.
    """
    run = run_of(home, entry)
    instead = "Fine-tune the model instead: press t."
    if run is None:
        raise DistillError(f"The run of {entry.name} is not in this home: there is nothing to resume.", instead)
    state = quick_state(run)
    if state.is_active:
        return run
    if state.state == "finished":
        raise DistillError(f"The run of {entry.name} is finished: its schedule has ended.", instead)
    if not (state.checkpoints or run.checkpoints.is_dir()):
        raise DistillError(f"The run of {entry.name} has no checkpoint to go on from.", instead)
    resume_run(home, run)
    return run
