"""What the trainer costs over a bare loop: the two in turn, in short blocks, so that other work hurts both alike."""

import copy
import time
from dataclasses import dataclass, field

import numpy as np

from distill_tui.engine.bench.subject import Subject, Watch
from distill_tui.engine.device import autocast
from distill_tui.engine.training.backward import sum_weighted


class BareLoop:
    """Batch, forward, losses, backward, optimizer step, and nothing else, on a copy of the trainer's net.

    No averaged weights, no clipping, no health, no dead codes, no guard, no log, nobody to ask what is wanted.
    """

    def __init__(self, trainer: Subject) -> None:
        self._trainer = trainer
        self.net = copy.deepcopy(trainer.net).train()
        mine = dict(zip(map(id, trainer.net.parameters()), self.net.parameters(), strict=True))
        theirs = trainer.learner.optimizer
        self._optimizer = type(theirs)(
            [{**group, "params": [mine[id(p)] for p in group["params"]]} for group in theirs.param_groups],
            fused=theirs.defaults["fused"],
        )

    def step(self, number: int) -> None:
        """One step on the batch that the trainer has in step `number`."""
        trainer = self._trainer
        knobs = trainer.desk.knobs
        wave = trainer.material.batch(number)
        with autocast(trainer.device, trainer.precision):
            passed = self.net.bottleneck(self.net.encode(wave))
            made = self.net.decode(passed.latents)
        found = trainer.learner.loss(made, wave, with_stft=knobs["loss.stft_weight"] > 0)
        total = sum_weighted(found | passed.losses, knobs)
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()


@dataclass
class Ratio:
    """Seconds a step, [blocks, (wall, processor)], of the bare loop and the trainer; their blocks took turns."""

    bare: list[np.ndarray] = field(default_factory=list)
    trainer: list[np.ndarray] = field(default_factory=list)
    steps: int = 0

    def quartiles(self, kind: int) -> tuple[float, float, float]:
        """Trainer over bare loop: the quartiles over blocks, each against the bare blocks before and after it."""
        bare, trainer = np.array(self.bare)[:, kind], np.array(self.trainer)[:, kind]
        low, middle, high = np.quantile(trainer / ((bare[:-1] + bare[1:]) / 2), (0.25, 0.5, 0.75))
        return float(low), float(middle), float(high)


def measure_ratio(trainer: Subject, seconds: float, block_seconds: float, warm_up: int) -> Ratio:
    """Train for about so many seconds, half of them in the bare loop; nothing is done at the end of epochs.

    Args:
        block_seconds: how long the one trains before it is the other's turn.
        warm_up: steps of each that are not counted: the first ones choose kernels and take memory.
    """
    found, watch = Ratio(), Watch(trainer.device)
    deadline = time.monotonic() + seconds
    bare: BareLoop | None = None
    block, left = warm_up, 0
    began = watch.now()

    def run_bare() -> np.ndarray:
        assert bare is not None
        start = watch.now()
        for number in range(block):
            bare.step(trainer.step + number)
        return np.asarray((watch.now() - start) / block)

    def before_step() -> None:
        nonlocal bare, block, left, began
        if left == 0:
            if bare is None:
                bare = BareLoop(trainer)
                run_bare()
                block = max(1, round(block_seconds / float(run_bare()[0])))
                left = warm_up
            else:
                if found.bare:
                    found.trainer.append((watch.now() - began) / block)
                    found.steps += block
                found.bare.append(run_bare())
                if time.monotonic() > deadline and len(found.trainer) > 1:
                    trainer.stop_reason = "measured"
                left = block
            trainer.reporter.rest(trainer.step)
            began = watch.now()
        left -= 1

    trainer.before_step, trainer.around_epoch = before_step, lambda _end: None
    trainer.run()
    return found
