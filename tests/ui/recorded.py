"""Run folders as the worker leaves them, with long histories, made from a seed: what the app's tests look at."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from distill_tui.data.corpus import Corpus, Sound, assign_split
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.events import Codec
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import read_events

START = 1_772_000_000.0
"""When every recorded run began: seconds since 1970, at 06:13:20 UTC as the runs' names say."""
STEPS_AN_EPOCH = 50
SIZE = 64


class Recorder:
    """Writes a log with times of its own: `LogWriter` would write today's."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.seq = 0
        self.now = START

    def write(self, *events: e.Event) -> None:
        with self.run.events.open("ab") as file:
            for event in events:
                self.seq += 1
                self.now += 0.25
                event.seq, event.time = self.seq, self.now
                file.write(Codec.encode(event))


def a_corpus(files: int = 20, path: str = "/sounds/drums") -> Corpus:
    """Sounds of half a second to five, at 44.1 kHz."""
    chance = random.Random(1)
    sounds = [
        Sound(
            path=f"{path}/{i:02}.wav",
            name=f"{i:02}.wav",
            content=f"{i:064x}",
            rate=44100,
            channels=1,
            seconds=chance.uniform(0.5, 5.0),
            format="WAV",
        )
        for i in range(files)
    ]
    assign_split(sounds, 0.2)
    return Corpus(paths=[path], sounds=sounds)


def make_run(home: Home, name: str = "drums", stamp: str = "20260225-061320", **values: Any) -> RunFolder:
    """A run's folder with its recipe and sounds, and no event yet. `values` are of the recipe, `__` for the dot."""
    run = RunFolder(home.runs / f"{stamp}-{name}")
    run.path.mkdir(parents=True)
    recipe = with_values(
        Recipe(),
        {
            "name": name,
            "data.paths": ["/sounds/drums"],
            "model.sample_rate": 44100,
            "model.codebook_size": SIZE,
            **{key.replace("__", "."): value for key, value in values.items()},
        },
    )
    toml.save(recipe, run.recipe)
    a_corpus().save(run.sounds)
    return run


def begin(run: RunFolder, name: str = "drums", levels: int = 3, epochs: int = 100) -> Recorder:
    """The events of a start."""
    recorder = Recorder(run)
    recorder.write(
        e.Started(run=run.id, name=name, pid=4242, program="0.1.0", host="box"),
        e.StateChanged(state="starting"),
        e.RunPrepared(
            device="cuda:0",
            precision="bfloat16",
            parameters=4_213_000,
            rate=44100,
            frame_rate=43.07,
            kbps=round(43.07 * levels * math.log2(SIZE) / 1000, 3),
            codebook_size=SIZE,
            levels=levels,
            training_files=16,
            validation_files=4,
            training_seconds=58.0,
            validation_seconds=14.0,
            steps_per_epoch=STEPS_AN_EPOCH,
            total_epochs=epochs,
        ),
        e.AnchorsMeasured(floor={"distance": 1.4, "mel": 0.95}, ceiling={"distance": 0.07, "mel": 0.05}, sounds=8),
        e.StateChanged(state="running", step=0),
    )
    return recorder


def train(recorder: Recorder, epochs: int, levels: int = 3, total: int = 100, nan_from: int | None = None) -> None:
    """The numbers of so many epochs: ten step events each, then validation and health; NaN from an epoch on."""
    chance = random.Random(7)
    for epoch in range(1, epochs + 1):
        broken = nan_from is not None and epoch >= nan_from
        for part in range(10):
            step = (epoch - 1) * STEPS_AN_EPOCH + (part + 1) * 5
            recorder.write(_step(chance, step, epoch, total, broken))
        recorder.write(_epoch(chance, epoch, levels, total, broken))


def _step(chance: random.Random, step: int, epoch: int, total: int, broken: bool) -> e.Metrics:
    values: dict[str, float | None] = {
        "loss/train": _falling(step, 2.4, 0.45) * chance.uniform(0.96, 1.04),
        "loss/recon": _falling(step, 2.2, 0.40) * chance.uniform(0.96, 1.04),
        "lr": 1e-3 * min(1.0, step / 150) * (0.02 + 0.98 * (1 + math.cos(math.pi * epoch / total)) / 2),
        "rate/sound": 312.0,
        "time/step": 0.077,
    }
    if epoch > 8:
        values["loss/commit"] = 0.06 * chance.uniform(0.7, 1.3) + 0.1 / (epoch - 7)
    low = {k: v * 0.93 for k, v in values.items() if k.startswith("loss/") and v is not None}
    high = {k: v * 1.09 for k, v in values.items() if k.startswith("loss/") and v is not None}
    if step == 1205:
        high["loss/train"] = 2.9
    if broken:
        values["loss/train"] = values["loss/recon"] = None
        low, high = {}, {}
    steps = total * STEPS_AN_EPOCH
    return e.Metrics(
        scope="step",
        step=step,
        epoch=epoch,
        values=values,
        low=dict(low),
        high=dict(high),
        progress=step / steps,
        eta_seconds=(steps - step) * 0.077,
    )


