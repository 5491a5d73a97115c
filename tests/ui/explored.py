"""Explorer runs and their maps as the worker leaves them, made from a seed: what the Explorer's tests look at."""

import math
import random
from functools import cache
from typing import Any

from distill_tui.data.images.dataset import Pictures
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.presets import EXPLORE, layered
from distill_tui.runs import events as e
from distill_tui.runs.codebook_map import CodebookMap, Level, Picture, Place, Point, write_map
from distill_tui.runs.folder import RunFolder
from tests.ui.recorded import Recorder

STEPS_AN_EPOCH = 56
CODES = 16
DEAD = ({3, 11}, {0, 5, 6, 9})
"""Codes of each level that are not used."""


def make_run(home: Home, name: str = "figures", stamp: str = "20260225-061320", **values: Any) -> RunFolder:
    """A run's folder with its recipe and pictures, and no event yet. `values` are of the recipe, `__` for the dot."""
    run = RunFolder(home.runs / f"{stamp}-{name}")
    run.path.mkdir(parents=True)
    more = {key.replace("__", "."): value for key, value in values.items()}
    toml.save(layered(EXPLORE, {"name": name, **more}), run.recipe)
    Pictures(
        training=3600, validation=400, validation_fraction=0.1, note="no data was given: figures like digits are drawn"
    ).save(run.pictures)
    return run


def start(run: RunFolder) -> Recorder:
    """The events of a start."""
    recorder = Recorder(run)
    recorder.write(
        e.Started(run=run.id, name=run.id.split("-", 2)[-1], pid=4242, program="0.1.0", host="box"),
        e.StateChanged(state="starting"),
        e.RunPrepared(
            device="cpu",
            precision="float32",
            parameters=460_000,
            rate=0,
            frame_rate=0.0,
            kbps=0.0,
            codebook_size=CODES,
            levels=2,
            training_files=3600,
            validation_files=400,
            training_seconds=0.0,
            validation_seconds=0.0,
            steps_per_epoch=STEPS_AN_EPOCH,
            total_epochs=100,
        ),
        e.StateChanged(state="running", step=0),
    )
    return recorder


def metrics(step: int, kl: float | None = None) -> e.Metrics:
    """The numbers of a step; those of a VAE with the KL of its latents."""
    chance = random.Random(step)
    recon = 0.03 + 0.07 * math.exp(-step / 500) * chance.uniform(0.95, 1.05)
    values: dict[str, float | None] = {"loss/recon": recon, "time/step": 0.0097, "rate/pictures": 6600.0, "lr": 1e-3}
    if kl is None:
        commit = 0.02 + 0.3 * math.exp(-step / 300) * chance.uniform(0.9, 1.1)
        values |= {"loss/commit": commit, "loss/codebook": commit * 1.2, "loss/train": recon + 1.45 * commit}
    else:
        values |= {"loss/kl": kl, "latent/kl": kl, "loss/train": recon + 0.001 * kl}
    return e.Metrics(
        scope="step",
        step=step,
        epoch=step // STEPS_AN_EPOCH + 1,
        values=values,
        low={key: 0.95 * value for key, value in values.items() if key.startswith("loss/") and value is not None},
        high={key: 1.05 * value for key, value in values.items() if key.startswith("loss/") and value is not None},
        progress=step / (100 * STEPS_AN_EPOCH),
        eta_seconds=(100 * STEPS_AN_EPOCH - step) * 0.0097,
    )


def running(home: Home, kl: float | None = None, **values: Any) -> RunFolder:
    """1,700 steps done, with a map; the worker lives only while somebody holds the run."""
    more = {"model__quantizer": "vae"} if kl is not None else {}
    run = make_run(home, **more, **values)
    recorder = start(run)
    for step in range(20, 1701, 20):
        recorder.write(metrics(step, kl))
    recorder.write(e.Metrics(scope="epoch", step=1700, epoch=30, values={"loss/val": 0.041}, progress=0.3))
    write_map(run.map, a_map(levels=0 if kl is not None else 2))
    return run


def centre(label: int, time: float = 0.0) -> Point:
    """Where the points of a label lie."""
    angle = 2 * math.pi * (label / 10 + 0.02 * math.sin(time / 3 + label))
    far = 2.6 if label % 2 else 1.4
    return far * math.cos(angle), far * math.sin(angle)


