"""The pace of this machine: a few training steps on noise. `python -m distill_tui.engine.probe --home H --recipe JSON`.

The recipe is a resolved one, flat. What was measured is kept with the paces of runs, and printed as one line of JSON. A
wrong request is told as {"error": ..., "hint": ...}, like every other.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from distill_tui.errors import DistillError
from distill_tui.machine import cores
from distill_tui.paths import find_home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe

WARM_UP, LEAST_STEPS = 3, 5
"""Steps that are not counted, as the first ones choose kernels and take memory; and those that are, at least."""
SECONDS, MOST_SECONDS = 2.0, 20.0
"""Of measuring: more steps until the first, none after the second."""
BUSY = 0.75
"""Load for each core, before the probe, from which the processors are busy with other programs."""
SETTINGS: dict[str, Any] = {
    # from the first step as in the longest part of a training, and never near its end, or an epoch's
    "train.quantizer_warmup_fraction": 0.0,
    "train.adversarial_fraction": 0.0,
    "train.epochs": 1_000_000,
    "train.steps_per_epoch": 10_000,
    "train.minutes": 0.0,
    "train.preview_every": 0,
    "train.checkpoint_minutes": 1440.0,
    "train.start_from": "",
    # it takes a minute, and only what pays is kept
    "train.compile": "off",
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="distill_tui.engine.probe", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--recipe", required=True, help="flat values of a resolved recipe, as JSON")
    options = parser.parse_args(arguments)
    try:
        recipe = with_values(Recipe(), json.loads(options.recipe))
        is_busy = _load() > BUSY
        device, seconds, steps = measure(recipe)

        from distill_tui.runs.paces import keep_probe

        keep_probe(find_home(options.home), recipe, device, seconds, is_busy and device == "cpu")
    except DistillError as error:
        print(json.dumps({"error": error.message, "hint": error.hint}))
        return error.exit_code
    print(json.dumps({"device": device, "step_seconds": seconds, "steps": steps}))
    return 0


def _load() -> float:
    """Programs that want a processor, of the last minute, for each core; 0 where the system does not tell."""
    try:
        return os.getloadavg()[0] / cores()
    except (OSError, AttributeError):
        return 0.0


def measure(recipe: Recipe) -> tuple[str, float, int]:
    """Train a few steps of a resolved recipe of a codec: the device, the seconds a step, and how many there were.

    Those of the faster half count: what else runs makes steps slower, and nothing makes them faster.

    Raises:
        DistillError: it cannot be trained here.
    """
    from distill_tui.engine.bench.subject import Watch, noises, trainer_of

    probed = with_values(recipe, SETTINGS)
    crop, rate = float(recipe.data.crop_seconds), int(recipe.model.sample_rate)
    with tempfile.TemporaryDirectory() as folder:
        training = noises(2 * crop * int(recipe.train.batch_size), rate, crop)
        trainer = trainer_of(Path(folder), probed, training, training[:2])
        watch, times = Watch(trainer.device), list[float]()
        begun = time.monotonic()
        while True:
            start = watch.now()
            trainer.run(until=trainer.step + 1)
            times.append(float((watch.now() - start)[0]))
            spent = time.monotonic() - begun
            counted = times[WARM_UP:]
            if (len(counted) >= LEAST_STEPS and sum(counted) >= SECONDS) or (counted and spent > MOST_SECONDS):
                break
        trainer.log.close()
    return str(trainer.device), statistics.median_low(sorted(counted)[: (len(counted) + 1) // 2]), len(counted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