def _epoch(chance: random.Random, epoch: int, levels: int, total: int, broken: bool) -> e.Metrics:
    step = epoch * STEPS_AN_EPOCH
    values: dict[str, float | None] = {"loss/val": None if broken else _falling(step, 2.5, 0.55)}
    if epoch > 8:
        for level in range(levels):
            use = min(1.0, (0.99, 0.83, 0.41, 0.16)[level % 4] * (1 - 0.6 / (epoch - 7)) + chance.uniform(0, 0.02))
            values[f"codebook/{level}/utilization"] = use
            values[f"codebook/{level}/perplexity"] = use * SIZE * 0.8
            values[f"codebook/{level}/dead"] = float(round((1 - use) * SIZE))
            values[f"codebook/{level}/churn"] = 0.4 / (epoch - 7) + 0.02
            values[f"codebook/{level}/frames"] = 100.0 * SIZE
        values |= {
            "distance/val": _falling(step, 1.2, 0.5),
            "distance/train": _falling(step, 1.1, 0.45),
            "distance/mel": _falling(step, 0.8, 0.28),
            "distance/lsd": _falling(step, 15.0, 10.0),
            "distance/buzz": _falling(step, 0.1, 0.58),
            "distance/level": _falling(step, 20.0, 2.2),
            "distance/attack": _falling(step, 20.0, 4.7),
            "distance/level_median": _falling(step, -19.0, -2.1),
            "distance/attack_median": _falling(step, -19.0, -4.6),
        }
    steps = total * STEPS_AN_EPOCH
    return e.Metrics(
        scope="epoch",
        step=step,
        epoch=epoch,
        values=values,
        progress=step / steps,
        eta_seconds=(steps - step) * 0.077,
    )


def _falling(step: int, start: float, end: float) -> float:
    return end + (start - end) * math.exp(-step / 600)


