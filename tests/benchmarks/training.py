"""How training grows: throughput and memory from 1 minute to 10 hours of sound, and from batches of 8 to 256.

    python -m tests.benchmarks.training [--device D] [--seconds S] [sound] [batch]

Each case in a process of its own, so that its peak memory is its own; S seconds (4 by default) of steps are timed, two
steps at least. The net is the balanced preset's with 256 codes a level in every case, so that only what is named
differs. How the trainer compares with a bare loop, and the parts of a step: `distill-tui bench`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distill_tui.machine import COMPUTING

if TYPE_CHECKING:
    from distill_tui.data.decode_cache import Wave

MINUTE = 60
SOUND = {"1 min": 1, "10 min": 10, "1 h": 60, "10 h": 600}
"""Name and minutes."""
BATCHES = (8, 16, 32, 64, 128, 256)
HELD, MAPPED = "held in memory", "read from files"
RATE = 22050


def minutes_of_sound(folder: Path, minutes: int) -> "Sequence[Wave]":
    """So many sounds of a minute in the cache: ten different ones on the disk, over and over."""
    import soundfile

    from distill_tui.data.decode_cache import decode_all
    from distill_tui.data.scan import scan
    from distill_tui.engine.bench.subject import noises
    from distill_tui.paths import Home

    second = np.concatenate(noises(10.0))
    (folder / "sounds").mkdir()
    for number in range(min(minutes, 10)):
        minute = np.tile(np.roll(second, number * 1000), MINUTE // 10)
        soundfile.write(folder / "sounds" / f"{number}.wav", minute, RATE, subtype="FLOAT")
    waves, _ = decode_all(scan([folder / "sounds"], 0.1), RATE, Home(folder / "home"))
    # a single minute in two parts: something must be held out
    return [waves[i % len(waves)] for i in range(minutes)] if minutes > 1 else np.split(waves[0][:], 6)


def case(device: str, minutes: int, how: str, batch: int, seconds: float) -> dict[str, Any]:
    """One case, in this process."""
    from distill_tui.engine.bench.subject import Watch, make_trainer, peak_memory
    from distill_tui.engine.tasks import codec
    from distill_tui.engine.tasks.waves import InMemoryWaves, StreamedWaves
    from distill_tui.machine import this_machine

    setattr(codec, "load_waves", InMemoryWaves if how == HELD else StreamedWaves)  # noqa: B010 - not for mypy to see
    with tempfile.TemporaryDirectory() as folder:
        waves = minutes_of_sound(Path(folder), minutes)
        begun = time.perf_counter()
        settings = {"model__codebook_size": 256, "train__batch_size": batch, "data__crop_seconds": 1.02168}
        trainer = make_trainer(Path(folder), waves, this_machine(), device, RATE, **settings)
        ready = time.perf_counter() - begun
        watch = Watch(trainer.device)
        marks: list[np.ndarray] = []

        def is_measured() -> bool:
            marks.append(watch.now())
            # the first step has made the codebooks and found its kernels
            return len(marks) > 3 and bool(marks[-1][0] - marks[1][0] > seconds)

        trainer.run(until=is_measured)
        trainer.log.close()
        steps = np.diff(np.array(marks[1:]), axis=0)
        begun = time.perf_counter()
        for number in range(8):
            trainer.task.batch(number)
        watch.now()
        data = (time.perf_counter() - begun) / 8
    wall, cpu = (float(np.median(steps[:, kind])) for kind in (0, 1))
    return {
        "throughput": trainer.task.per_step / wall,
        "per_cpu": trainer.task.per_step / cpu,
        "step": wall,
        "data": data,
        "ready": ready,
        "memory": peak_memory(trainer.device),
        "steps": len(steps),
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["sound", "batch"])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        print(json.dumps(case(**json.loads(options.case))))
        return
    cases: list[tuple[str, int, str, int]] = []
    if "sound" in options.what:
        cases += [(name, minutes, how, 16) for name, minutes in SOUND.items() for how in (HELD, MAPPED)]
    if "batch" in options.what:
        cases += [("10 min", 10, HELD, batch) for batch in BATCHES]
    print("sound   how              batch   s of sound/s   /s of CPU   step ms   data ms   ready s   peak MiB   steps")
    for name, minutes, how, batch in cases:
        told = {"device": options.device, "minutes": minutes, "how": how, "batch": batch, "seconds": options.seconds}
        command = [sys.executable, "-m", "tests.benchmarks.training", "--case", json.dumps(told)]
        environment = {**COMPUTING, **os.environ}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            print(f"{name:7} {how:16} {batch:5}   failed: {done.stderr.strip().splitlines()[-1]}")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{name:7} {how:16} {batch:5} {found['throughput']:14.1f} {found['per_cpu']:11.1f} "
            f"{1000 * found['step']:9.0f} {1000 * found['data']:9.1f} {found['ready']:9.2f} "
            f"{found['memory']:10.0f} {found['steps']:7}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
