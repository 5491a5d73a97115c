"""What processes that compute are started with."""

import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from distill_tui.machine import COMPUTING, Machine, gpus

TAKES_AND_FREES = """
import resource, threading
import numpy as np

def steps(count):
    for _ in range(count):
        buffers = [np.ones(300_000) for _ in range(12)]

def both(count):
    threads = [threading.Thread(target=steps, args=(count,)) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

both(2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
steps(10)
both(10)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Memory as steps use it, in the first thread and in two others; prints how many pages had to be asked for."""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc's malloc")
def test_memory_of_a_step_serves_the_next_one() -> None:
    def faults(settings: dict[str, str]) -> int:
        plain = {key: value for key, value in os.environ.items() if key not in COMPUTING}
        told = subprocess.run(
            [sys.executable, "-c", TAKES_AND_FREES], env=plain | settings, capture_output=True, text=True, check=True
        )
        return int(told.stdout)

    assert faults(COMPUTING) < faults({}) / 4


class Driver:
    """Stands in for pynvml: three GPUs in the order of the bus, with free memory in GB."""

    class NVMLError(Exception):
        pass

    uuids = ("GPU-aaaa-1", "GPU-bbbb-2", "GPU-cccc-3")
    free = (10, 70, 72)

    def nvmlInit(self) -> None: ...

    def nvmlShutdown(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return 3

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        raise self.NVMLError(uuid)

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return self.uuids[handle]

    def nvmlDeviceGetName(self, handle: int) -> str:
        return f"GPU {handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(total=80 << 30, free=self.free[handle] << 30)


@pytest.mark.parametrize(
    ("visible", "names", "best"),
    [
        (None, ["GPU 0", "GPU 1", "GPU 2"], "cuda:1"),
        ("2,0", ["GPU 2", "GPU 0"], "cuda:0"),
        ("0,2", ["GPU 0", "GPU 2"], "cuda:1"),
        ("GPU-cccc,GPU-aaaa-1", ["GPU 2", "GPU 0"], "cuda:0"),
        ("0,7,1", ["GPU 0"], "cuda:0"),
        ("-1", [], "cpu"),
        ("MIG-there-is-none", [], "cpu"),
    ],
)
def test_gpus_are_those_that_cuda_sees_and_the_freest_is_chosen(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, names: list[str], best: str
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Driver())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = gpus()
    assert [gpu.name for gpu in found] == names
    assert [gpu.index for gpu in found] == list(range(len(names)))
    assert Machine(cores=2, gpus=found).best_device == best


def test_processes_that_compute_number_gpus_as_the_driver_does() -> None:
    assert COMPUTING["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be() -> None:
    code = (
        "import resource; from distill_tui.machine import raise_file_limit\n"
        "hard = min(4000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard)); raise_file_limit()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True\n"
