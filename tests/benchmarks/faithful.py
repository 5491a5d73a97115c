"""The faithful preset against the same without its adversarial part, at equal time, on the sounds of a folder.

    python -m tests.benchmarks.faithful --data FOLDER --json FILE [--steps N] [--seed S] [--device D] [--set KEY=VALUE]

Every fifth file by path is held out. The plain training takes N steps; the faithful one gets the time that these took
as its budget. Both are judged by the weights that a run would save, on at most SECONDS of each held-out sound: `mel`
and `lsd` of spectra, `buzz` (what is above 1 kHz repeats itself more than in the original), `level` and `attack`
(absolute errors in dB), as means over files. Beside FILE, in a folder of its name, are some sounds: original, plain,
faithful.
"""

import argparse
import copy
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill_tui.data.audio_io import write_sound
from distill_tui.data.scan import scan
from distill_tui.engine.device import choose_device, choose_precision
from distill_tui.engine.dsp.hearing import hear
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference.evaluate import heard_distances, spectral_distances
from distill_tui.engine.tasks.codec import CodecTask
from distill_tui.engine.tasks.selection import choose_different
from distill_tui.engine.training.trainer import Trainer
from distill_tui.machine import this_machine
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import fields, parse, with_values
from distill_tui.recipe.presets import PRESETS
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter, read_events
from distill_tui.runs.service import create_run

SECONDS = 5.0
"""Of a held-out sound."""
EPOCHS = 6
"""Of the plain training; the faithful one's have as many steps."""
WARM_UP_STEPS = 3
SHOWN = 6
"""Sounds that are written."""


def make_trainer(home: Home, folder: Path, values: dict[str, Any]) -> Trainer:
    """A trainer of the faithful preset with other values, its run in `home`."""
    recipe = with_values(Recipe(), PRESETS["faithful"] | values)
    run: RunFolder = create_run(home, recipe, scan([folder], 0.2, home), this_machine()).folder
    recipe = toml.load(run.recipe)
    device, warning = choose_device(recipe)
    if warning:
        print(warning, file=sys.stderr)
    task = CodecTask.from_data(home, CodecTask.load_data(run), recipe, device)
    return Trainer(run, recipe, task, device, choose_precision(recipe, device), LogWriter(run.events))


def train(trainer: Trainer, folder: Path) -> dict[str, Any]:
    """Train to the end; what happened. The net then has the best epoch's weights.

    `before` has the numbers of the weights that an adversarial part began from; the time that they take counts nowhere.
    """
    began = time.monotonic()
    task, before = trainer.task, None
    assert isinstance(task, CodecTask)
    if not trainer.run(until=lambda: task.part is not None):
        judged = copy.deepcopy(trainer.ema_net)
        judged.load_state_dict(trainer.best["weights"])
        before = judge(trainer, judged, folder, "before")
        trainer.run()
    log = list(read_events(trainer.run_folder.events))
    trainer.log.close()
    trainer.ema_net.load_state_dict(trainer.best["weights"])
    begins = [event.step for event in log if isinstance(event, e.AdversarialStarted)]
    epochs = [event for event in log if isinstance(event, e.Metrics) and event.scope == "epoch"]
    return {
        "seconds": round(trainer.clock.seconds, 2),
        "wall_seconds": round(time.monotonic() - began, 2),
        "steps": trainer.step,
        "adversarial_from": begins[0] if begins else None,
        "before": before,
        "best_step": trainer.best["step"],
        "step_seconds": {
            event.step: event.values["time/step"]
            for event in log
            if isinstance(event, e.Metrics) and event.scope == "step"
        },
        "epochs": [{"step": event.step} | event.values for event in epochs],
        "warnings": [f"{event.code}: {event.text}" for event in log if isinstance(event, e.WarningRaised)],
    }


@torch.no_grad()
def reconstruct(net: Any, wave: np.ndarray) -> np.ndarray:
    """A sound through the codes of a net."""
    whole = net.pad_to_frames(torch.from_numpy(np.array(wave)).to(net.device)[None])
    samples: np.ndarray = net(whole)[0][0, : len(wave)].float().cpu().numpy()
    return samples


def distances(original: np.ndarray, reconstruction: np.ndarray, rate: int) -> dict[str, float]:
    """The five numbers of a sound."""
    x, y = torch.from_numpy(np.array(original)), torch.from_numpy(reconstruction)
    values = spectral_distances(SpectralLoss(rate), x, y, with_stft=False)
    values |= heard_distances(y, rate, hear(x, rate))
    return {key: abs(float(value)) for key, value in values.items()}


