"""A run's folder: where its files are, and whether its worker lives."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import (
    ABANDONED,
    PRIVATE,
    PRIVATE_FOLDER,
    clean_name,
    describe_os_error,
    make_folder,
    printable,
    sweep_parts,
    unused_name,
)
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.paths import Home, expand

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class RunFolder:
    """One training on disk."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def sounds(self) -> Path:
        """The manifest of the sounds that it trains on, fixed at the start."""
        return self.path / "sounds.json"

    @property
    def pictures(self) -> Path:
        """The manifest of the pictures that an Explorer run trains on, in place of sounds."""
        return self.path / "pictures.json"

    @property
    def map(self) -> Path:
        """What the codebooks look like now: see `runs.codebook_map`."""
        return self.path / "map.json"

    @property
    def start(self) -> Path:
        """The model that it starts from, if it does not start from scratch: a copy of its own."""
        return self.path / "start.distill"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

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
        """Room on the disk that the worker keeps for its last word."""
        return self.path / "worker.reserve"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def previews(self) -> Path:
        return self.path / "previews"

    def is_alive(self) -> bool:
        """Whether a worker trains this run now.

        The worker holds a lock on `worker.lock` for as long as it lives. The system lets go of it however the process
        ends, so neither a reused pid, nor a reboot, nor a clock that jumps can make a dead worker look alive.
        """
        # a deleted lock file says nothing: its worker holds the folder still
        return _is_held(self.lock, os.O_RDWR) or _is_held(self.path, FOLDER)

    def worker_pid(self) -> int | None:
        """The pid that the last worker wrote into its lock."""
        with contextlib.suppress(OSError, MalformedError):
            return int(decode(read_bytes(self.lock, SMALL_FILE), dict[str, float]).get("pid", 0)) or None
        return None

    def why_lost(self) -> str:
        """Why this process, which holds the run, must not go on with it: '' as long as nothing is wrong."""
        return ""

    @contextlib.contextmanager
    def hold(self, patience: float = 2.0) -> Iterator["HeldRun"]:
        """Be this run's worker: hold its lock, with pid and start time in it for people to read.

        The folder itself is locked as well. A lock file that somebody deletes is no lock for whoever makes it anew, and
        two workers must never write into one run.

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
            yield HeldRun(self.path, handle, folder)

    def _lock(self, handle: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                # a viewer that looks whether the worker lives holds the lock for a moment
                if time.monotonic() > deadline:
                    raise RequestError(
                        f"run {self.id} is already being trained by process {self.worker_pid()}",
                        f"Watch it with: distill-tui watch {self.id}",
                    ) from None
                time.sleep(0.02)
            except OSError:
                # some network file systems lock no folders, and others nothing at all
                return


@dataclass(frozen=True)
class HeldRun(RunFolder):
    """A run that this process holds: by its lock, and by its folder."""

    _lock_handle: int
    _folder_handle: int

    def why_lost(self) -> str:
        for path, handle, what in ((self.path, self._folder_handle, "folder"), (self.lock, self._lock_handle, "lock")):
            if not is_same_file(path, handle):
                return f"the {what} of this run was moved, removed or replaced while it trained"
        return ""

    def sweep(self) -> None:
        """Delete what killed workers left half-written.

        Checkpoints and previews are written by workers only. Into the folder itself others may be writing now
        (`control.json`), so what lies there has to be old.
        """
        for folder in (self.checkpoints, self.previews, *self.previews.glob("*/")):
            sweep_parts(folder)
        sweep_parts(self.path, ABANDONED)


def is_same_file(path: Path, handle: int) -> bool:
    """Whether what is open as `handle` is still what `path` names."""
    try:
        named, opened = path.stat(), os.fstat(handle)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def _is_held(path: Path, flags: int) -> bool:
    """Whether somebody holds the lock of a file or folder; False where it is not there."""
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
    """All runs, the newest first; none where the folder cannot be read: see `check_runs`."""
    try:
        # `isfile` and not `is_file`, which fails where it may not look
        found = [RunFolder(p) for p in home.runs.iterdir() if os.path.isfile(p / "recipe.toml")]  # noqa: PTH113
    except (OSError, ValueError):
        return []
    return sorted(found, key=lambda run: run.id, reverse=True)


def check_runs(home: Home) -> None:
    """See that runs can be listed, or that there are none yet.

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


def find_run(home: Home, wanted: str | None) -> RunFolder:
    """The run that a person means: its id, the name in it (the newest of that name), a unique beginning, or its folder.

    None means the newest active run, or else the newest of all.

    Raises:
        RequestError: there is none.
    """
    runs = list_runs(home)
    if not runs:
        check_runs(home)
    if wanted is None:
        if not runs:
            raise RequestError("no runs yet", "Start one with: distill-tui train FOLDER")
        return next((run for run in runs if run.is_alive()), runs[0])
    for run in runs:
        if wanted == run.id:
            return run
    if os.sep in wanted:
        # a path is that folder and no other: `../cut` is not the run that is called `cut`
        given = expand(wanted).absolute()
        if os.path.isfile(given / "recipe.toml"):  # noqa: PTH113
            return RunFolder(given)
        raise RequestError(f"{printable(str(given))}: no run's folder", "List the runs with: distill-tui runs")
    name = clean_name(wanted, fallback="")
    by_name = [run for run in runs if name and run.id.split("-", 2)[-1] == name]
    if by_name:
        return by_name[0]
    starting = [run for run in runs if run.id.startswith(wanted)] if wanted else []
    if len(starting) == 1:
        return starting[0]
    if starting:
        raise RequestError(f"'{wanted}' is the beginning of {len(starting)} runs", "Give more of the id.")
    raise RequestError(f"no run '{wanted}'", "List them with: distill-tui runs")


def make_run_folder(home: Home, name: str) -> RunFolder:
    """A new, empty folder `runs/<date>-<time>-<name>`; a second one in the same second gets a number."""
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
