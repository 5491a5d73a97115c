"""Many sounds under a low limit of open files: none of them keeps a descriptor."""

import resource
from pathlib import Path

import numpy as np
import pytest

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.log import read_events
from tests.data.sounds import write
from tests.programs import PATIENCE, only_run, start, tiny

SOUNDS, DESCRIPTORS = 2000, 256


@pytest.mark.slow
def test_more_sounds_than_descriptors_train(home: Home, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(SOUNDS):
        write(tmp_path / "sounds" / f"{number}.wav", random.uniform(-0.5, 0.5, 400), 8000)
    few = {"train__epochs": 2, "data__validation_fraction": 0.02}
    flags = tiny(train__quantizer_warmup_fraction=0.0, data__crop_seconds=0.1, **few)
    process = start(
        "train",
        str(tmp_path / "sounds"),
        "--plain",
        *flags,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS)),
    )
    err = process.communicate(timeout=2 * PATIENCE)[1]
    assert process.returncode == 0, err.decode()
    events = list(read_events(only_run(home).events))
    (prepared,) = (event for event in events if isinstance(event, e.RunPrepared))
    assert prepared.training_files + prepared.validation_files == SOUNDS
    assert isinstance(events[-1], e.Finished) and events[-1].step == 6
