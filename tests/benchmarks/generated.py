"""New sounds: a codec and a prior of some minutes, and how good and how new their takes are.

    python -m tests.benchmarks.generated FOLDER|notes [--minutes 3] [--prior-minutes 2] [--takes 64] [--seed S]
        [--set KEY=VALUE ...] [--prior-set KEY=VALUE ...] [--temperature T,..] [--top-p P,..] [--label] [--methods M,..]
        [--home DIR] [--generator NAME] [--measure FILE --aisfx DIR] [--sounds DIR] [--picture FILE.png] [--json FILE]

Every fifth file by path is held out. A codec is trained, a prior for it, and sets of takes are measured as `models
evaluate` does. `--home` keeps runs and models, and `--generator` then takes one that is there. `--measure` is a script
with the arguments TRAINING HELD_OUT GENERATED --aisfx DIR --json, which measures the same sets with an embedding that
was trained on sound effects (pip install --no-deps --target DIR aisfx==0.1.2; it needs scipy): columns with a star.
`--picture` draws sixteen takes of the prior.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.data.audio_io import write_sound
from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.evaluate import LABELS, Evaluator, requests_by_label, takes_of, waves_of
from distill_tui.engine.generate.make import Maker
from distill_tui.engine.generate.nearest import MelSteps, SlidingSearch
from distill_tui.engine.generate.novelty import Judge
from distill_tui.engine.generate.references import encoded_again
from distill_tui.engine.inference.model import Model
from distill_tui.paths import Home
from distill_tui.reporting import generator_quality
from distill_tui.takes.request import Request
from tests.benchmarks.sound import write_notes
from tests.benchmarks.spectrograms import GAP, HOP, SECONDS, decibels, painted, write_png

STARS = ("kad", "coverage", "one_nn", "newer", "copies", "diversity")
PICTURED = 16


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = Home(options.home or work / "home")
        data = write_notes(work / "notes") if options.data == "notes" else Path(options.data)
        model = train(home, data, options)
        maker = Maker.open(model, home, with_judge=False)
        rows = list(measured(maker, home, options, options.sounds or work / "sounds"))
        if options.picture:
            pictured = next((one["name"] for one in rows if one["name"] == LABELS), rows[0]["name"])
            picture(options.picture, (options.sounds or work / "sounds") / pictured.replace(" ", "-"))
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps(rows))


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a folder of sounds, or notes")
    parser.add_argument("--minutes", default="3")
    parser.add_argument("--prior-minutes", default="2")
    parser.add_argument("--takes", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--prior-set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--temperature", type=numbers, default=())
    parser.add_argument("--top-p", type=numbers, default=())
    parser.add_argument("--methods", type=lambda text: text.split(","), default=["prior", "label", "blend", "walk"])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--codec", default="", help="one of the home, in place of training it")
    parser.add_argument("--generator", default="", help="one of the home, in place of training both")
    parser.add_argument("--measure", type=Path)
    parser.add_argument("--aisfx", type=Path)
    parser.add_argument("--sounds", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def train(home: Home, data: Path, options: argparse.Namespace) -> Path:
    """Train codec and prior; the generator's file."""
    name = options.generator
    if not name:
        codec = options.codec or f"{data.name}-codec"
        seed = ["--seed", str(options.seed), "--plain", "--home", str(home.root)]
        if not options.codec:
            own = ["data.validation_fraction=0.2", *options.set]
            program("train", str(data), "--name", codec, "--minutes", options.minutes, *seed, *settings(own))
        name = f"{codec}-prior"
        began = time.monotonic()
        given = ["train-prior", codec, "--name", name, "--minutes", options.prior_minutes]
        program(*given, *seed, *settings(options.prior_set))
        print(f"prior: {time.monotonic() - began:.0f} s", file=sys.stderr)
    models = sorted(home.models.glob(f"{name}*.distill"), key=lambda file: file.stat().st_mtime)
    return models[-1]


def program(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "distill_tui", *arguments], stdout=subprocess.PIPE, text=True)
    print(*done.stdout.splitlines()[-45:-20], sep="\n", file=sys.stderr)
    if done.returncode:
        raise SystemExit(done.returncode)


def settings(pairs: Sequence[str]) -> list[str]:
    return [part for pair in pairs for part in ("--set", pair)]


