"""Batches: pieces of sound, cut and augmented as tensors where the net is.

Every random number of a step follows from the run's seed and the step's number. So there is no order of data and no
random state to save: a resumed run goes on with the batch that a run never stopped would have had.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from distill_tui.data.decode_cache import Wave
from distill_tui.recipe.schema import Recipe

READ_SAMPLES = 1 << 24
"""Of a long sound so many are read at a time on their way into the device's memory."""


class Waves(Protocol):
    """Where pieces are cut from."""

    lengths: Tensor

    def cut(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        """Pieces [batch, length] of these files (indices) from these samples on; zeros outside a file."""


class InMemoryWaves:
    """All sound in one tensor in the device's memory."""

    def __init__(self, waves: Sequence[Wave], device: torch.device) -> None:
        self.lengths = torch.tensor([len(w) for w in waves])
        self._offsets = (self.lengths.cumsum(0) - self.lengths).to(device)
        self._lengths = self.lengths.to(device)
        self._wave = torch.empty(int(self.lengths.sum()), device=device)
        position = 0
        for wave in waves:
            for start in range(0, len(wave), READ_SAMPLES):
                samples = torch.from_numpy(wave[start : start + READ_SAMPLES])
                self._wave[position : position + len(samples)] = samples
                position += len(samples)

    def cut(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        device = self._wave.device
        if device.type == "cpu":
            # sixteen slices take a sixth of the time that an index a sample takes
            return self._slices(files.tolist(), starts.tolist(), length)
        files, starts = files.to(device, non_blocking=True), starts.to(device, non_blocking=True)
        places = starts[:, None] + torch.arange(length, device=device)
        inside = (places >= 0) & (places < self._lengths[files][:, None])
        places = (places + self._offsets[files][:, None]).clamp_(0, len(self._wave) - 1)
        return self._wave[places] * inside

    def _slices(self, files: list[int], starts: list[int], length: int) -> Tensor:
        pieces = torch.zeros(len(files), length)
        for row, (file, start) in enumerate(zip(files, starts, strict=True)):
            first, last = max(start, 0), min(start + length, int(self.lengths[file]))
            if first < last:
                offset = int(self._offsets[file])
                pieces[row, first - start : last - start] = self._wave[offset + first : offset + last]
        return pieces


class MemmapWaves:
    """Sound that is larger than the memory for it: pieces are read from the cache's files."""

    def __init__(self, waves: Sequence[Wave], device: torch.device) -> None:
        self.lengths = torch.tensor([len(w) for w in waves])
        self._waves, self._device = waves, device

    def cut(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        pieces = torch.zeros(len(files), length, pin_memory=self._device.type == "cuda")
        view = pieces.numpy()
        for row, (file, start) in enumerate(zip(files.tolist(), starts.tolist(), strict=True)):
            wave = self._waves[file]
            first, last = max(start, 0), min(start + length, len(wave))
            if first < last:
                view[row, first - start : last - start] = wave[first:last]
        return pieces.to(self._device, non_blocking=True)


def hold(waves: Sequence[Wave], device: torch.device) -> Waves:
    """The waves in the device's memory when they fit in half of what is free there, else read as they are needed."""
    size = sum(4 * len(w) for w in waves)
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
    else:
        import psutil

        free = psutil.virtual_memory().available
    return InMemoryWaves(waves, device) if size < free / 2 else MemmapWaves(waves, device)


class Batches:
    """The batches of a run: `batch(step)` is the same whenever it is asked for."""

    def __init__(self, waves: Waves, recipe: Recipe, length: int, seed: int) -> None:
        self._waves, self._length, self._seed = waves, length, seed
        self._size = int(recipe.train.batch_size)
        self._steps = int(recipe.train.steps_per_epoch)
        self._data = recipe.data
        # a piece that is played faster needs more sound than it gives, and the interpolation a sample to each side
        self._source = (
            length if not recipe.data.random_speed else math.ceil(length * (1 + recipe.data.random_speed)) + 3
        )
        # a short file fills a whole piece with the silence around it, so it is drawn as often as a piece of a long one
        shares = waves.lengths.clamp(min=self._source).double()
        self._ends = (shares / shares.sum()).cumsum(0)
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def _order_of(self, epoch: int) -> Tensor:
        """The places of an epoch's crops, drawn once an epoch: of 1,000 hours they take 0.1 s."""
        if self._order[0] != epoch:
            slots = self._steps * self._size
            self._order = epoch, torch.randperm(slots, generator=generator(self._seed, 1, epoch))
        return self._order[1]

    def batch(self, step: int) -> Tensor:
        """Pieces [batch, length] for the step (counted from 0), augmented.

        Within an epoch the places are spread evenly over all sound: each file is heard.
        """
        epoch, index = divmod(step, self._steps)
        random = generator(self._seed, 2, step)
        mine = self._order_of(epoch)[index * self._size : (index + 1) * self._size].double()
        place = (mine + torch.rand(self._size, generator=random, dtype=torch.float64)) / (self._steps * self._size)
        files = torch.searchsorted(self._ends, place).clamp(max=len(self._ends) - 1)
        spare = self._waves.lengths[files] - self._source
        starts = (
            torch.rand(self._size, generator=random, dtype=torch.float64) * (spare.abs() + 1)
        ).long() * spare.sign()
        pieces = self._waves.cut(files, starts, self._source)
        if self._data.random_speed:
            factors = 1 + self._data.random_speed * (torch.rand(self._size, 1, generator=random) * 2 - 1)
            pieces = play(pieces, factors.to(pieces.device, non_blocking=True), self._length)
        gains = 10 ** ((torch.rand(2, self._size, 1, generator=random) * 2 - 1) * self._data.random_gain_db / 20)
        if self._data.random_polarity:
            gains *= torch.randint(0, 2, gains.shape, generator=random) * 2 - 1
        # the other piece is the next one of the batch
        gains[1] *= torch.rand(self._size, 1, generator=random) < self._data.mix_probability
        gains = gains.to(pieces.device, non_blocking=True)
        mixed: Tensor = (
            pieces * gains[0] + pieces.roll(1, 0) * gains[1] if self._data.mix_probability else pieces * gains[0]
        )
        return mixed


def play(pieces: Tensor, factors: Tensor, length: int) -> Tensor:
    """Pieces [batch, samples] at `factors` [batch, 1] times their speed, the first `length` samples of them.

    Between samples it follows cubic Hermite splines (Catmull and Rom 1974); their slight loss at the highest
    frequencies does not matter where the result is both what is shown and what is wanted.
    """
    places = torch.arange(length, device=pieces.device) * factors + 1
    first = places.long().clamp(1, pieces.shape[1] - 3)
    t = places - first
    a, b, c, d = (pieces.gather(1, first + shift) for shift in (-1, 0, 1, 2))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def generator(seed: int, *numbers: int) -> torch.Generator:
    """A generator of its own for what `numbers` name."""
    return torch.Generator().manual_seed(mix(seed, *numbers))


def mix(seed: int, *numbers: int) -> int:
    """A seed of 63 bits from several numbers (SplitMix64's finaliser, Steele et al. 2014)."""
    state = seed
    for number in numbers:
        state = (state ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1
