"""Small runs for engine tests: real sounds, real folders, a tiny net, in this process."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill_tui.data.scan import scan
from distill_tui.engine import worker
from distill_tui.engine.signals import Signals
from distill_tui.engine.tasks import task_of
from distill_tui.engine.tasks.codec import CodecTask
from distill_tui.engine.training.trainer import Trainer
from distill_tui.machine import Gpu, Machine
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.events import Event
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter, read_events
from distill_tui.runs.service import create_run

RATE = 8000
TINY: dict[str, Any] = {
    "model.channels": 16,
    "model.encoder_blocks": 1,
    "model.decoder_blocks": 1,
    "model.latent_dim": 8,
    "model.codebook_size": 8,
    "model.rvq_levels": 2,
    "data.crop_seconds": 0.25,
    "train.batch_size": 4,
    "train.steps_per_epoch": 4,
    "train.epochs": 4,
    "train.preview_every": 0,
    "train.previews": 1,
    "train.device": "cpu",
    "train.precision": "float32",
}


def tones(folder: Path, count: int = 5, seconds: float = 0.5, rate: int = RATE) -> Path:
    """Decaying tones of different pitch as WAV files."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(seconds * rate)) / rate
    for number in range(count):
        wave = 0.5 * np.exp(-3 * time) * np.sin(2 * np.pi * (200 + 130 * number) * time)
        soundfile.write(folder / f"tone-{number}.wav", wave, rate)
    return folder


def make_run(home: Home, folder: Path, **values: Any) -> RunFolder:
    """A run on the sounds in `folder`, with the tiny recipe changed by `values` (`train__epochs=2`)."""
    chosen = TINY | {key.replace("__", "."): value for key, value in values.items()}
    recipe = with_values(Recipe(), chosen)
    # what a recipe names must be there; tests bring a stand-in for it
    machine = Machine(cores=2, gpus=(Gpu(0, "stand-in", 2**34),), has_mps=True)
    return create_run(home, recipe, scan([folder], 0.2, home), machine).folder


def make_trainer(home: Home, run: RunFolder, device: str = "cpu") -> Trainer:
    """The trainer of a run, as its worker makes it."""
    torch.set_num_threads(1)
    recipe, where = toml.load(run.recipe), torch.device(device)
    kind = task_of(recipe)
    task = kind.from_data(home, kind.load_data(run), recipe, where)
    return Trainer(run, recipe, task, where, torch.float32, LogWriter(run.events))


def codec_of(trainer: Trainer) -> CodecTask:
    """The task of a trainer of sounds."""
    assert isinstance(trainer.task, CodecTask)
    return trainer.task


def events_of(run: RunFolder, kind: type[Event]) -> list[Any]:
    """The events of one type in a run's log."""
    return [event for event in read_events(run.events) if isinstance(event, kind)]


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {**trainer.net.state_dict(), **{f"ema.{k}": v for k, v in trainer.ema_net.state_dict().items()}}


class EndedWorker:
    """A worker's process that has ended, as who starts one sees it."""

    def __init__(self, code: int) -> None:
        self.pid, self.code = os.getpid(), code

    def poll(self) -> int:
        return self.code

    def wait(self, _timeout: float = 0.0) -> int:
        return self.code


def start_here(home: Home, run: RunFolder) -> EndedWorker:
    """In place of `service.start_worker`, where no process of its own is tested: seconds less, as torch is there."""
    return EndedWorker(train_here(home, run))


def train_here(home: Home, run: RunFolder) -> int:
    """Do in this process what a run's worker does, from its first event to its last; the exit code."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with run.hold() as held:
            return worker.work(home, held, Signals())
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
