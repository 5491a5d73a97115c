"""Runs, from their creation to their end: the one way to create, start, resume and stop one."""

import math
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import msgspec

from distill_tui.data.cache_room import Plan, plan_room
from distill_tui.data.corpus import Corpus
from distill_tui.data.images.dataset import Pictures
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import PRIVATE, atomic_write, describe_os_error
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.interpreter import python
from distill_tui.library.pretrained import Start, codec_of, start_of
from distill_tui.machine import COMPUTING, Machine, this_machine
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.arithmetic import frame_rate
from distill_tui.recipe.devices import ONE, devices_of
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.pace import kind_of_device
from distill_tui.recipe.resolve import expectations, resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.control import Control, change_control, request_state
from distill_tui.runs.events import SettingChanged, SettingRejected
from distill_tui.runs.folder import RunFolder, make_run_folder
from distill_tui.runs.launcher import launched
from distill_tui.runs.paces import read_paces
from distill_tui.runs.quick_state import quick_state
from distill_tui.settings import read_settings
from distill_tui.text import encode_path


@dataclass(frozen=True)
class NewRun:
    """A run that has no worker yet.

    `recipe` is the resolved one, `expectations` are sentences on what to expect of it, `pretrained` is the model whose
    weights it starts from, and `room` what its decoded sounds will still take in the cache (None: unknown).
    """

    folder: RunFolder
    recipe: Recipe
    expectations: list[str]
    pretrained: Start | None = None
    room: Plan | None = None


def create_run(home: Home, recipe: Recipe, data: Corpus | Pictures, machine: Machine | None = None) -> NewRun:
    """Resolve and check a recipe, and make the run's folder, ready for a worker.

    A model that `train.start_from` names, or the codec that `prior.codec` names, is copied into the folder, and the
    recipe then names the copy: the run can be resumed and repeated after the model is gone. Detecting the machine, if
    none is given, can take a second.

    Raises:
        RequestError: no usable data, too little room for it, or an impossible recipe; nothing was written.
        DistillError: the folder cannot be written.
    """
    if recipe.train.max_price and not read_settings(home).price:
        raise RequestError(
            "train.max_price: the price of an hour of this machine is not known",
            f"Put it into {home.settings}, for example: machine.price = 2.49",
        )
    facts = data.facts()
    recipe = with_values(recipe, {"data.paths": data.paths})
    pretrained = start_of(home, recipe)
    if pretrained is not None:
        recipe = pretrained.take_shape(recipe)
    codec = None
    if recipe.task == "prior":
        codec = codec_of(home, recipe)
        recipe = for_prior(codec.take_shape(recipe), data, codec.card.name)
    place = launched()
    ranks = place.size if place is not None else 0
    recipe = resolve(recipe, facts, machine or this_machine(), read_paces(home), ranks)
    if pretrained is not None:
        pretrained.check_shape(recipe)
    room = plan_room(home, data.sounds, int(recipe.model.sample_rate)) if isinstance(data, Corpus) else None
    recipe.name = recipe.name or data.name
    run = make_run_folder(home, recipe.name)
    if pretrained is not None:
        _copy(pretrained.path, run.start)
        recipe.train.start_from = encode_path(run.start)
    if codec is not None:
        _copy(codec.path, run.codec)
        recipe.prior.codec, recipe.prior.codec_name = encode_path(run.codec), codec.card.name
    expected = expectations(recipe, facts)
    atomic_write(run.expectations, msgspec.json.encode(expected))
    data.save(run.pictures if recipe.task == "images" else run.sounds)
    # last: a folder is a run once it has a recipe
    toml.save(recipe, run.recipe)
    return NewRun(run, recipe, expected, pretrained, room)


def for_prior(recipe: Recipe, data: Corpus | Pictures, codec: str) -> Recipe:
    """The recipe of a prior with what follows from its sounds: labels, and its name after that of its codec.

    Raises:
        RequestError: no sound is as long as a latent frame.
    """
    if not isinstance(data, Corpus):
        return recipe
    longest, frame = max(sound.seconds for sound in data.sounds), 1 / frame_rate(recipe)
    if longest < frame:
        raise RequestError(
            f"no sound is as long as a latent frame of the codec ({1000 * frame:.0f} ms): there is nothing to learn"
        )
    return with_values(recipe, {"prior.labels": data.labels, "name": recipe.name or f"{codec}-gen"})


def read_expectations(run: RunFolder) -> list[str]:
    """What to expect of a run, as worked out when it was created; [] for runs of early releases."""
    try:
        return decode(read_bytes(run.expectations, SMALL_FILE), list[str])
    except (OSError, MalformedError):
        return []


