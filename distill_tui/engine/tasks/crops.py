"""Batches of a codec: crops of sounds, augmented as tensors where the net is.

Every random number of a step follows from the run's seed and the step's number, so neither an order of the data nor a
random state has to be saved: a resumed run gets the batches of one that never stopped.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from distill_tui.engine.tasks.balance import shares_of
from distill_tui.engine.tasks.waves import Waves
from distill_tui.engine.training.seeds import generator
from distill_tui.recipe.schema import Recipe


class Batches:
    """The batches of a run: `batch(step)` is the same whenever it is asked for."""

    def __init__(self, waves: Waves, recipe: Recipe, length: int, seed: int, folders: Sequence[str] = ()) -> None:
        """`folders` are those of the files, for `data.balance`."""
        self._waves, self._length, self._seed = waves, length, seed
        self._size = int(recipe.train.batch_size)
        self._steps = int(recipe.train.steps_per_epoch)
        self._data = data = recipe.data
        # a crop that is sped up needs more sound than it gives, and the interpolation a sample to each side
        self._source = math.ceil(length * (1 + data.random_speed)) + 3 if data.random_speed else length
        self._ends = shares_of(data.balance, waves.lengths, self._source, folders).cumsum(0)
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def _order_of(self, epoch: int) -> Tensor:
        """The positions of an epoch's crops, drawn once an epoch: 0.1 s for 1,000 hours, under 1 us a step.

        A keyed bijection would draw each step's positions by themselves, and change the batches of every earlier seed.
        """
        if self._order[0] != epoch:
            slots = self._steps * self._size
            self._order = epoch, torch.randperm(slots, generator=generator(self._seed, 1, epoch))
        return self._order[1]

    def batch(self, step: int) -> Tensor:
        """Augmented crops [batch, length] for a step, counted from 0.

        Within an epoch their positions are spread evenly over all sound: each file is heard.
        """
        files, starts, random = self._choose(step)
        crops = self._waves.crop(files, starts, self._source)
        self._waves.expect(lambda: self._choose(step + 1)[:2], self._source)
        return self._augment(crops, random)

    def _choose(self, step: int) -> tuple[Tensor, Tensor, torch.Generator]:
        """The files and starts of a step's crops, and the random numbers that come after them."""
        epoch, index = divmod(step, self._steps)
        random = generator(self._seed, 2, step)
        slots = self._order_of(epoch)[index * self._size : (index + 1) * self._size].double()
        position = (slots + torch.rand(self._size, generator=random, dtype=torch.float64)) / (self._steps * self._size)
        files = torch.searchsorted(self._ends, position).clamp(max=len(self._ends) - 1)
        spare = self._waves.lengths[files] - self._source
        starts = (
            torch.rand(self._size, generator=random, dtype=torch.float64) * (spare.abs() + 1)
        ).long() * spare.sign()
        return files, starts, random

    def _augment(self, crops: Tensor, random: torch.Generator) -> Tensor:
        """Change the speed, the gain and the polarity of crops at random, and mix some with the next one."""
        data, device = self._data, crops.device
        if data.random_speed:
            factors = 1 + data.random_speed * (torch.rand(self._size, 1, generator=random) * 2 - 1)
            crops = speed_perturb(crops, factors.to(device, non_blocking=True), self._length)
        gains = 10 ** ((torch.rand(2, self._size, 1, generator=random) * 2 - 1) * data.random_gain_db / 20)
        if data.random_polarity:
            gains *= torch.randint(0, 2, gains.shape, generator=random) * 2 - 1
        gains[1] *= torch.rand(self._size, 1, generator=random) < data.mix_probability
        gains = gains.to(device, non_blocking=True)
        augmented: Tensor = crops * gains[0]
        return augmented + crops.roll(1, 0) * gains[1] if data.mix_probability else augmented


def speed_perturb(crops: Tensor, factors: Tensor, length: int) -> Tensor:
    """Crops [batch, samples] at `factors` [batch, 1] times their speed, the first `length` samples of them.

    Interpolates by cubic Hermite splines (Catmull and Rom 1974); their slight loss at the highest frequencies does not
    matter where the result is both input and target.
    """
    positions = torch.arange(length, device=crops.device) * factors + 1
    first = positions.long().clamp(1, crops.shape[1] - 3)
    t = positions - first
    a, b, c, d = (crops.gather(1, first + shift) for shift in (-1, 0, 1, 2))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
