"""Use of its device by a rank: load, memory, and examples a second."""

import contextlib
import platform
import time
from typing import Any

import torch

from distill_tui.runs.events import RankUse


class UseMeter:
    """Measures what this process uses of a device, since the last `read`."""

    def __init__(self, device: torch.device) -> None:
        import psutil

        self._device, self._process = device, psutil.Process()
        self._process.cpu_percent()
        self._examples, self._since = 0, 0.0

    def count(self, bounds: tuple[int, int]) -> None:
        """Count a step on the examples from the first to before the second of these numbers."""
        if not self._since:
            # the first step tells when the time begins
            self._since = time.monotonic()
            return
        self._examples += bounds[1] - bounds[0]

    def read(self, rank: int) -> RankUse:
        """The use since the last call. It does not wait for the device."""
        now = time.monotonic()
        speed = self._examples / max(now - self._since, 1e-6)
        self._examples, self._since = 0, now
        busy, used, memory, name = _gpu_use(self._device) if self._device.type == "cuda" else self._cpu_use()
        return RankUse(
            rank=rank,
            host=platform.node(),
            device=str(self._device),
            name=name,
            busy=busy,
            used=used,
            memory=memory,
            examples_per_second=round(speed, 3),
        )

    def _cpu_use(self) -> tuple[float | None, int | None, int | None, str]:
        """Load of the processors by this process, 0..1, its memory, that of the machine, and no name."""
        import psutil

        busy = self._process.cpu_percent() / 100 / (psutil.cpu_count() or 1)
        return round(min(busy, 1.0), 4), int(self._process.memory_info().rss), int(psutil.virtual_memory().total), ""


def _gpu_use(device: torch.device) -> tuple[float | None, int | None, int | None, str]:
    """Load of a GPU, 0..1, its memory in use and in all, and its name, as far as the driver says."""
    properties: Any = torch.cuda.get_device_properties(device)
    free, total = torch.cuda.mem_get_info(device)
    busy = None
    # a driver need not tell it
    with contextlib.suppress(Exception):
        busy = torch.cuda.utilization(device) / 100
    return busy, total - free, total, str(properties.name)