def start_worker(home: Home, run: RunFolder) -> subprocess.Popen[bytes]:
    """Start a run's worker in a session of its own, so that it outlives the caller and its terminal.

    One of several processes that a launcher started ends with the caller: the launcher may start all of them again.

    Raises:
        RequestError: a worker trains this run already, or this is another process of a launcher than its first.
        DistillError: the worker's log cannot be written.
    """
    refuse_alive(run)
    place = launched()
    is_launched = place is not None
    if place is not None and place.rank > 0:
        raise RequestError(
            f"this is process {place.rank + 1} of {place.size} of a launcher (RANK, WORLD_SIZE): "
            "only train, train-prior and resume train with several",
            "Start it once, without the launcher.",
        )
    try:
        # without O_NONBLOCK, opening a pipe in its place would block
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        with os.fdopen(os.open(run.worker_log, flags, PRIVATE), "ab") as log:
            return subprocess.Popen(
                python(
                    "-m",
                    "distill_tui.engine.worker",
                    *(["--with-parent"] if is_launched else []),
                    "--home",
                    str(home.root),
                    str(run.path),
                ),
                stdin=subprocess.PIPE if is_launched else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**COMPUTING, **os.environ},
                start_new_session=True,
                close_fds=True,
            )
    except OSError as error:
        raise DistillError(*describe_os_error(error, run.worker_log)) from error


def resume_run(
    home: Home, run: RunFolder, devices: str | None = None, max_price: float | None = None
) -> subprocess.Popen[bytes]:
    """Start the worker of a run that was stopped, failed or crashed; it goes on from the newest good checkpoint.

    It waits for the disk and for the lock of the control file: call it in a thread where keys wait.

    Args:
        devices: `train.devices` from here on; None leaves it as it is.
        max_price: `train.max_price` from here on; None leaves it as it is.

    Raises:
        RequestError: a worker trains this run already, it has finished, or this machine has not the devices.
        DistillError: its control file or the worker's log cannot be written.
    """
    refuse_alive(run)
    state = quick_state(run)
    if state.state == "finished":
        model = f" as '{state.model.name}'" if state.model else ""
        raise RequestError(
            f"run {run.id} has finished; its model is in the library{model}",
            f"Train anew with its recipe: distill-tui train --recipe {shlex.quote(str(run.recipe))}",
        )

    if devices is not None:
        _change_devices(run, devices)

    def change(control: Control) -> None:
        control.wanted = "running"
        if max_price is not None:
            control.knobs["train.max_price"] = max_price
        drop_rejected(control, state.last_answers.values())

    change_control(run.control, change)
    return start_worker(home, run)


def _change_devices(run: RunFolder, devices: str) -> None:
    """Write other devices into a run's recipe: the training is the same on any number of them, within rounding.

    Raises:
        RequestError: this machine has not got them.
    """
    recipe = toml.load(run.recipe)
    values = {"train.devices": devices}
    if devices not in ONE:
        values["train.device"] = kind_of_device(recipe.train.device)
    recipe = with_values(recipe, values)
    if problem := devices_of(recipe, this_machine())[1]:
        raise RequestError(problem)
    toml.save(recipe, run.recipe)


def become_rank() -> NoReturn:
    """Go on, as this process, as a rank other than 0 of the training that rank 0 of the launcher leads."""
    command = python("-m", "distill_tui.engine.rank")
    os.execve(command[0], command, {**COMPUTING, **os.environ})  # noqa: S606


def dismiss_ranks() -> None:
    """Tell the other processes of a launcher that there is nothing to train."""
    subprocess.run(python("-m", "distill_tui.engine.rank"), env={**COMPUTING, **os.environ}, check=False)


def stop_run(run: RunFolder) -> None:
    """Ask a run's worker to stop with a checkpoint, without waiting until it has.

    Raises:
        DistillError: its control file is damaged or cannot be written.
    """
    request_state(run.control, "stopped")


def drop_rejected(control: Control, answers: Iterable[SettingChanged | SettingRejected]) -> None:
    """Drop settings that the last worker rejected, so that the next one does not apply them unasked.

    `answers` are the last worker's last answer for each setting. A value requested since then stays.
    """
    for answer in answers:
        if isinstance(answer, SettingRejected) and control.knobs.get(answer.key, math.nan) == answer.value:
            del control.knobs[answer.key]


def refuse_alive(run: RunFolder) -> None:
    """Raise a RequestError if a worker trains the run now."""
    if run.is_alive():
        raise RequestError(
            f"run {run.id} is already being trained by process {run.worker_pid()}",
            f"Watch it with: distill-tui watch {shlex.quote(run.id)}",
        )


def _copy(source: Path, target: Path) -> None:
    try:
        with source.open("rb") as file:
            atomic_write(target, lambda copy: shutil.copyfileobj(file, copy, 1 << 20))
    except OSError as error:
        raise DistillError(*describe_os_error(error, target)) from error