def a_map(time: float = 0.0, levels: int = 2, step: int = 1700, dims: int = 2, points: int = 400) -> CodebookMap:
    """Ten clusters and two levels of codes, as they are at some `time` in seconds."""
    chance = random.Random(4)
    labels = [i % 10 for i in range(points)]
    places = []
    for label in labels:
        x, y = centre(label, time)
        places.append((x + chance.gauss(0, 0.28), y + chance.gauss(0, 0.28)))
    left, found = places, []
    for number in range(levels):
        codes = _codes(number, time)
        alive = [code for code in range(CODES) if code not in DEAD[number]]
        chosen = [min(alive, key=lambda code: math.dist(codes[code], point)) for point in left]
        counts = [0] * CODES
        for code in chosen:
            counts[code] += 16
        trail = [_codes(number, time - 12 + 0.5 * then) for then in range(24)]
        found.append(Level(codes=codes, counts=counts, chosen=chosen, trail=trail))
        left = [(x - codes[code][0], y - codes[code][1]) for (x, y), code in zip(left, chosen, strict=True)]
    return CodebookMap(
        step=step,
        epoch=step // STEPS_AN_EPOCH + 1,
        dims=dims,
        explained=1.0 if dims == 2 else 0.63,
        points=places,
        labels=labels,
        groups=[str(digit) for digit in range(10)],
        levels=found,
        trail_steps=[step - 1150 + 50 * i for i in range(24)] if levels else [],
        inputs=[a_picture(digit, 0.0) for digit in range(8)],
        outputs=[a_picture(digit, 1.1 + 0.2 * math.sin(time)) for digit in range(8)],
        pictures_step=step // 50 * 50,
        batches=100,
    )


def _codes(level: int, time: float) -> list[Point]:
    chance = random.Random(30 + level)
    if level == 0:
        codes = []
        for code in range(CODES):
            x, y = centre(code * 10 // CODES, time)
            codes.append((x + chance.gauss(0, 0.3), y + chance.gauss(0, 0.3)))
        return codes
    reach = 0.5 + 0.05 * math.sin(time / 2)
    return [(chance.gauss(0, reach), chance.gauss(0, reach)) for _ in range(CODES)]


@cache
def a_picture(number: int, blur: float) -> Picture:
    """A ring or a bar, soft at its edges by so many pixels."""
    pixels = bytearray()
    for y in range(28):
        for x in range(28):
            dx, dy = x - 13.5, y - 13.5
            far = (
                abs(math.hypot(dx, dy * 0.8) - 8) if number % 2 else abs(dx * math.cos(number) + dy * math.sin(number))
            )
            inside = 1.6 - far if math.hypot(dx, dy) < 11 else -1.0
            pixels.append(round(255 * min(1.0, max(0.0, (inside + blur) / (0.8 + 2 * blur)))))
    return Picture(width=28, height=28, pixels=bytes(pixels))


def sound_map() -> CodebookMap:
    """A map of sounds in folders, with names and with places of each code."""
    found = a_map(dims=64)
    folders = ["kicks", "snares", "hats", "toms", "bass", "voices", "strings", "[b]raw", "pads", "others"]
    found.groups = folders
    found.names = [f"{folders[label]}/{label}-{i:03}.wav" for i, label in enumerate(found.labels)]
    found.starts = [round(i % 9 * 0.3, 3) for i in range(len(found.names))]
    found.inputs, found.outputs, found.trail_steps, found.batches = [], [], [], 0
    for level in found.levels:
        level.trail = []
        level.places = [
            [Place(f"{folders[code % 10]}/{code}-{n:03}.wav", 61.3 * n + code, 40 - 9 * n) for n in range(3)]
            if level.counts[code]
            else []
            for code in range(CODES)
        ]
    known = {place.file for level in found.levels for places in level.places for place in places}
    found.files = {name: f"/sounds/drums/{name}" for name in sorted(known | set(found.names))}
    # what the first level leaves has a plane of its own
    later = found.levels[1]
    after = [found.levels[0].codes[code] for code in found.levels[0].chosen]
    steps = [later.codes[code] for code in later.chosen]
    later.sums = [(x + dx, y + dy) for (x, y), (dx, dy) in zip(after, steps, strict=True)]
    left = [(x - dx, y - dy) for (x, y), (dx, dy) in zip(found.points, after, strict=True)]
    later.entering, later.codes = [(-y, x) for x, y in left], [(-y, x) for x, y in later.codes]
    later.explained = 0.41
    return found


def vae_map(dims: int = 16) -> CodebookMap:
    """A map of sounds that a VAE learned: no codes, but nats in each dimension."""
    found = sound_map()
    found.levels, found.dims = [], dims
    found.kl = [round(1.6 * 0.5**i, 4) for i in range(dims)]
    return found
