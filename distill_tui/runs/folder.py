"""A run's folder: its files, its locks, and how to find one."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import ABANDONED, PRIVATE, PRIVATE_FOLDER, describe_os_error, make_folder, sweep_parts
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.paths import Home, expand
from distill_tui.text import clean_name, printable, unused_name

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class RunFolder:
    """The files of one training."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def first_name(self) -> str:
        """Name that the run was created with: the end of its folder's."""
        return self.id.split("-", 2)[-1]

    @property
    def annotations(self) -> Path:
        """The name, note and tags that a person gave it since: see `runs.annotations`."""
        return self.path / "notes.json"

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def sounds(self) -> Path:
        """Manifest of the sounds that it trains on, fixed when it was created."""
        return self.path / "sounds.json"

    @property
    def pictures(self) -> Path:
        """Manifest of the pictures that an Explorer run trains on, in place of sounds."""
        return self.path / "pictures.json"

    @property
    def task(self) -> str:
        """The task of its recipe, told by its files, without reading the recipe."""
        if self.pictures.is_file():
            return "images"
        return "prior" if self.codec.is_file() else "codec"

    @property
    def expectations(self) -> Path:
        """Sentences on what to expect of the run, written when it was created."""
        return self.path / "expectations.json"

    @property
    def map(self) -> Path:
        """Newest map of the codebooks: see `runs.codebook_map`."""
        return self.path / "map.json"

    @property
    def start(self) -> Path:
        """Copy of the model that it starts from, unless it starts from scratch."""
        return self.path / "start.distill"

    @property
    def codec(self) -> Path:
        """Copy of the codec whose codes a prior learns."""
        return self.path / "codec.distill"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def summary(self) -> Path:
        """What a long log says up to a place in it: see `runs.summary`."""
        return self.path / "events.summary"

    @property
    def control(self) -> Path:
        return self.path / "control.json"

    @property
    def lock(self) -> Path:
        return self.path / "worker.lock"

    @property
    def worker_log(self) -> Path:
        return self.path / "worker.log"

    @property
    def reserve(self) -> Path:
        """Disk space that the worker reserves for its final event."""
        return self.path / "worker.reserve"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def previews(self) -> Path:
        return self.path / "previews"

    def is_alive(self) -> bool:
        """Check whether a worker trains this run now.

        The worker holds a lock on `worker.lock` for as long as it lives. The system releases it however the process
        ends, so neither a reused pid, nor a reboot, nor a clock that jumps can make a dead worker look alive.
        """
        # if the lock file was deleted, its worker still holds the folder
        return _is_held(self.lock, os.O_RDWR) or _is_held(self.path, FOLDER)

    def worker_pid(self) -> int | None:
        """Process id that the last worker wrote into its lock; None if there is none."""
        with contextlib.suppress(OSError, MalformedError):
            return int(decode(read_bytes(self.lock, SMALL_FILE), dict[str, float]).get("pid", 0)) or None
        return None

    def why_lost(self) -> str:
        """Reason why the process that holds this run must stop writing to it; '' as long as there is none."""
        return ""

    @contextlib.contextmanager
    def hold(self, patience: float = 2.0) -> Iterator["HeldRun"]:
        """Hold this run as its worker: lock its lock file, which gets pid and start time for people to read.

        The folder itself is locked as well: a lock file that somebody deletes does not lock out whoever creates it
        again, and two workers must never write into one run. `patience` is in seconds.

        Raises:
            RequestError: another worker holds it.
            DistillError: its lock cannot be opened.
        """
        deadline = time.monotonic() + patience
        with contextlib.ExitStack() as stack:
            try:
                folder = os.open(self.path, FOLDER)
                stack.callback(os.close, folder)
                handle = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
                stack.callback(os.close, handle)
            except OSError as error:
                raise DistillError(*describe_os_error(error, self.lock)) from error
            self._lock(handle, deadline)
            self._lock(folder, deadline)
            try:
                os.ftruncate(handle, 0)
                os.pwrite(handle, f'{{"pid": {os.getpid()}, "started": {time.time()}}}'.encode(), 0)
            except OSError as error:
                raise DistillError(*describe_os_error(error, self.lock)) from error
            stack.callback(_remove_remade, self.path, folder)
            yield HeldRun(self.path, handle, folder)

    def _lock(self, handle: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                # a viewer that checks whether the worker lives holds the lock for a moment
                if time.monotonic() > deadline:
                    raise RequestError(
                        f"run {self.id} is already being trained by process {self.worker_pid()}",
                        f"Watch it with: distill-tui watch {self.id}",
                    ) from None
                time.sleep(0.02)
            except OSError:
                # some network file systems cannot lock folders, and others nothing at all
                return


@dataclass(frozen=True)
class HeldRun(RunFolder):
    """A run whose lock and folder this process holds."""

    _lock_handle: int
    _folder_handle: int

    def why_lost(self) -> str:
        for path, handle, what in ((self.path, self._folder_handle, "folder"), (self.lock, self._lock_handle, "lock")):
            if not is_same_file(path, handle):
                return f"the {what} of this run was moved, removed or replaced while it trained"
        return ""

    def sweep(self) -> None:
        """Delete half-written files of killed workers.

        Only workers write checkpoints and previews. Other programs may be writing into the folder itself now
        (`control.json`), so only old files are deleted there.
        """
        for folder in (self.checkpoints, self.previews, *self.previews.glob("*/")):
            sweep_parts(folder)
        sweep_parts(self.path, ABANDONED)


def _remove_remade(path: Path, handle: int) -> None:
    """Remove a folder that a preview remade at `path` after the run, open as `handle`, was removed or moved."""
    with contextlib.suppress(OSError):
        if not is_same_file(path, handle) and [entry.name for entry in path.iterdir()] == ["previews"]:
            shutil.rmtree(path)


def is_same_file(path: Path, handle: int) -> bool:
    """Check that `path` still names the file or folder that is open as `handle`."""
    try:
        named, opened = path.stat(), os.fstat(handle)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def _is_held(path: Path, flags: int) -> bool:
    """Check whether somebody holds the lock of a file or folder; False if it is missing."""
    try:
        handle = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def list_runs(home: Home) -> list[RunFolder]:
    """All runs, newest first; none if their folder cannot be read: see `check_runs`."""
    try:
        # `is_file` raises where a folder cannot be searched
        runs = [RunFolder(p) for p in home.runs.iterdir() if os.path.isfile(p / "recipe.toml")]  # noqa: PTH113
    except (OSError, ValueError):
        return []
    return sorted(runs, key=lambda run: run.id, reverse=True)


def check_runs(home: Home) -> None:
    """Check that runs can be listed, or that there are none yet.

    Raises:
        DistillError: their folder cannot be read.
    """
    try:
        next(home.runs.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise DistillError(f"cannot read {printable(str(home.runs))}: {reason}", "Check its permissions.") from error


def find_run(home: Home, query: str | None) -> RunFolder:
    """Find a run by its id, its name (the newest of that name), a unique beginning of its id, or its folder.

    None finds the newest active run, or else the newest of all.

    Raises:
        RequestError: there is none.
    """
    runs = list_runs(home)
    if not runs:
        check_runs(home)
    if query is None:
        if not runs:
            raise RequestError("no runs yet", "Start one with: distill-tui train FOLDER")
        return next((run for run in runs if run.is_alive()), runs[0])
    for run in runs:
        if query == run.id:
            return run
    if os.sep in query:
        # a path means that very folder: `../cut` is not the run that is called `cut`
        given = expand(query).absolute()
        if os.path.isfile(given / "recipe.toml"):  # noqa: PTH113
            return RunFolder(given)
        raise RequestError(f"{printable(str(given))}: no run's folder", "List the runs with: distill-tui runs")
    name = clean_name(query, fallback="")
    named = next((run for run in runs if name and name in names_of(run)), None)
    if named is not None:
        return named
    starting = [run for run in runs if run.id.startswith(query)] if query else []
    if len(starting) == 1:
        return starting[0]
    if starting:
        raise RequestError(f"'{query}' is the beginning of {len(starting)} runs", "Give more of the id.")
    raise RequestError(f"no run '{query}'", "List them with: distill-tui runs")


def check_there(run: RunFolder) -> None:
    """Raise a RequestError if the run's folder was removed."""
    if not run.path.is_dir():
        raise RequestError(f"{printable(str(run.path))}: this run was removed", "List the runs with: distill-tui runs")


def names_of(run: RunFolder) -> tuple[str, str]:
    """What a run is called: the name that a person gave it, and the one that it was created with."""
    # the first screen does without msgspec
    from distill_tui.annotation import Annotation, read

    return read(run.annotations, Annotation).name, run.first_name


def make_run_folder(home: Home, name: str) -> RunFolder:
    """Create an empty folder `runs/<date>-<time>-<name>`; a second one in the same second gets a number."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        make_folder(home.runs)
        while True:
            path = home.runs / unused_name(f"{stamp}-{clean_name(name)}", lambda n: (home.runs / n).exists())
            with contextlib.suppress(FileExistsError):
                path.mkdir(PRIVATE_FOLDER)
                return RunFolder(path)
    except OSError as error:
        raise DistillError(
            f"cannot make a run's folder in {printable(str(home.runs))}: {(error.strerror or str(error)).lower()}",
            "Choose another home with --home.",
        ) from error
