"""Measure training and print one line of JSON: `python -m distill_tui.engine.bench --device cpu --seconds 30`.

A wrong request is told as {"error": ..., "hint": ...} with exit code 2, like every other.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from distill_tui.errors import DistillError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="distill_tui.engine.bench", description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=30.0, help="of measuring, about")
    options = parser.parse_args(arguments)
    try:
        result: dict[str, Any] = measure(options.device, options.seconds)
    except DistillError as error:
        print(json.dumps({"error": error.message, "hint": error.hint}))
        return error.exit_code
    print(json.dumps(result))
    return 0


def measure(device: str, seconds: float) -> dict[str, Any]:
    """What training costs on this machine, a third of the time for its parts and the rest against the bare loop.

    Raises:
        DistillError: the device cannot be used.
    """
    from distill_tui.engine.bench.ratio import measure_ratio
    from distill_tui.engine.bench.split import PARTS, measure_split
    from distill_tui.engine.bench.subject import make_trainer, noises, peak_memory
    from distill_tui.machine import this_machine

    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(Path(folder), noises(60.0), this_machine(), device)
        warm_up = 1 if seconds < 10 else 3
        steps, spent = measure_split(trainer, seconds / 3, warm_up)
        memory = peak_memory(trainer.device)
        ratio = measure_ratio(trainer, seconds * 2 / 3, min(1.0, seconds / 15), warm_up)
        trainer.log.close()
    sound, whole = trainer.task.per_step, sum(float(spent[part][0]) for part in PARTS)
    step, bare = (statistics.median(float(block[0]) for block in blocks) for blocks in (ratio.trainer, ratio.bare))
    low, middle, high = ratio.quartiles(0)
    return {
        **_machine(trainer),
        "batch_size": int(trainer.recipe.train.batch_size),
        "crop_seconds": float(trainer.recipe.data.crop_seconds),
        "rate": int(trainer.recipe.model.sample_rate),
        "parameters": sum(p.numel() for p in trainer.net.parameters()),
        "sound_seconds_per_second": sound / step,
        "bare_sound_seconds_per_second": sound / bare,
        "ratio": middle,
        "ratio_quartiles": [low, high],
        "cpu_ratio": ratio.quartiles(1)[1],
        "steps": ratio.steps,
        "step_seconds": step,
        "parts": {
            part: {
                "what": PARTS[part],
                "share": float(spent[part][0] / whole),
                "seconds": float(spent[part][0] / steps),
                "cpu_seconds": float(spent[part][1] / steps),
            }
            for part in PARTS
        },
        "validation_seconds": float(spent["validation"][0]),
        "memory_mib": memory,
    }


def _machine(trainer: Any) -> dict[str, Any]:
    import torch

    device: torch.device = trainer.device
    return {
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "precision": str(trainer.precision).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