def desk_events(run: RunFolder, recorder: Recorder, step: int) -> None:
    """A warning, a knob, a checkpoint and a preview."""
    folder = f"previews/step-{step:06}"
    recorder.write(
        e.WarningRaised(
            code="health",
            text="level 3 uses 41 % of its codes",
            advice="Fewer levels or a smaller codebook would lose nothing.",
            step=step,
        ),
        e.SettingChanged(key="train.learning_rate", old=1e-3, new=8e-4, step=step - 40),
        e.CheckpointSaved(step=step, epoch=step // STEPS_AN_EPOCH, file=f"checkpoints/step-{step:06}", best=True),
        e.PreviewMade(
            step=step,
            epoch=step // STEPS_AN_EPOCH,
            folder=folder,
            pairs=[
                (f"{folder}/original-{number:02}.wav", f"{folder}/reconstruction-{number:02}.wav", distance)
                for number, distance in ((1, 0.61), (2, 0.7))
            ],
            measures=[{"buzz": 0.58, "level": 7.3, "level_median": -7.3}, {"buzz": 0.1}],
        ),
    )
    run.checkpoints.mkdir(exist_ok=True)
    put_preview(run.path / folder, blur=2, sounds=2)


def running(home: Home, **more: Any) -> RunFolder:
    """34 epochs of 100 done; the worker lives only while somebody holds the run."""
    levels = more.pop("levels", 3)
    run = make_run(home, model__rvq_levels=levels, **more)
    recorder = begin(run, levels=levels)
    train(recorder, 34, levels)
    desk_events(run, recorder, 34 * STEPS_AN_EPOCH)
    return run


def paused(home: Home) -> RunFolder:
    """Paused at epoch 20, as was wanted."""
    run = make_run(home)
    recorder = begin(run)
    train(recorder, 20)
    recorder.write(e.StateChanged(state="paused", step=20 * STEPS_AN_EPOCH))
    run.control.write_text('{"wanted":"paused","knobs":{},"checkpoint":0,"preview":0}')
    return run


def starting(home: Home) -> RunFolder:
    """The worker is there and gets ready."""
    run = make_run(home)
    Recorder(run).write(
        e.Started(run=run.id, name="drums", pid=4242, program="0.1.0", host="box"), e.StateChanged(state="starting")
    )
    return run


def stopped_early(home: Home) -> RunFolder:
    """Stopped before there was a step."""
    run = starting(home)
    add_events(run, e.Stopped(step=0, epoch=0, seconds=2.5))
    return run


def stopped(home: Home) -> RunFolder:
    """Stopped at epoch 20, with a checkpoint and a model."""
    run = make_run(home)
    recorder = begin(run)
    train(recorder, 20)
    recorder.write(e.CheckpointSaved(step=1000, epoch=20, file="checkpoints/step-001000", best=False))
    path = str(home.models / "drums.distill")
    recorder.write(e.ModelSaved(id="a1b2c3d4e5f6", name="drums", path=path, step=1000))
    recorder.write(e.Stopped(step=1000, epoch=20, seconds=77.0, model="drums", model_id="a1b2c3d4e5f6", path=path))
    return run


def crashed(home: Home) -> RunFolder:
    """No last event and no worker; torch's last words are in worker.log."""
    run = running(home)
    run.worker_log.write_text(
        "Traceback (most recent call last):\n"
        '  File "train.py", line 231, in step\n'
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n"
    )
    return run


def diverged(home: Home) -> RunFolder:
    """The losses became NaN at epoch 30, and the run failed."""
    run = make_run(home)
    recorder = begin(run)
    train(recorder, 31, nan_from=30)
    recorder.write(
        e.Failed(
            reason="the loss is not finite at step 1,455",
            advice="Lower the learning rate, then resume.",
            step=1550,
        )
    )
    return run


def finished(home: Home) -> RunFolder:
    """All of 40 epochs, with a model."""
    run = make_run(home, train__epochs=40)
    recorder = begin(run, epochs=40)
    train(recorder, 40, total=40)
    desk_events(run, recorder, 2000)
    path = str(home.models / "drums.distill")
    recorder.write(
        e.ModelSaved(id="a1b2c3d4e5f6", name="drums", path=path, step=2000),
        e.Finished(step=2000, epoch=40, seconds=154.0, model="drums", model_id="a1b2c3d4e5f6", path=path),
    )
    return run


@contextmanager
def alive(run: RunFolder) -> Iterator[RunFolder]:
    """The run with a worker that lives: this process."""
    with run.hold():
        yield run


def add_events(run: RunFolder, *events: e.Event) -> None:
    """More events at the end of a log."""
    recorder = Recorder(run)
    # right after what there is, with numbers that nothing else has
    last = [event.time for event in read_events(run.events)]
    recorder.seq, recorder.now = 1_000_000 + len(last), max(last, default=START)
    recorder.write(*events)


def long_log(home: Home, points: int) -> RunFolder:
    """A run with `points` step events: a night's training."""
    run = make_run(home, name="long")
    recorder = begin(run, name="long", epochs=max(1, points // 10))
    train(recorder, max(1, points // 10), total=max(1, points // 10))
    return run


def put_sounds(folder: Path, names: list[str]) -> Path:
    """A folder of real, very short WAV files, without soundfile."""
    import wave

    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        chance = random.Random(number)
        with wave.open(str(folder / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            tone = (round(8000 * math.sin(i * 0.05 * (number + 1)) + chance.uniform(-99, 99)) for i in range(8000))
            file.writeframes(b"".join(value.to_bytes(2, "little", signed=True) for value in tone))
    return folder


def code_counts(levels: int) -> list[list[int]]:
    """How often each code of each level was used: later levels use fewer, and those unevenly."""
    chance = random.Random(5)
    shares = (0.99, 0.83, 0.41, 0.16)
    return [
        [
            int(400 * chance.random() ** (2 + 2 * level)) + 1 if chance.random() < shares[level % 4] else 0
            for _ in range(SIZE)
        ]
        for level in range(levels)
    ]


def put_preview(folder: Path, blur: int, sounds: int = 3) -> Path:
    """Pairs of real WAV files: plucked strings, and the same with their higher partials lost and some noise."""
    import wave

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, sounds + 1):
        for kind in ("original", "reconstruction"):
            with wave.open(str(folder / f"{kind}-{number:02}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(11_025)
                file.writeframes(_plucked(number, blur if kind == "reconstruction" else 0))
    return folder


@cache
def _plucked(number: int, blur: int) -> bytes:
    """A plucked string in 16 bits; 0 blurs nothing."""
    chance = random.Random(number)
    samples = []
    for i in range(11_025):
        t = i / 11_025
        value = sum(
            math.sin(2 * math.pi * 110 * number * part * t) * math.exp(-t * (3 + part)) / part
            for part in range(1, 14 - number * 2)
            if part * blur < 14
        )
        value += chance.gauss(0, 0.002 * blur if blur else 0.0004) + chance.gauss(0, 0.5) * math.exp(-t * 90)
        samples.append(max(-32768, min(32767, round(9000 * value))))
    return b"".join(value.to_bytes(2, "little", signed=True) for value in samples)