def measured(maker: Maker, home: Home, options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """The measures of each set; its sounds are left in a folder of its name."""
    codec, bank = maker.codec.model, maker.bank
    judge = Judge(bank, codec, home.cache)
    evaluator = Evaluator(bank, codec, judge)
    by_half = ByHalfAFrame(evaluator.training, codec)
    real = {"training": evaluator.training, "held-out": evaluator.held_out}
    for name, part in real.items():
        write(folder / name, waves_of(part, codec), codec.sample_rate)
    for method in options.methods:
        name = LABELS if method == "label" else method
        common = {"temperature": options.temperature, "top_p": options.top_p} if method in ("prior", "label") else {}
        if method == "label" and not maker.labels:
            continue
        if method == "label":
            requests = list(requests_by_label(evaluator.training, options.takes, options.seed))
        else:
            requests = [Request(method=method, count=options.takes, seed=options.seed)]
        began = time.process_time()
        waves, codes = takes_of(maker, [msgspec.structs.replace(request, **common) for request in requests])
        spent = (time.process_time() - began) / sum(len(wave) / codec.sample_rate for wave in waves)
        asked = [request.label for request in requests for _ in range(request.count)]
        score = evaluator.score(name, waves, codes, asked)
        yield {**row(score, waves, folder, options, codec, by_half), "CPU-s a second": spent}
    score = evaluator.held_out_score()
    yield row(score, waves_of(evaluator.held_out, codec), folder, options, codec, by_half)


def row(
    score: Any, waves: list[Tensor], folder: Path, options: argparse.Namespace, codec: Model, by_half: "ByHalfAFrame"
) -> dict[str, Any]:
    name = score.name.replace(" ", "-")
    write(folder / name, waves, codec.sample_rate)
    found: dict[str, Any] = msgspec.to_builtins(score) | {"half": median(map(by_half, waves))}
    if options.measure:
        given = [str(folder / "training"), str(folder / "held-out"), str(folder / name)]
        command = [sys.executable, str(options.measure), *given, "--aisfx", str(options.aisfx), "--json"]
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        found |= {f"{key}*": value for key, value in json.loads(output).items()}
    print(name, {key: round(value, 3) for key, value in found.items() if isinstance(value, float)}, file=sys.stderr)
    return found


class ByHalfAFrame:
    """How far a take is from its nearest training sound, beside a copy of that half a frame later and 3 dB softer.

    This is how takes were compared before training sounds were encoded again at other places of the frame.
    """

    def __init__(self, training: CodeBank, codec: Model) -> None:
        self._mel, self._hop, self._codec = MelSteps(codec.sample_rate), codec.net.latent_hop, codec
        self._waves = waves_of(training, codec)
        steps = [self._mel(wave) for wave in self._waves]
        self._search = SlidingSearch(steps, max(one.shape[1] for one in steps))
        self._copies: dict[int, float] = {}

    def __call__(self, wave: Tensor) -> float:
        place = self._search.nearest(self._mel(wave))
        if place.row not in self._copies:
            later = self._hop // 2
            (copy,) = encoded_again(self._codec, 10 ** (-3 / 20) * self._waves[place.row], [later])
            self._copies[place.row] = float(self._search(self._mel(copy[later:]))[0][place.row])
        return place.distance / max(self._copies[place.row], 1e-3)


def write(folder: Path, waves: Sequence[Tensor], rate: int) -> None:
    if not folder.exists():
        for number, wave in enumerate(waves):
            write_sound(folder / f"{number:03d}.wav", [wave.numpy()], rate)


def picture(file: Path, folder: Path) -> None:
    """Sixteen takes spread over a set, four a row: SECONDS of each, on the scale of its own loudest bin."""
    files = sorted(folder.glob("*.wav"))
    panels = [_panel(files[place * len(files) // PICTURED]) for place in range(PICTURED)]
    rows = [_joined(panels[first : first + 4], 1) for first in range(0, PICTURED, 4)]
    write_png(file, _joined(rows, 0))


def _panel(file: Path) -> NDArray[np.uint8]:
    spectrum = decibels(file)
    wave_rate = soundfile.info(file).samplerate
    steps = int(SECONDS * wave_rate / HOP)
    silence = np.full((len(spectrum), max(0, steps - spectrum.shape[1])), -999.0)
    return painted(np.concatenate((spectrum - spectrum.max(), silence), 1))


def _joined(pictures: Sequence[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    """Pictures beside or below one another, white between them."""
    shape = list(pictures[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, 255, np.uint8)
    return np.concatenate([part for one in pictures for part in (one, gap)][:-1], axis)


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """The rows in Markdown."""
    keys = [measure.key for measure in generator_quality.MEASURES]
    stars = [f"{key}*" for key in STARS if f"{key}*" in rows[0]]
    heads = [measure.head for measure in generator_quality.MEASURES]
    print("|", " | ".join(["set", *stars, *heads, "by half a frame", "CPU-s a second"]), "|")
    print("|" + "---|" * (3 + len(stars) + len(heads)))
    for one in rows:
        cells = [f"{one[key]:.2f}" for key in stars]
        cells += [generator_quality.value_text(key, one[key]) for key in keys]
        spent = one.get("CPU-s a second")
        print("|", " | ".join([one["name"], *cells, f"{one['half']:.2f}", f"{spent:.3f}" if spent else "-"]), "|")


if __name__ == "__main__":
    main(sys.argv[1:])
