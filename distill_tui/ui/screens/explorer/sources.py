"""Sources of the Explorer: runs of pictures, and maps of other runs and models, made in processes beside the app."""

from pathlib import Path

from distill_tui.data.corpus import decode_path
from distill_tui.data.images.dataset import Pictures, find_pictures
from distill_tui.errors import DistillError, RequestError
from distill_tui.foreign import MalformedError
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.presets import EXPLORE, layered
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import service
from distill_tui.runs.codebook_map import CodebookMap, decode_map
from distill_tui.runs.control import request_checkpoint
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.settings import read_settings
from distill_tui.ui.services.control_writer import PATIENCE
from distill_tui.ui.services.programs import call


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

    def ask(self) -> int:
        """Ask it for a checkpoint, as the key on the Training screen does; its number.

        Raises:
            DistillError: its control file is damaged or cannot be written.
        """
        self.has_asked = True

        return request_checkpoint(self.run.control, PATIENCE)


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


def start_run(home: Home) -> RunFolder:
    """Start an Explorer run on the folder of pictures that was used last, or on figures where there is none.

    It reads all files once: call it in a thread.

    Raises:
        DistillError: the pictures cannot be used, or the run cannot be started.
    """
    recipe = layered({**read_settings(home).defaults, **EXPLORE})
    folder = last_folder(home)
    pictures = find_pictures(Path(folder) if folder else None, recipe.data.validation_fraction)
    return _start(home, recipe, pictures)


def start_again(home: Home, run: RunFolder, settings: dict[str, float]) -> RunFolder:
    """Start a run on the same pictures, with the same recipe but these live settings, and other weights.

    Raises:
        DistillError: what is known of the run is damaged, or the new one cannot be started.
    """
    recipe = toml.load(run.recipe)
    values = {**settings, "train.seed": recipe.train.seed + 1}
    return _start(home, with_values(recipe, values), Pictures.load(run.pictures))


def _start(home: Home, recipe: Recipe, pictures: Pictures) -> RunFolder:
    run = service.create_run(home, recipe, pictures).folder
    service.start_worker(home, run)
    return run


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
