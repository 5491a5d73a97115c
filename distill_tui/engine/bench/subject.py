"""The trainer that is measured: the real one, on sound made for it."""

import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill_tui.data.decode_cache import Wave
from distill_tui.engine.device import choose_device, choose_precision, make_deterministic
from distill_tui.engine.tasks.codec import CodecTask
from distill_tui.engine.training.trainer import Trainer
from distill_tui.machine import Machine
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.presets import PRESETS
from distill_tui.recipe.resolve import DataFacts, resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter

RATE = 22050
SETTINGS: dict[str, Any] = {
    # one net on all machines, so that they can be compared
    "model.channels": 384,
    "model.encoder_blocks": 4,
    "model.decoder_blocks": 6,
    # from the first step as in the longest part of a training, and never near its end, or an epoch's
    "train.quantizer_warmup_fraction": 0.0,
    "train.epochs": 1_000_000,
    "train.steps_per_epoch": 10_000,
    "train.minutes": 0.0,
    # every step through all levels, so that steps can be compared
    "train.quantizer_dropout": 0.0,
    # and through all windows of the loss
    "loss.scales": 5,
    "train.preview_every": 0,
    "train.checkpoint_minutes": 1440.0,
}
FIRST_STEP = 400_000
"""Past the first steps of a training, which may do some things more often."""


class Watch:
    """Time as (wall seconds, processor seconds of this process, all its threads), read once the device is done."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def now(self) -> np.ndarray:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        elif self._device.type == "mps":
            torch.mps.synchronize()
        return np.array([time.perf_counter(), time.process_time()])


def noises(seconds: float, rate: int = RATE, each: float = 1.0) -> list[np.ndarray]:
    """Sound in files of `each` seconds: bursts of noise that die away, the same every time."""
    random = np.random.default_rng(0)
    decay = 0.5 * np.exp(-np.arange(round(each * rate)) / rate * 4)
    return [
        (random.uniform(-1, 1, len(decay)) * decay).astype(np.float32) for _ in range(max(2, round(seconds / each)))
    ]


def make_trainer(
    folder: Path, waves: Sequence[Wave], machine: Machine, device: str = "auto", rate: int = RATE, **settings: Any
) -> Trainer:
    """A trainer of the balanced preset on these waves, each fifth held out.

    Args:
        folder: where its log is written.
        settings: of the recipe, with `__` for the dot.

    Raises:
        RequestError: a setting or the device cannot be.
    """
    training = [wave for number, wave in enumerate(waves) if number % 5]
    held_out = [wave for number, wave in enumerate(waves) if number % 5 == 0]
    chosen = PRESETS["balanced"] | SETTINGS | {key.replace("__", "."): value for key, value in settings.items()}
    lengths = sorted(len(wave) / rate for wave in waves)
    facts = DataFacts(
        files=len(waves),
        training_seconds=sum(map(len, training)) / rate,
        validation_seconds=sum(map(len, held_out)) / rate,
        median_seconds=lengths[len(lengths) // 2],
        seconds_by_rate={rate: sum(lengths)},
    )
    recipe = resolve(with_values(Recipe(), chosen | {"train.device": device}), facts, machine)
    return trainer_of(folder, recipe, training, held_out)


def trainer_of(folder: Path, recipe: Recipe, training: Sequence[Wave], held_out: Sequence[Wave]) -> Trainer:
    """A trainer of a resolved recipe of a codec on these waves; its log is written into `folder`."""
    where, _ = choose_device(recipe)
    if recipe.train.deterministic:
        make_deterministic(where)
    run = RunFolder(folder)
    task = CodecTask(recipe, training, held_out, where)
    trainer = Trainer(run, recipe, task, where, choose_precision(recipe, where), LogWriter(run.events))
    trainer.step = FIRST_STEP
    return trainer


def peak_memory(device: torch.device) -> float:
    """The most memory that was in use so far, in MiB: of the GPU, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    # Linux counts in KiB, macOS in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
