"""Starting a run: its folder is made complete, then a worker process of its own session trains it."""

import math
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from distill_tui.data.corpus import Corpus, encode_path
from distill_tui.data.images.dataset import Pictures
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import PRIVATE, atomic_write, describe_os_error
from distill_tui.interpreter import python
from distill_tui.machine import COMPUTING, Machine
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.resolve import resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.control import Control, change_control
from distill_tui.runs.events import SettingRejected
from distill_tui.runs.folder import RunFolder, make_run_folder
from distill_tui.runs.quick_state import brief


class Start(Protocol):
    """The model that a run starts from: what `library.pretrained.start_of` finds."""

    @property
    def path(self) -> Path:
        """Its file."""
        ...

    def check_shape(self, recipe: Recipe) -> None:
        """Refuse a recipe whose net cannot take its weights."""
        ...


def create_run(
    home: Home, recipe: Recipe, data: Corpus | Pictures, machine: Machine, start: Start | None = None
) -> RunFolder:
    """Resolve the recipe and make the run's folder, ready for a worker.

    `start` is the model that `train.start_from` of the recipe names. The run keeps a copy of it, which the recipe then
    names: it can be resumed and repeated whatever becomes of the model.

    Raises:
        RequestError: no usable data, or a recipe that cannot be; nothing was written.
        DistillError: the folder cannot be written.
    """
    assert (start is None) == (not recipe.train.start_from)
    recipe = resolve(with_values(recipe, {"data.paths": data.paths}), data.facts(), machine)
    if start is not None:
        start.check_shape(recipe)
    if not recipe.name:
        recipe.name = data.name if isinstance(data, Pictures) else default_name(data)
    run = make_run_folder(home, recipe.name)
    if start is not None:
        try:
            with start.path.open("rb") as file:
                atomic_write(run.start, lambda copy: shutil.copyfileobj(file, copy, 1 << 20))
        except OSError as error:
            raise DistillError(*describe_os_error(error, run.start)) from error
        recipe.train.start_from = encode_path(run.start)
    data.save(run.pictures if isinstance(data, Pictures) else run.sounds)
    toml.save(recipe, run.recipe)
    return run


def default_name(corpus: Corpus) -> str:
    """The name of the folder or file that was given first."""
    first = Path(corpus.paths[0] if corpus.paths else "sounds")
    return (first.stem if first.is_file() else first.name) or "sounds"


def start_worker(home: Home, run: RunFolder) -> subprocess.Popen[bytes]:
    """Start the worker of a new or interrupted run, in a session of its own: it outlives the caller and its terminal.

    Raises:
        RequestError: a worker trains this run already.
        DistillError: its log or what is wanted of it cannot be written.
    """
    refuse_alive(run)
    forget_refused(run)
    try:
        # a pipe in its place would be waited for
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        with os.fdopen(os.open(run.worker_log, flags, PRIVATE), "ab") as log:
            return subprocess.Popen(
                python("-m", "distill_tui.engine.worker", "--home", str(home.root), str(run.path)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**COMPUTING, **os.environ},
                start_new_session=True,
                close_fds=True,
            )
    except OSError as error:
        raise DistillError(*describe_os_error(error, run.worker_log)) from error


def refuse_alive(run: RunFolder) -> None:
    """Make sure that no worker trains the run now.

    Raises:
        RequestError: one does.
    """
    if run.is_alive():
        raise RequestError(
            f"run {run.id} is already being trained by process {run.worker_pid()}",
            f"Watch it with: distill-tui watch {shlex.quote(run.id)}",
        )


def forget_refused(run: RunFolder) -> None:
    """Take back the wishes that the last worker refused: the next one, to which the same may look possible, would else
    grant them unasked."""
    if not run.control.exists():
        return
    last = brief(run).last_answers
    refused = {key: answer.value for key, answer in last.items() if isinstance(answer, SettingRejected)}

    def forget(control: Control) -> None:
        for key, value in refused.items():
            # another wish that came later has not been answered
            if control.knobs.get(key, math.nan) == value:
                del control.knobs[key]

    if refused:
        change_control(run.control, forget)
