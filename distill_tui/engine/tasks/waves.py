"""Sounds of a run that can be cropped: in the device's memory where they fit, else read from the decode cache."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from distill_tui.data.decode_cache import Wave

READ_SAMPLES = 1 << 24
"""Samples of a long sound that are read at a time on their way into the device's memory."""


class Waves(Protocol):
    """Sounds that can be cropped."""

    lengths: Tensor

    def crop(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        """Crops [batch, length] of the files with these indices, from sample `starts` on; zeros outside a file."""


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

    def crop(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        device = self._wave.device
        if device.type == "cpu":
            # sixteen slices take a sixth of the time that an index a sample takes
            return self._slices(files.tolist(), starts.tolist(), length)
        files, starts = files.to(device, non_blocking=True), starts.to(device, non_blocking=True)
        positions = starts[:, None] + torch.arange(length, device=device)
        inside = (positions >= 0) & (positions < self._lengths[files][:, None])
        positions = (positions + self._offsets[files][:, None]).clamp_(0, len(self._wave) - 1)
        return self._wave[positions] * inside

    def _slices(self, files: list[int], starts: list[int], length: int) -> Tensor:
        crops = torch.zeros(len(files), length)
        for row, (file, start) in enumerate(zip(files, starts, strict=True)):
            first, last = max(start, 0), min(start + length, int(self.lengths[file]))
            if first < last:
                offset = int(self._offsets[file])
                crops[row, first - start : last - start] = self._wave[offset + first : offset + last]
        return crops


class MemmapWaves:
    """Sound that does not fit into memory: crops are read from the cache's files."""

    def __init__(self, waves: Sequence[Wave], device: torch.device) -> None:
        self.lengths = torch.tensor([len(w) for w in waves])
        self._waves, self._device = waves, device

    def crop(self, files: Tensor, starts: Tensor, length: int) -> Tensor:
        crops = torch.zeros(len(files), length, pin_memory=self._device.type == "cuda")
        view = crops.numpy()
        for row, (file, start) in enumerate(zip(files.tolist(), starts.tolist(), strict=True)):
            wave = self._waves[file]
            first, last = max(start, 0), min(start + length, len(wave))
            if first < last:
                view[row, first - start : last - start] = wave[first:last]
        return crops.to(self._device, non_blocking=True)


def load_waves(waves: Sequence[Wave], device: torch.device) -> Waves:
    """Load waves into the device's memory if they fit into half of what is free there; else map their files."""
    size = sum(4 * len(w) for w in waves)
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
    else:
        import psutil

        free = psutil.virtual_memory().available
    return InMemoryWaves(waves, device) if size < free / 2 else MemmapWaves(waves, device)
