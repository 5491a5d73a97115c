"""How a model sounds: a training of some minutes or steps, judged on sounds that it never heard.

    python -m tests.benchmarks.sound FOLDER|notes [--minutes 3 | --steps N] [--seed S] [--set KEY=VALUE ...]
        [--json FILE] [--sounds FOLDER]

Every fifth file by path is held out. `mel`, `lsd`, `buzz`, `level` and `attack` are means over them, those of
engine/dsp/hearing.py; `flutter` is how much more restless than in the original the loud bins above 1 kHz are from
frame to frame, in dB: 0 for a steady partial that stays steady. `notes` are 60 synthesised ones: plucked strings, FM,
pads, and flutes with breath.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distill_tui.data.audio_io import write_sound
from distill_tui.data.scan import scan
from distill_tui.engine.device import choose_device, choose_precision
from distill_tui.engine.dsp.hearing import hear
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.dsp.stft import FLOOR
from distill_tui.engine.inference.evaluate import heard_distances, spectral_distances
from distill_tui.engine.tasks.codec import CodecTask
from distill_tui.engine.training.trainer import Trainer
from distill_tui.machine import this_machine
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.arithmetic import bitrate_kbps
from distill_tui.recipe.fields import fields, parse, with_values
from distill_tui.recipe.presets import PRESETS
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter
from distill_tui.runs.service import create_run

EPOCHS = 6
"""Of a training by steps."""
LOUD_DB = 25.0
"""Bins that are this near to the loudest one count in the flutter."""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a folder of sounds, or notes")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sounds", type=Path, help="where to write held-out sounds and their reconstructions")
    options = parser.parse_args(arguments)
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = write_notes(work / "notes") if options.data == "notes" else Path(options.data)
        trainer = make_trainer(Home(work / "home"), data, options)
        cpu = time.process_time()
        trainer.run()
        found = facts(trainer) | {"cpu_s": round(time.process_time() - cpu, 1)} | judge(trainer, options.sounds)
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found))


def make_trainer(home: Home, data: Path, options: argparse.Namespace) -> Trainer:
    """A trainer as a run has it, of the balanced preset with the values of `--set`."""
    values: dict[str, Any] = {"train.seed": options.seed, "train.preview_every": 0}
    if options.steps:
        values |= {"train.steps_per_epoch": options.steps // EPOCHS, "train.epochs": EPOCHS}
    else:
        values["train.minutes"] = options.minutes
    for setting in options.set:
        key, _, value = setting.partition("=")
        values[key], problem = parse(fields()[key], value)
        if problem:
            raise SystemExit(f"{key}: {problem}")
    home.root.mkdir(parents=True, exist_ok=True)
    recipe = with_values(Recipe(), PRESETS["balanced"] | values)
    run: RunFolder = create_run(home, recipe, scan([data], 0.2, home), this_machine()).folder
    recipe = toml.load(run.recipe)
    device, warning = choose_device(recipe)
    if warning:
        print(warning, file=sys.stderr)
    task = CodecTask.from_data(home, CodecTask.load_data(run), recipe, device)
    return Trainer(run, recipe, task, device, choose_precision(recipe, device), LogWriter(run.events))


def facts(trainer: Trainer) -> dict[str, Any]:
    recipe = trainer.recipe
    return {
        "seed": recipe.train.seed,
        "steps": trainer.step,
        "seconds": round(trainer.clock.seconds, 1),
        "kbps": round(bitrate_kbps(recipe), 3),
        "channels": recipe.model.channels,
        "blocks": [recipe.model.encoder_blocks, recipe.model.decoder_blocks],
        "window": [recipe.model.n_fft, recipe.model.hop_length, recipe.model.stride],
        "kept_step": trainer.best.get("step"),
    }


@torch.no_grad()
def judge(trainer: Trainer, folder: Path | None) -> dict[str, Any]:
    """Means, and the medians of what has a sign, over the held-out sounds."""
    rate, net = int(trainer.recipe.model.sample_rate), trainer.ema_net.eval()
    if trainer.best["weights"] is not None:
        net.load_state_dict(trainer.best["weights"])
    loss = SpectralLoss(rate).to(trainer.device)
    rows = []
    task = trainer.task
    assert isinstance(task, CodecTask)
    for number, wave in enumerate(task.waves["validation"]):
        sound = torch.from_numpy(np.array(wave[: len(wave)])).float().to(trainer.device)
        made = net(net.pad_to_frames(sound[None]))[0][0, : len(sound)].float()
        values = spectral_distances(loss, sound, made, with_stft=False)
        values |= heard_distances(made, rate, hear(sound, rate))
        rows.append({key: float(value) for key, value in values.items()} | {"flutter": flutter(sound, made, rate)})
        if folder is not None:
            write_sound(folder / f"{number:02d}-original.wav", [sound.cpu().numpy()], rate)
            write_sound(folder / f"{number:02d}-reconstruction.wav", [made.cpu().numpy()], rate)
    found = {key: round(float(np.nanmean([abs(row[key]) for row in rows])), 4) for key in rows[0]}
    signed = {f"{key} median": round(float(np.median([row[key] for row in rows])), 2) for key in ("level", "attack")}
    return (
        found | signed | {"buzz median": round(float(np.median([row["buzz"] for row in rows])), 3), "files": len(rows)}
    )


def flutter(sound: Tensor, made: Tensor, rate: int) -> float:
    """How much more the level of bins changes from one frame to the next than in the original, in dB; NaN for no such
    bin."""
    a, b = (20 * _magnitudes(x, 1024, 256).log10() for x in (sound, made))
    loudest = a.mean(1)
    loud = (loudest > loudest.max() - LOUD_DB) & (torch.arange(len(a), device=a.device) * rate / 1024 > 1000)
    if a.shape[1] < 8 or not loud.any():
        return float("nan")
    restless = [(x[loud, 1:] - x[loud, :-1]).std(dim=1).mean() for x in (a, b)]
    return float(restless[1] - restless[0])


def _magnitudes(wave: Tensor, size: int, hop: int) -> Tensor:
    window = torch.hann_window(size, device=wave.device)
    wave = torch.nn.functional.pad(wave, (0, max(0, size - len(wave))))
    return torch.stft(wave, size, hop, window=window, return_complex=True).abs().clamp(min=FLOOR)


def write_notes(folder: Path, count: int = 60, rate: int = 22050) -> Path:
    """Write notes of 1 to 2.5 s: a quarter plucked strings (Karplus and Strong 1983), FM, pads, flutes."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    for number in range(count):
        kind = ("plucked", "fm", "pad", "flute")[number % 4]
        hertz = 110 * 2 ** (random.integers(0, 37) / 12)
        time_ = np.arange(int(rate * random.uniform(1.0, 2.5))) / rate
        wave = _note(kind, hertz, time_, rate, random)
        ends = np.minimum(1, time_ / 0.003) * np.minimum(1, (time_[-1] - time_) / 0.03)
        wave = 0.4 * wave / np.abs(wave).max() * ends
        write_sound(folder / f"{number:02d}-{kind}.wav", [wave.astype(np.float32)], rate)
    return folder


def _note(kind: str, hertz: float, time_: np.ndarray, rate: int, random: np.random.Generator) -> Any:
    turn = 2 * np.pi * hertz * time_
    if kind == "plucked":
        string, wave = random.uniform(-1, 1, round(rate / hertz)), np.zeros(len(time_))
        for i in range(len(wave)):
            wave[i] = string[i % len(string)]
            string[i % len(string)] = 0.498 * (wave[i] + string[(i + 1) % len(string)])
        return wave
    if kind == "fm":
        return np.sin(turn + random.uniform(1, 5) * np.exp(-2 * time_) * np.sin(random.integers(1, 5) * turn))
    partials = range(1, 1 + min(12, int((rate / 2 - 500) // hertz)))
    if kind == "pad":
        swell = np.minimum(1, time_ / 0.3)
        return swell * sum(np.sin(k * turn * (1 + d) + random.uniform(0, 6)) / k for k in partials for d in (0, 0.003))
    breath = 0.1 * np.diff(random.normal(size=len(time_) + 1))
    vibrato = 0.3 * np.sin(2 * np.pi * 5 * time_)
    return sum(np.sin(k * (turn + vibrato)) / k**2 for k in partials) + breath


if __name__ == "__main__":
    main(sys.argv[1:])
