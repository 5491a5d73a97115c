"""Engine tests compute with one thread: several processes with two each on two cores wait for each other."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread(request: pytest.FixtureRequest) -> None:
    if request.module.__name__ != "tests.engine.test_cpu_shards":
        torch.set_num_threads(1)
