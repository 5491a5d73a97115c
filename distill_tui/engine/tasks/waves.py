"""Sounds of a run that can be cropped: in the device's memory as far as they fit, the rest read a step ahead.

Sounds of the cache stay int16 with a scale for each block (`data.blocks`), in half the memory that they would take
otherwise; crops are scaled as they are cut. A crop is the same, bit for bit, wherever its sound lies.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from distill_tui.data.decode_cache import CachedWave, Wave
from distill_tui.data.packs import BLOCK
from distill_tui.engine.training.distributed import local_ranks
from distill_tui.machine import memory_bytes

READ_SAMPLES = BLOCK << 10
"""Samples of a long sound that are read at a time on their way into the device's memory."""
HELD_SHARE = 0.5
"""Share of the free memory that sound may take."""
Choose = Callable[[], tuple[Tensor, Tensor]]
"""Gives the files and starts of crops."""


class Waves(Protocol):
    """Sounds that can be cropped."""

    lengths: Tensor

    def crop(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        """Crops [batch, length] of the files with these indices, from sample `starts` on; zeros outside a file."""

    def expect(self, choose: Choose, length: int) -> None:
        """Get ready for the crops that will be asked for next: a hint, which changes no result."""


class InMemoryWaves:
    """All sound in one tensor in the device's memory."""

    def __init__(self, waves: Sequence[Wave], device: torch.device) -> None:
        self.lengths = torch.tensor([len(w) for w in waves])
        is_packed = all(isinstance(wave, CachedWave) for wave in waves)
        dtype = torch.int16 if is_packed else torch.float32
        self._wave = torch.empty(int(self.lengths.sum()), dtype=dtype, device=device)
        scales: list[np.ndarray] = []
        # of each file: samples, its first one here, and what is added to a sample's number for that of its block
        self._rows: list[tuple[int, int, int]] = []
        position = blocks = 0
        for wave in waves:
            of_wave, shift = self._load(wave, position)
            self._rows.append((len(wave), position, blocks * BLOCK + shift))
            scales += of_wave
            blocks += sum(map(len, of_wave))
            position += len(wave)
        self._scales = torch.from_numpy(np.concatenate(scales)).to(device) if scales else None
        self._table = torch.tensor(self._rows).to(device)

    def _load(self, wave: Wave, position: int) -> tuple[list[np.ndarray], int]:
        """Put a wave at `position`: the scales of its blocks, and where in the first block it begins."""
        scales: list[np.ndarray] = []
        shift = 0
        for start in range(0, len(wave), READ_SAMPLES):
            end = min(start + READ_SAMPLES, len(wave))
            if isinstance(wave, CachedWave) and self._wave.dtype == torch.int16:
                integers, of_blocks, shift = wave.quantized(start, end)
                # a part that begins within a block has the last block of one piece in the next one too
                scales.append(of_blocks[1:] if start and shift else of_blocks)
                samples = torch.from_numpy(np.array(integers))
            else:
                samples = torch.from_numpy(np.array(wave[start:end]))
            self._wave[position + start : position + end] = samples
        return scales, shift

    def expect(self, choose: Choose, length: int) -> None:
        """Nothing has to be read."""

    def crop(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        if self._wave.device.type == "cpu":
            # sixteen slices take a sixth of the time that an index a sample takes
            return self._slices(files.tolist(), starts.tolist(), length)
        return self.gather(files, starts, length)

    def gather(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        """The crops by an index a sample: for a GPU, on which nothing waits for the host."""
        device = self._wave.device
        files, starts = files.to(device, non_blocking=True), starts.to(device, non_blocking=True)
        samples, first, to_blocks = self._table[files][:, :, None].unbind(1)
        positions = starts[:, None] + torch.arange(length, device=device)
        inside = (positions >= 0) & (positions < samples)
        # what lies outside is taken from anywhere, and becomes zero
        positions = positions * inside
        crops = self._wave[positions + first] * inside
        if self._scales is None:
            return crops
        return crops * self._scales[torch.div(positions + to_blocks, BLOCK, rounding_mode="floor")]

    def _slices(self, files: list[int], starts: list[int], length: int) -> Tensor:
        crops = torch.zeros(len(files), length)
        for row, (file, start) in enumerate(zip(files, starts, strict=True)):
            samples, offset, to_blocks = self._rows[file]
            first, last = max(start, 0), min(start + length, samples)
            while first < last:
                block = (first + to_blocks) // BLOCK
                # to the end of the block, or of all where none has a scale
                end = last if self._scales is None else min(last, (block + 1) * BLOCK - to_blocks)
                into, part = crops[row, first - start : end - start], self._wave[offset + first : offset + end]
                if self._scales is None:
                    into.copy_(part)
                else:
                    torch.mul(part, self._scales[block], out=into)
                first = end
        return crops


class StreamedWaves:
    """Sound that is read from the cache's packs, by one thread a step ahead."""

    def __init__(self, waves: Sequence[Wave], device: torch.device) -> None:
        self.lengths = torch.tensor([len(w) for w in waves])
        self._waves, self._device = waves, device
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._ahead: tuple[Tensor, Tensor, int, Future[Tensor]] | None = None

    def expect(self, choose: Choose, length: int) -> None:
        """Begin to read these crops."""
        files, starts = choose()
        self._ahead = files, starts, length, self._reader.submit(self._read, files, starts, length)

    def crop(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[2] == length and torch.equal(ahead[0], files) and torch.equal(ahead[1], starts):
            crops = ahead[3].result()
        else:
            crops = self._read(files, starts, length)
        return crops.to(self._device, non_blocking=True)

    def _read(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        crops = torch.zeros(len(files), length, pin_memory=self._device.type == "cuda")
        view = crops.numpy()
        for row, (file, start) in enumerate(zip(files.tolist(), starts.tolist(), strict=True)):
            wave = self._waves[file]
            first, last = max(start, 0), min(start + length, len(wave))
            if first < last:
                view[row, first - start : last - start] = wave[first:last]
        return crops


class PartlyHeldWaves:
    """The first sounds in the device's memory, and the others read."""

    def __init__(self, waves: Sequence[Wave], held: int, device: torch.device) -> None:
        self.lengths = torch.tensor([len(w) for w in waves])
        self._count, self._device = held, device
        self._held, self._read = InMemoryWaves(waves[:held], device), StreamedWaves(waves[held:], device)

    def expect(self, choose: Choose, length: int) -> None:
        """Begin to read those crops that must be read."""
        files, starts = choose()
        rows = files >= self._count
        self._read.expect(lambda: (files[rows] - self._count, starts[rows]), length)

    def crop(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        rows = files >= self._count
        crops = torch.empty(len(files), length, device=self._device)
        for part, waves, first in ((rows, self._read, self._count), (~rows, self._held, 0)):
            chosen = part.nonzero()[:, 0]
            cut = waves.crop(files[part] - first, starts[part], length)
            crops[chosen.to(self._device, non_blocking=True)] = cut
        return crops


def digest_of(waves: Iterable[Sequence[Wave]]) -> int:
    """A number that follows from the lengths of some lists of waves."""
    return zlib.crc32(repr([[len(wave) for wave in part] for part in waves]).encode())


def load_waves(waves: Sequence[Wave], device: torch.device) -> Waves:
    """Load as many waves as fit into a part of the device's free memory; the rest is read from the cache.

    Ranks that train on one machine's processors share its memory.
    """
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else memory_bytes()[1] / local_ranks()
    return hold(waves, device, HELD_SHARE * free)


def hold(waves: Sequence[Wave], device: torch.device, most: float) -> Waves:
    """Waves of which those are held in the device's memory that fit into `most` bytes, from the first one on."""
    sizes = np.array([len(wave) * (2 if isinstance(wave, CachedWave) else 4) for wave in waves], np.int64)
    held = int(np.searchsorted(sizes.cumsum(), most, side="right"))
    if held == len(waves):
        return InMemoryWaves(waves, device)
    return PartlyHeldWaves(waves, held, device) if held else StreamedWaves(waves, device)
