"""Sources of maps: runs on images, with a live map; other runs and models, whose maps a process makes."""

from pathlib import Path

from distill_tui.data.images.dataset import Pictures, find_pictures
from distill_tui.errors import DistillError, RequestError
from distill_tui.foreign import MalformedError
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.presets import EXPLORE, layered
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import service
from distill_tui.runs.codebook_map import CodebookMap, decode_map, read_map
from distill_tui.runs.control import request_checkpoint
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.settings import read_settings
from distill_tui.text import decode_path, printable
from distill_tui.ui.screens.explorer.head import Parts, about_map
from distill_tui.ui.services.control_writer import PATIENCE
from distill_tui.ui.services.programs import Progress, call


class Source:
    """A run or model that is shown, with its map as soon as there is one."""

    placeholder = ""
    """Stands where the map will be."""

    def __init__(self, title: str, found: CodebookMap | None = None) -> None:
        self.title, self.map = title, found

    @property
    def head(self) -> Parts:
        """A description of the map, for the head."""
        return [] if self.map is None else about_map(self.map, self.title, is_training=False)

    @property
    def has_codes(self) -> bool:
        """True if there is a map with codes."""
        return self.map is not None and bool(self.map.levels)

    @property
    def has_images(self) -> bool:
        """True if there are, or will be, images with their reconstructions."""
        return self.map is not None and bool(self.map.inputs)


class ModelSource(Source):
    """A model, by its `name` for the command `map`."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__(title)
        self.name = name


class ImageRun(Source):
    """A run on images: its worker replaces the run's map as it trains."""

    placeholder = "no map yet"
    has_images = True

    def __init__(self, run: RunFolder) -> None:
        super().__init__("")
        self.run = run
        found = pictures_of(run)
        self.note = "" if found is None else found.note or f"pictures of {printable(found.name)}"
        self._read: tuple[int, int] | None = None

    @property
    def has_newer_map(self) -> bool:
        """True if the worker has replaced the map since it was read."""
        stamp = self._stamp()
        return stamp is not None and stamp != self._read

    def read_map(self) -> None:
        """Read the map if it was replaced; a damaged one is ignored."""
        if self.has_newer_map:
            self._read = self._stamp()
            self.map = read_map(self.run.map) or self.map

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self.run.map.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


class SoundRun(Source):
    """A run on sounds: its map is made from its newest checkpoint. `mapped` is the checkpoint of the present map."""

    def __init__(self, run: RunFolder, title: str) -> None:
        super().__init__(title)
        self.run, self.name = run, run.id
        self.newest = ""
        self.mapped: str | None = None
        self.is_alive = self.has_asked = False
        self.look()

    @property
    def placeholder(self) -> str:  # type: ignore[override]
        waits = self.is_alive and not self.newest
        return "it was asked for a checkpoint, of which its map is made" if waits else "the sounds go through the model"

    @property
    def head(self) -> Parts:
        if self.map is None:
            return [(f"waiting for a checkpoint of {self.title} …", "accent")]
        return about_map(self.map, self.title, self.is_alive)

    def look(self) -> None:
        """Update whether its worker lives, and the name of its newest checkpoint: '' before the first."""
        self.is_alive = self.run.is_alive()
        # sorted by name: all steps have the same number of digits
        self.newest = max((path.name for path in self.run.checkpoints.glob("step-*.ckpt")), default="")

    @property
    def needs_map(self) -> bool:
        """True if the map is older than the newest checkpoint; for a run that ended without one, making it says so."""
        return self.newest != self.mapped and (bool(self.newest) or not self.is_alive)

    def ask(self) -> int:
        """Ask the run for a checkpoint, as the key on the Training screen does; its number.

        Raises:
            DistillError: its control file is damaged or cannot be written.
        """
        return request_checkpoint(self.run.control, PATIENCE)


def newest(home: Home) -> RunFolder | None:
    """Return the newest run on images; one that trains now comes before all others."""
    runs = [run for run in list_runs(home) if run.task == "images"]
    return next((run for run in runs if run.is_alive()), next(iter(runs), None))


def pictures_of(run: RunFolder) -> Pictures | None:
    """Return the manifest of a run's images; None if it cannot be read."""
    try:
        return Pictures.load(run.pictures)
    except DistillError:
        return None


def last_folder(home: Home) -> str:
    """Return the folder of images that was used last if it is still there, else ''."""
    for run in list_runs(home):
        found = pictures_of(run) if run.task == "images" else None
        if found is not None and found.path and Path(decode_path(found.path)).is_dir():
            return decode_path(found.path)
    return ""


def start_run(home: Home, folder: str = "") -> RunFolder:
    """Start an Explorer run on a folder of pictures; without one on that which was used last, or on figures.

    It reads all files once: call it in a thread.

    Raises:
        DistillError: the pictures cannot be used, or the run cannot be started.
    """
    recipe = layered({**read_settings(home).defaults, **EXPLORE})
    folder = folder or last_folder(home)
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


async def make_map(home: Home, name: str, progress: Progress) -> CodebookMap:
    """Make the map of a run or model; `progress` is called with sounds done and in all.

    Raises:
        RequestError: there is none; the message says why.
    """
    answer = await call(home, "map", "--json", "--progress", "--", name, progress=progress)
    try:
        return decode_map(answer.document)
    except MalformedError:
        raise RequestError(answer.problem) from None
