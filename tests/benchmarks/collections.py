"""How the work before and during a training grows with the collection: from 1 minute to 1,000 hours, to 100,000 files.

    python -m tests.benchmarks.collections [files] [hours] [scan] [--most N]

Each case in a process of its own, so that its peak memory is its own. `scan`: real sounds at 44.1 kHz, read and packed.
`files`: real files of half a second at 8 kHz, scanned and packed. `hours`: minutes of sound that are packed already, in
packs that are next to all hole. At most 1 GB of sound is held in memory, so that the rest is read; steps are those of a
small net, and `data` is the time until a batch is there. `--most` leaves out larger cases.
"""

import argparse
import json
import os
import resource
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
    from distill_tui.data.corpus import Corpus
    from distill_tui.paths import Home

FILES = {"1,000": 1000, "10,000": 10_000, "100,000": 100_000}
HOURS = {"1 min": 1, "1 h": 60, "100 h": 6000, "1,000 h": 60_000}
SCANNED = {"1 min": 1, "1 h": 60, "3 h": 180}
"""Names and minutes."""
RATE, LOW_RATE = 44100, 8000
MOST_HELD = 1e9
STEPS = 20


def peak_mib() -> float:
    """The most memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def write_sounds(folder: Path, count: int, seconds: float, rate: int) -> None:
    """Bursts of noise, 16 bit, each one different."""
    import soundfile

    folder.mkdir()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, round(rate * (seconds + 1))).astype(np.float32)
    length = round(rate * seconds)
    for number in range(count):
        sound = noise[number % rate : number % rate + length].copy()
        sound[0] = number / count
        sound[1] = number % 1000 / 1000
        below = folder / f"{number // 1000:03d}"
        below.mkdir(exist_ok=True)
        soundfile.write(below / f"{number:06d}.wav", sound, rate, subtype="PCM_16")


def make_packed(home: "Home", minutes: int) -> "Corpus":
    """A collection of files of a minute that are in the packs, in which silence is a hole."""
    from distill_tui.data.blocks import TRAILER, UNIT, digest
    from distill_tui.data.corpus import Corpus, Sound, assign_split
    from distill_tui.data.packs import BLOCK, PACK_BYTES, changing, stored_bytes

    frames, key = 60 * RATE, bytes(16)
    count = max(2, minutes)
    rows = []
    for number, start in enumerate(range(0, frames, BLOCK)):
        silence = np.zeros(min(BLOCK, frames - start), "<i2")
        rows.append((UNIT, digest(silence, UNIT, key, number)))
    table, size = np.array(rows, TRAILER).tobytes(), stored_bytes(frames)
    sounds = []
    with changing(home) as index:
        each = PACK_BYTES // size
        for first in range(0, count, each):
            some = range(first, min(count, first + each))
            pack = index.add_pack(f"{first:016x}.pack", len(some) * size)
            with (index.folder / pack.name).open("wb") as file:
                for place, number in enumerate(some):
                    index.add(f"{number:040x}", RATE, pack.id, place * size, frames, key)
                    os.pwrite(file.fileno(), table, place * size + 2 * frames)
    for number in range(count):
        name = f"{number // 1000:03d}/{number:06d}.wav"
        sounds.append(
            Sound(path=f"/{name}", name=name, content=f"{number:040x}", rate=RATE, channels=1, seconds=60.0, tonality=1)
        )
    assign_split(sounds, 0.1)
    return Corpus(paths=["/sounds"], sounds=sounds)


class Clock:
    """Seconds of the parts of a case, in their order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = now - self._begun
        self._begun = time.perf_counter()


