"""What this machine has, found without torch: processors, memory, GPUs."""

import contextlib
import os
import platform
from dataclasses import dataclass

COMPUTING = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
"""Environment of every process that computes, set before it starts (the first counts until torch is loaded).

Threads that wait for each other spin unless told otherwise: on cores that are shared with other programs, or with
shards of a batch, a step then takes up to eight times as long (measured: 5 s against 0.6 s on two busy cores). And
glibc gives the memory of a step back to the system only to ask for it again in the next, in ten thousand page faults:
it keeps it, in the heaps of shards too, which the padding is for (mallopt(3), where 2**25 is the largest threshold).
"""


@dataclass(frozen=True)
class Gpu:
    """A GPU as its driver names it; memory in bytes."""

    index: int
    name: str
    memory: int


@dataclass(frozen=True)
class Machine:
    """The machine that a recipe is resolved for."""

    cores: int
    gpus: tuple[Gpu, ...] = ()
    has_mps: bool = False

    @property
    def best_device(self) -> str:
        """`cuda:0`, `mps` or `cpu`."""
        return "cuda:0" if self.gpus else "mps" if self.has_mps else "cpu"


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
        for index in _visible(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
            found.append(Gpu(len(found), str(pynvml.nvmlDeviceGetName(handle)), memory))
        return tuple(found)
    except pynvml.NVMLError:
        return ()
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _visible(count: int) -> list[int]:
    """The indices that CUDA_VISIBLE_DEVICES leaves; names (UUIDs) in it count as one device each."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        return list(range(count))
    chosen = []
    for position, part in enumerate(p.strip() for p in listed.split(",") if p.strip()):
        if part.isdigit():
            if int(part) >= count:
                break
            chosen.append(int(part))
        elif part.startswith("-"):
            break
        else:
            chosen.append(min(position, count - 1))
    return chosen if count else []


def this_machine() -> Machine:
    """What this machine has."""
    has_mps = platform.system() == "Darwin" and platform.machine() == "arm64"
    return Machine(cores=cores(), gpus=gpus(), has_mps=has_mps)
