"""The machine's hardware, found without torch: processors, memory, GPUs."""

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPUTING = {
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
"""Environment of every process that computes, set before it starts (the first counts until torch is loaded).

CUDA numbers GPUs by speed unless told otherwise; the driver (nvidia-smi, and `gpus` here) by their place on the bus.
Threads that wait for each other spin unless told otherwise: on cores that are shared with other programs, or with
shards of a batch, a step then takes up to eight times as long (measured: 5 s against 0.6 s on two busy cores). And
glibc gives the memory of a step back to the system only to ask for it again in the next, in ten thousand page faults:
it keeps it, in the heaps of shards too, which the padding is for (mallopt(3), where 2**25 is the largest threshold).
"""

CGROUP = Path("/sys/fs/cgroup")
"""The facts of this process's container."""


@dataclass(frozen=True)
class Gpu:
    """A GPU as its driver names it; memory in bytes, `free` what no process has of it."""

    index: int
    name: str
    memory: int
    free: int = 0


@dataclass(frozen=True)
class Machine:
    """The machine that a recipe is resolved for."""

    cores: int
    gpus: tuple[Gpu, ...] = ()
    has_mps: bool = False

    @property
    def best_device(self) -> str:
        """The GPU with the most free memory (the first of those that differ by less than a tenth), `mps` or `cpu`."""
        if not self.gpus:
            return "mps" if self.has_mps else "cpu"
        return f"cuda:{self.freest(1)[0]}"

    def freest(self, count: int) -> list[int]:
        """The numbers of so many GPUs (or all) with the most free memory; of those alike the first, in their order."""
        rest, chosen = list(self.gpus), list[int]()
        while rest and len(chosen) < count:
            most = max(gpu.free for gpu in rest)
            best = next(gpu for gpu in rest if gpu.free >= 0.9 * most)
            rest.remove(best)
            chosen.append(best.index)
        return sorted(chosen)


def memory_bytes(group: Path = CGROUP) -> tuple[int, int]:
    """(all, free) bytes of memory for this process: those of the machine, or of its container where that has fewer."""
    import psutil

    machine_memory = psutil.virtual_memory()
    total, free = int(machine_memory.total), int(machine_memory.available)
    with contextlib.suppress(OSError, ValueError):
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        with contextlib.suppress(OSError):
            # copies of files, which give way
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            used -= int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))
        total, free = min(total, limit), min(free, max(0, limit - used))
    return total, free


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that CUDA would see, in its order; none without a driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        found: list[Gpu] = []
        for handle in _visible():
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            name = str(pynvml.nvmlDeviceGetName(handle))
            found.append(Gpu(len(found), name, int(memory.total), int(memory.free)))
        return tuple(found)
    except pynvml.NVMLError:
        return ()
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _visible() -> list[Any]:
    """NVML's handles of the GPUs that CUDA_VISIBLE_DEVICES leaves, in its order, up to the first that is not there."""
    import pynvml

    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    everything = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    if listed is None:
        return everything
    chosen = []
    for part in (p.strip() for p in listed.split(",") if p.strip()):
        if part.isdigit():
            handle = everything[int(part)] if int(part) < len(everything) else None
        else:
            handle = _named(part, everything)
        if handle is None:
            break
        chosen.append(handle)
    return chosen


def _named(start: str, handles: list[Any]) -> Any | None:
    """The GPU whose UUID begins like this, as CUDA reads it (`GPU-8932f937`); a part of one (MIG) by its whole name."""
    import pynvml

    if start.startswith("GPU-"):
        return next((h for h in handles if str(pynvml.nvmlDeviceGetUUID(h)).startswith(start)), None)
    with contextlib.suppress(pynvml.NVMLError):
        return pynvml.nvmlDeviceGetHandleByUUID(start)
    return None


def this_machine() -> Machine:
    """Detect the hardware of this machine."""
    has_mps = platform.system() == "Darwin" and platform.machine() == "arm64"
    return Machine(cores=cores(), gpus=gpus(), has_mps=has_mps)


def raise_file_limit() -> None:
    """Let this process open as many files as the system allows it, in place of the usual 1,024 of a shell."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # macOS names no limit and refuses it all the same; this many it takes
    for soft in (hard, 10240):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            return
