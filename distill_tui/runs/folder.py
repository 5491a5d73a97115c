"""A run's folder: where its files are, and whether its worker lives."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import PRIVATE, PRIVATE_FOLDER, clean_name, make_folder, unused_name
from distill_tui.paths import Home


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
        """What the codebooks look like now: see `runs.codemap`."""
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
        try:
            handle = os.open(self.lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    def worker_pid(self) -> int | None:
        """The pid that the last worker wrote into its lock."""
        # here and below, as the app's first screen waits for this module and not for json
        import json

        try:
            return int(json.loads(self.lock.read_bytes())["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @contextlib.contextmanager
    def hold(self, patience: float = 2.0) -> Iterator[None]:
        """Be this run's worker: hold its lock, with pid and start time in it for people to read.

        Raises:
            RequestError: another worker holds it.
        """
        import json
        import shlex

        handle = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        try:
            deadline = time.monotonic() + patience
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    # a viewer that looks whether the worker lives holds the lock for a moment
                    if time.monotonic() > deadline:
                        raise RequestError(
                            f"run {self.id} is already being trained by process {self.worker_pid()}",
                            f"Watch it with: distill-tui watch {shlex.quote(self.id)}",
                        ) from None
                    time.sleep(0.02)
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps({"pid": os.getpid(), "started": time.time()}).encode(), 0)
            yield
        finally:
            os.close(handle)


def list_runs(home: Home) -> list[RunFolder]:
    """All runs, the newest first."""
    try:
        found = [RunFolder(p) for p in home.runs.iterdir() if (p / "recipe.toml").is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=lambda run: run.id, reverse=True)


def find_run(home: Home, wanted: str | None) -> RunFolder:
    """The run that a person means: its id, the name in it (the newest of that name), a unique beginning, or its folder.

    None means the newest active run, or else the newest of all.

    Raises:
        RequestError: there is none.
    """
    runs = list_runs(home)
    if wanted is None:
        if not runs:
            raise RequestError("no runs yet", "Start one with: distill-tui train FOLDER")
        return next((run for run in runs if run.is_alive()), runs[0])
    for run in runs:
        if wanted == run.id:
            return run
    if os.sep in wanted:
        # a path, and no name: one that is not there must not be taken for the run that its cleaned name is
        given = Path(wanted).expanduser()
        if (given / "recipe.toml").is_file():
            return RunFolder(given.absolute())
        raise RequestError(f"no run in the folder '{wanted}'", "List them with: distill-tui runs")
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
            f"cannot make a run's folder in {home.runs}: {(error.strerror or str(error)).lower()}",
            "Choose another home with --home.",
        ) from error
