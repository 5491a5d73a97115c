"""What the Explorer can look at: runs of pictures, and maps of other runs and models, made in processes beside it."""

from pathlib import Path

from distill_tui.data.corpus import decode_path
from distill_tui.data.images.dataset import Pictures
from distill_tui.errors import DistillError, RequestError
from distill_tui.foreign import MalformedError
from distill_tui.paths import Home
from distill_tui.runs.codebook_map import CodebookMap, decode_map
from distill_tui.runs.control import Control, change_control
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.ui.services.control_writer import PATIENCE
from distill_tui.ui.services.programs import call
from distill_tui.ui.widgets.knobs import Knob


class SoundRun:
    """A run of sounds that is looked at by its newest checkpoint; `shown` is that of the map that is shown."""

    def __init__(self, run: RunFolder, title: str) -> None:
        self.run, self.title = run, title
        self.newest = ""
        self.shown: str | None = None
        self.is_alive = self.has_asked = False
        self.look()

    def look(self) -> None:
        """See whether it trains, and which checkpoint is the newest: '' before the first."""
        self.is_alive = self.run.is_alive()
        # by name: their steps have all the same number of digits
        self.newest = max((path.name for path in self.run.checkpoints.glob("step-*.ckpt")), default="")

    def ask(self) -> Control:
        """Ask it for a checkpoint, as the key on the Training screen does.

        Raises:
            DistillError: its control file is damaged or cannot be written.
        """
        self.has_asked = True

        def once_more(control: Control) -> None:
            control.checkpoint += 1

        return change_control(self.run.control, once_more, PATIENCE)


def newest(home: Home) -> RunFolder | None:
    """The newest run that trains on pictures; one that trains now comes before all others."""
    runs = [run for run in list_runs(home) if run.pictures.is_file()]
    return next((run for run in runs if run.is_alive()), next(iter(runs), None))


def pictures_of(run: RunFolder) -> Pictures | None:
    """What a run's pictures are; None when nobody knows."""
    try:
        return Pictures.load(run.pictures)
    except DistillError:
        return None


def last_folder(home: Home) -> str:
    """The folder of pictures that was used last, if it is still there; ''."""
    for run in list_runs(home):
        found = pictures_of(run) if run.pictures.is_file() else None
        if found is not None and found.path and Path(decode_path(found.path)).is_dir():
            return decode_path(found.path)
    return ""


async def begin_run(home: Home, *flags: str) -> RunFolder:
    """Begin an Explorer run, as `distill-tui explore` with these flags does.

    Raises:
        RequestError: it cannot be, and why.
    """
    answer = await call(home, "explore", "--detach", *flags)
    name = answer.document.decode(errors="replace").strip().rpartition("\n")[2]
    if answer.code or not name:
        raise RequestError(answer.problem)
    return RunFolder(home.runs / name)


def same_again(run: RunFolder, seed: int, knobs: list[Knob]) -> list[str]:
    """The flags of a run with the same recipe and knobs, and other weights."""
    turned = [part for knob in knobs for part in ("--set", f"{knob.field.key}={knob.wanted!r}")]
    return ["--recipe", str(run.recipe), *turned, "--seed", str(seed + 1)]


async def make_map(home: Home, wanted: str) -> CodebookMap:
    """The map of a run or model.

    Raises:
        RequestError: there is none, and why.
    """
    answer = await call(home, "map", "--json", "--", wanted)
    try:
        return decode_map(answer.document)
    except MalformedError:
        raise RequestError(answer.problem) from None
