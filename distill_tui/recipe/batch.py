"""The batch of a recipe that names none: by the device, its memory, the sound and the budget."""

import math

from distill_tui.machine import Machine
from distill_tui.recipe.fields import get, with_values
from distill_tui.recipe.pace import kind_of_device
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.size import batch_bytes, training_bytes

CROPS = {"cuda": 32, "mps": 16}
"""Crops a step, 8 on a CPU: there the time of a step follows its size, and more and smaller steps learn more in it."""
SMALLEST = 8
LARGE = 64
"""Crops a step of a long training on a GPU, as EnCodec has them (Défossez et al. 2022). On an H100 a captured step took
3 ms and 0.06 ms for each crop: 64 of them take 1.3 times as long as 32, and from there on time follows the size."""
LONG_MINUTES, LONG_STEPS = 10.0, 20_000
"""A training this long, in steps of LARGE crops, has more steps than it needs."""
MUCH_SOUND = 25
"""Steps of LARGE crops that the sound is enough for, at least: with less of it a large batch hears it all at once."""
MEMORY_SHARE = 0.5
"""Share of a GPU's free memory that a step may take by estimate."""


def choose_batch(recipe: Recipe, seconds: float, machine: Machine) -> tuple[int, str]:
    """The automatic batch size of a recipe whose device, frames and crops are resolved, and why ('' if it is usual).

    Args:
        seconds: of training sound.
    """
    kind = kind_of_device(str(recipe.train.device))
    usual = CROPS.get(kind, SMALLEST)
    if kind != "cuda":
        return usual, ""
    chosen, why = usual, ""
    if _is_long(recipe, seconds) and seconds >= MUCH_SOUND * LARGE * float(recipe.data.crop_seconds):
        chosen, why = LARGE, "a GPU, a long training, and sound enough for large batches"
    fits = _fitting(recipe, chosen, _free_memory(recipe, machine))
    return (chosen, why) if fits == chosen else (fits, "as much as half of the GPU's free memory holds")


def _is_long(recipe: Recipe, seconds: float) -> bool:
    if recipe.train.minutes:
        return recipe.train.minutes >= LONG_MINUTES
    a_pass = seconds / (LARGE * float(recipe.data.crop_seconds))
    each = a_pass if recipe.train.steps_per_epoch == "auto" else int(recipe.train.steps_per_epoch)
    return recipe.train.epochs * each >= LONG_STEPS


def _free_memory(recipe: Recipe, machine: Machine) -> float:
    """Bytes that the recipe's GPU has free, or infinity if nobody knows."""
    number = str(recipe.train.device).partition(":")[2] or "0"
    of_device = (gpu for gpu in machine.gpus if str(gpu.index) == number)
    return next((float(gpu.free or gpu.memory) for gpu in of_device), math.inf)


def _fitting(recipe: Recipe, batch: int, free: float) -> int:
    """The batch, halved until a step of it fits, 8 crops at least; with the largest net where its size is open."""
    sizes = {"model.channels": 512, "model.encoder_blocks": 4, "model.decoder_blocks": 6}
    open_ones = {key: value for key, value in sizes.items() if _is_open(recipe, key)}
    while batch > SMALLEST:
        tried = with_values(recipe, open_ones | {"train.batch_size": batch})
        if training_bytes(tried) + batch_bytes(tried) <= MEMORY_SHARE * free:
            break
        batch //= 2
    return batch


def _is_open(recipe: Recipe, key: str) -> bool:
    return bool(get(recipe, key) == "auto")
