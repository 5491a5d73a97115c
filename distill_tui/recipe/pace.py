"""Seconds that a training step takes on this machine: by what earlier runs took, or by the kind of device."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from distill_tui.recipe.arithmetic import crop_samples, latent_hop
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.size import parameters

FAR = 4.0
"""Ratio of work beyond which a run says nothing of another."""
LOSS_WORK = 30e3
"""Work for each sample of a batch, whatever the net: losses, spectrograms, crops. Measured on a CPU beside that of nets
of 192 to 512 channels, at 8 to 44.1 kHz."""
STEP_WORK = {"cpu": 0.0, "cuda": 2e11, "mps": 2e10}
"""Work that a device could do in the time that a step of no crops takes: on an H100 captured steps took 3 ms, and 0.06
ms for each crop of 4.3e9."""
CORE_SPEED, MOST_CORES = 3e10, 8
"""Work a second of one core, of as many as a step keeps busy: half of what a shared AMD EPYC core reaches."""
DEVICE_SPEED = {"cuda": 2e13, "mps": 1e12}
"""Work a second of a GPU that was never tried: a third of what an H100 reaches."""


PROBE = "(probe)"
"""Beginning of the name that stands for a run in the pace of a probe; in order of names, behind all runs."""


@dataclass(frozen=True)
class Pace:
    """The pace of an earlier run on this machine: `seconds` a step of so much `work` (`step_work`).

    `around` are its seconds before the first step and after the last one; None where they are not known. `is_busy` is
    true if other programs kept the processors busy meanwhile, so that it may go faster at another time.
    """

    run: str
    device: str
    net: str
    work: float
    seconds: float
    around: float | None = None
    is_busy: bool = False

    @property
    def is_probe(self) -> bool:
        """True for the pace of a few steps that were made to measure it."""
        return self.run.startswith(PROBE)


def kind_of_device(device: str) -> str:
    """`cuda` of `cuda:1`."""
    return device.partition(":")[0]


def step_work(recipe: Recipe) -> float:
    """The work of a step of a resolved recipe of sounds, in floating-point operations.

    A product of the net takes two operations a weight and latent frame, and four more backwards.
    """
    samples = int(recipe.train.batch_size) * crop_samples(recipe)
    return 6.0 * parameters(recipe) * samples / latent_hop(recipe) + LOSS_WORK * samples


def nearest(paces: Sequence[Pace], recipe: Recipe) -> Pace | None:
    """The pace of the run nearest in work to a resolved recipe, on its kind of device; None if none is near.

    Of several that are equally near the first counts; a probe, which is short, only where no run is near.
    """
    kind, work = kind_of_device(recipe.train.device), _whole_work(recipe)
    known = [pace for pace in paces if kind_of_device(pace.device) == kind and pace.net == recipe.model.net]
    far = [(pace.is_probe, abs(math.log(work / (pace.work + STEP_WORK.get(kind, 0.0))))) for pace in known]
    near = [number for number, (_, distance) in enumerate(far) if distance <= math.log(FAR)]
    return known[min(near, key=far.__getitem__)] if near else None


def step_seconds(recipe: Recipe, pace: Pace | None, cores: int) -> float:
    """Estimated seconds a step of a resolved recipe; without a pace from the kind of device and the number of cores."""
    kind, work = kind_of_device(recipe.train.device), _whole_work(recipe)
    if pace is not None:
        return pace.seconds * work / (pace.work + STEP_WORK.get(kind, 0.0))
    return work / DEVICE_SPEED.get(kind, CORE_SPEED * min(cores, MOST_CORES))


def epoch_seconds(recipe: Recipe, pace: Pace) -> float:
    """Estimated seconds an epoch of a resolved recipe, without its validation."""
    return int(recipe.train.steps_per_epoch) * step_seconds(recipe, pace, 1)


def _whole_work(recipe: Recipe) -> float:
    return STEP_WORK.get(kind_of_device(recipe.train.device), 0.0) + step_work(recipe)
