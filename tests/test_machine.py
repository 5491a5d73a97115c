"""What processes that compute are started with."""

import os
import platform
import subprocess
import sys

import pytest

from distill_tui.machine import COMPUTING

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc's malloc")
def test_memory_of_a_step_serves_the_next_one() -> None:
    def faults(settings: dict[str, str]) -> int:
        plain = {key: value for key, value in os.environ.items() if key not in COMPUTING}
        told = subprocess.run(
            [sys.executable, "-c", TAKES_AND_FREES], env=plain | settings, capture_output=True, text=True, check=True
        )
        return int(told.stdout)

    assert faults(COMPUTING) < faults({}) / 4