def get_ready(folder: Path, home: "Home", corpus: "Corpus", clock: Clock) -> dict[str, Any]:
    """What a worker does before its first step, and some steps."""
    import torch

    from distill_tui.data.corpus import Corpus
    from distill_tui.engine.tasks import codec
    from distill_tui.engine.tasks.waves import hold
    from distill_tui.engine.training.trainer import Trainer
    from distill_tui.machine import this_machine
    from distill_tui.recipe.fields import with_values
    from distill_tui.recipe.resolve import resolve
    from distill_tui.recipe.schema import Recipe
    from distill_tui.runs.folder import RunFolder
    from distill_tui.runs.log import LogWriter

    values: dict[str, Any] = {
        "model.channels": 32,
        "model.encoder_blocks": 1,
        "model.decoder_blocks": 1,
        "train.batch_size": 16,
    }
    values |= {
        "train.device": "cpu",
        "train.quantizer_warmup_fraction": 0.0,
        "train.epochs": 1000,
        "train.minutes": 0.0,
    }
    values |= {"train.preview_every": 0, "data.crop_seconds": 1.0}
    clock.lap("")
    corpus.save(folder / "sounds.json")
    recipe = resolve(with_values(Recipe(), values), corpus.facts(), this_machine())
    clock.lap("save")
    corpus = Corpus.load(folder / "sounds.json")
    clock.lap("load")
    setattr(codec, "load_waves", lambda waves, device: hold(waves, device, MOST_HELD))  # noqa: B010 - not for mypy to see
    task = codec.CodecTask.from_data(home, corpus, recipe, torch.device("cpu"))
    clock.lap("task")
    run = RunFolder(folder)
    trainer = Trainer(run, recipe, task, task.device, torch.float32, LogWriter(run.events))
    marks: list[float] = []

    def is_enough() -> bool:
        marks.append(time.perf_counter())
        return len(marks) > STEPS + 5

    trainer.run(until=is_enough)
    trainer.log.close()
    spent = []
    for step in range(STEPS + 2):
        begun = time.perf_counter()
        task.batch(step)
        spent.append(time.perf_counter() - begun)
        # as long as a step: what is read ahead is read meanwhile
        time.sleep(0.05)
    card = len(json.dumps(corpus.described()))
    step_ms, data_ms = 1000 * float(np.median(np.diff(marks)[4:])), 1000 * float(np.median(spent[2:]))
    return {"step_ms": step_ms, "data_ms": data_ms, "card_kb": card / 1000, "sounds": len(corpus.sounds)}


def case(kind: str, count: int) -> dict[str, Any]:
    """One case, in this process."""
    from distill_tui.data.scan import scan
    from distill_tui.data.scan_packing import ScanPacking
    from distill_tui.paths import Home

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        home, clock = Home(folder / "home"), Clock()
        if kind == "hours":
            corpus = make_packed(home, count)
        else:
            write_sounds(folder / "sounds", count, *((0.5, LOW_RATE) if kind == "files" else (60.0, RATE)))
            clock.lap("")
            pack = ScanPacking(home, told=lambda _: None)
            corpus = scan([folder / "sounds"], 0.1, home, pack=pack)
            clock.lap("scan")
            scan([folder / "sounds"], 0.1, home)
            clock.lap("again")
        told: dict[str, Any] = {"scan_mib": peak_mib()}
        if kind != "scan" or count > 1:
            told |= get_ready(folder, home, corpus, clock)
    return told | {"seconds": clock.seconds, "mib": peak_mib()}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["files", "hours", "scan"])
    parser.add_argument("--most", type=int, default=10**9)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        print(json.dumps(case(**json.loads(options.case))))
        return
    cases = [("files", FILES), ("hours", HOURS), ("scan", SCANNED)]
    titles = ("scan s", "again s", "save s", "load s", "task s", "data ms", "step ms", "card kB", "scan MiB", "MiB")
    print(f"{'':16}" + "".join(f"{title:>10}" for title in titles))
    for kind, name, count in ((kind, name, count) for kind, some in cases for name, count in some.items()):
        if kind not in options.what or count > options.most:
            continue
        command = [sys.executable, "-m", "tests.benchmarks.collections", "--case"]
        done = subprocess.run(
            [*command, json.dumps({"kind": kind, "count": count})],
            capture_output=True,
            text=True,
            check=False,
            env={**COMPUTING, **os.environ},
        )
        if done.returncode:
            print(f"{kind} {name}: failed: {done.stderr.strip().splitlines()[-1]}")
            continue
        told = json.loads(done.stdout.splitlines()[-1])
        seconds = told["seconds"]
        numbers = [seconds.get(part) for part in ("scan", "again", "save", "load", "task")]
        numbers += [told.get(key) for key in ("data_ms", "step_ms", "card_kb", "scan_mib", "mib")]
        row = "".join(f"{'-' if number is None else f'{number:,.2f}':>10}" for number in numbers)
        print(f"{f'{kind} {name}':16}{row}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