def judge(trainer: Trainer, net: Any, folder: Path, name: str) -> dict[str, Any]:
    """Mean numbers of a net for held-out sounds, of all and by sub-folder; some of them are written into `folder`."""
    task = trainer.task
    assert isinstance(task, CodecTask)
    rate = task.sample_rate
    waves = [wave[: int(SECONDS * rate)] for wave in task.waves["validation"]]
    names = [wave.sound.name for wave in task.waves["validation"]]  # type: ignore[attr-defined]
    shown = set(choose_different(waves, [str(Path(n).parent) for n in names], rate, SHOWN))
    rows: dict[str, list[dict[str, float]]] = {}
    for number, (wave, sound) in enumerate(zip(waves, names, strict=True)):
        made = reconstruct(net, wave)
        row = distances(np.asarray(wave), made, rate)
        rows.setdefault("all", []).append(row)
        rows.setdefault(str(Path(sound).parent), []).append(row)
        if number in shown:
            stem = Path(sound).with_suffix("").as_posix().replace("/", "-")
            write_sound(folder / f"{stem}-original.wav", [np.asarray(wave)], rate)
            write_sound(folder / f"{stem}-{name}.wav", [made], rate)
    return {
        group: {key: round(float(np.mean([row[key] for row in some])), 4) for key in some[0]} | {"files": len(some)}
        for group, some in rows.items()
    }


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Train both and judge them."""
    common: dict[str, Any] = {
        "train.seed": options.seed,
        "train.device": options.device,
        "train.epochs": EPOCHS,
        "train.steps_per_epoch": max(1, -(-options.steps // EPOCHS)),
        "train.preview_every": 0,
        "train.checkpoint_minutes": 1440.0,
    }
    common |= dict(_value(text) for text in options.set)
    sounds: Path = options.json.with_suffix("")
    sounds.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"data": str(options.data), "seed": options.seed}
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        # what a device does when it is first used is no part of either
        warm = make_trainer(home, options.data, common)
        warm.run(until=WARM_UP_STEPS)
        warm.log.close()
        seconds = 0.0
        for name in ("plain", "faithful"):
            values = {"train.adversarial_fraction": 0.0} if name == "plain" else {"train.minutes": seconds / 60}
            trainer = make_trainer(home, options.data, common | values)
            report[name] = train(trainer, sounds)
            seconds = trainer.clock.seconds
            report[name]["distances"] = judge(trainer, trainer.ema_net, sounds, name)
            report["device"], report["precision"] = str(trainer.device), str(trainer.precision)
            if trainer.device.type == "cuda":
                report["card"] = torch.cuda.get_device_name(trainer.device)
                report[name]["peak_mib"] = round(torch.cuda.max_memory_allocated(trainer.device) / 2**20)
                torch.cuda.reset_peak_memory_stats(trainer.device)
            print(summary(name, report[name]), flush=True)
            options.json.write_text(json.dumps(report, indent=1))
    return report


def summary(name: str, found: dict[str, Any]) -> str:
    """One training in lines."""
    begins = found["adversarial_from"]
    steps = f"{found['steps']} steps" + (f", adversarial from {begins}" if begins is not None else "")
    numbers = numbers_text(found["distances"])
    if found["before"]:
        numbers += f"\n          {numbers_text(found['before'])} before the adversarial part"
    told = "".join(f"\n  {text}" for text in found["warnings"])
    return f"{name:9} {found['seconds']:7.1f} s  {steps}; kept: step {found['best_step']}\n          {numbers}{told}"


def numbers_text(distances: dict[str, Any]) -> str:
    """The means of all sounds in a line."""
    return "  ".join(f"{key} {value:.3f}" for key, value in distances["all"].items() if key != "files")


def _value(text: str) -> tuple[str, Any]:
    key, _, value = text.partition("=")
    parsed, problem = parse(fields()[key], value)
    if problem:
        sys.exit(f"{key}: {problem}")
    return key, parsed


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder of sounds")
    parser.add_argument("--json", type=Path, required=True, help="the report; sounds are written beside it")
    parser.add_argument("--steps", type=int, default=1500, help="of the plain training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the recipe of both")
    compare(parser.parse_args(arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
