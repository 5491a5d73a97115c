"""Use of this machine's processors, memory and GPUs, sampled by a thread: a driver that hangs holds up no key."""

import contextlib
import sys
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

HISTORY = 60
"""Samples that are kept."""
FIRST_SECONDS = 0.5


@dataclass(frozen=True)
class GpuSample:
    """A sample of one GPU: use 0..1, memory in bytes, degrees Celsius, watts; None where the driver does not say."""

    name: str
    busy: float | None = None
    used: int | None = None
    memory: int | None = None
    temperature: float | None = None
    power: float | None = None


@dataclass(frozen=True)
class MachineSample:
    """A sample of the machine: `busy` is the use of its processors, 0..1; memory in bytes."""

    busy: float
    used: int
    memory: int
    gpus: tuple[GpuSample, ...] = ()


class SystemMonitor:
    """Takes samples on request; `samples` holds the newest last."""

    def __init__(self) -> None:
        self.samples: deque[MachineSample] = deque(maxlen=HISTORY)
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Request a sample, which arrives some milliseconds later."""
        if self._thread is None:
            # not joined by anybody: the process may end while the driver thinks
            self._thread = threading.Thread(target=self._run, daemon=True, name="gauges")
            self._thread.start()
        self._wanted.set()

    def _run(self) -> None:
        import psutil

        # the first share is that of this moment, and not of the time since the machine was started
        busy: float | None = psutil.cpu_percent(FIRST_SECONDS)
        nvml = _nvml()
        while True:
            self._wanted.wait()
            self._wanted.clear()
            memory = psutil.virtual_memory()
            self.samples.append(
                MachineSample(
                    busy=(psutil.cpu_percent(None) if busy is None else busy) / 100,
                    used=memory.total - memory.available,
                    memory=memory.total,
                    gpus=_gpus(nvml),
                )
            )
            busy = None


def _nvml() -> Any:
    """Initialise NVML; None where there is no driver, for which its large module is not loaded at all."""
    if not _has_driver():
        return None
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _has_driver() -> bool:
    """Return True if NVML's library is there; on Windows, where it has no fixed place, only the module knows."""
    import ctypes

    if sys.platform == "win32":
        return True
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def _gpus(nvml: Any) -> tuple[GpuSample, ...]:
    if nvml is None:
        return ()
    found: list[GpuSample] = []
    with contextlib.suppress(nvml.NVMLError):
        for index in range(nvml.nvmlDeviceGetCount()):
            found.append(_gpu(nvml, nvml.nvmlDeviceGetHandleByIndex(index)))
    return tuple(found)


def _gpu(nvml: Any, handle: Any) -> GpuSample:
    def ask(question: Any, *more: Any) -> Any:
        # each by itself: a virtual GPU knows its memory and not its power
        try:
            return question(handle, *more)
        except nvml.NVMLError:
            return None

    rates, memory = ask(nvml.nvmlDeviceGetUtilizationRates), ask(nvml.nvmlDeviceGetMemoryInfo)
    power = ask(nvml.nvmlDeviceGetPowerUsage)
    name = ask(nvml.nvmlDeviceGetName)
    return GpuSample(
        name=str(name or "GPU"),
        busy=None if rates is None else rates.gpu / 100,
        used=None if memory is None else int(memory.used),
        memory=None if memory is None else int(memory.total),
        temperature=ask(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU),
        power=None if power is None else power / 1000,
    )
