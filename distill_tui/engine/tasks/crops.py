"""Batches of a codec: crops of sounds, augmented as tensors where the net is.

Every random number of a step follows from the run's seed and the step's number, so neither an order of the data nor a
random state has to be saved: a resumed run gets the batches of one that never stopped.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from distill_tui.engine.tasks.balance import shares_of
from distill_tui.engine.tasks.waves import InMemoryWaves, Waves
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
        batch = self.cut(self.draws(step))
        self._waves.expect(lambda: self._choose(step + 1)[:2], self._source)
        return batch

    @property
    def holds_sound(self) -> bool:
        """Whether all sound lies in the device's memory: then `cut` takes draws that lie there too."""
        return isinstance(self._waves, InMemoryWaves)

    def draws(self, step: int) -> dict[str, Tensor]:
        """What the batch of a step is made by, on the CPU.

        Files and their first samples [batch], speed factors [batch, 1] if there are any, and gains of crops and of what
        is mixed in [2, batch, 1].
        """
        files, starts, random = self._choose(step)
        return {"files": files, "starts": starts} | self._draw_changes(random)

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

    def _draw_changes(self, random: torch.Generator) -> dict[str, Tensor]:
        """Draw speeds, gains and polarities of crops, and which of them are mixed with the next one."""
        data, changes = self._data, dict[str, Tensor]()
        if data.random_speed:
            changes["factors"] = 1 + data.random_speed * (torch.rand(self._size, 1, generator=random) * 2 - 1)
        gains = 10 ** ((torch.rand(2, self._size, 1, generator=random) * 2 - 1) * data.random_gain_db / 20)
        if data.random_polarity:
            gains *= torch.randint(0, 2, gains.shape, generator=random) * 2 - 1
        gains[1] *= torch.rand(self._size, 1, generator=random) < data.mix_probability
        return changes | {"gains": gains}

    def cut(self, draws: Mapping[str, Tensor]) -> Tensor:
        """The batch of what was drawn for it; of tensors on the device nothing is asked there."""
        crops = self._waves.crop(draws["files"], draws["starts"], self._source)
        if "factors" in draws:
            crops = speed_perturb(crops, draws["factors"].to(crops.device, non_blocking=True), self._length)
        gains = draws["gains"].to(crops.device, non_blocking=True)
        cut: Tensor = crops * gains[0]
        return cut + crops.roll(1, 0) * gains[1] if self._data.mix_probability else cut


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
