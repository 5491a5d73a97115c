"""What the trainer costs over a bare loop: the two in turn, in short blocks, so that other work hurts both alike."""

import copy
import time
from dataclasses import dataclass, field

import numpy as np

from distill_tui.engine.bench.subject import Watch
from distill_tui.engine.device import autocast
from distill_tui.engine.tasks.codec import CodecTask
from distill_tui.engine.training.backward import sum_weighted
from distill_tui.engine.training.trainer import Trainer


class BareLoop:
    """Batch, forward, losses, backward, optimizer step, and nothing else, on a copy of the trainer's net.

    No EMA of the weights, no clipping, no codebook health, no dead codes, no guard, no log, no control file.
    """

    def __init__(self, trainer: Trainer) -> None:
        assert isinstance(trainer.task, CodecTask)
        self._trainer, self._task = trainer, trainer.task
        self.net = copy.deepcopy(trainer.net).train()
        mine = dict(zip(map(id, trainer.net.parameters()), self.net.parameters(), strict=True))
        theirs = trainer.train_step.optimizer
        self._optimizer = type(theirs)(
            [{**group, "params": [mine[id(p)] for p in group["params"]]} for group in theirs.param_groups],
            fused=theirs.defaults["fused"],
        )

    def step(self, number: int) -> None:
        """One step on the batch that the trainer has in step `number`."""
        trainer, weights = self._trainer, self._trainer.loss_weights
        wave = trainer.task.batch(number)
        with autocast(trainer.device, trainer.precision):
            quantized = self.net.bottleneck(self.net.encode(wave))
            decoded = self.net.decode(quantized.latents)
        self._task.loss.use([])
        losses = self._task.loss(decoded, wave, with_stft=weights["stft"] > 0)
        total = sum_weighted(losses | quantized.losses, weights)
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


def measure_ratio(trainer: Trainer, seconds: float, block_seconds: float, warm_up: int) -> Ratio:
    """Train for about so many seconds, half of them in the bare loop.

    Args:
        block_seconds: how long the one trains before it is the other's turn.
        warm_up: steps of each that are not counted: the first ones choose kernels and take memory.
    """
    result, watch = Ratio(), Watch(trainer.device)
    deadline = time.monotonic() + seconds
    trainer.run(until=trainer.step + warm_up)
    bare = BareLoop(trainer)

    def run_bare(steps: int) -> np.ndarray:
        start = watch.now()
        for number in range(steps):
            bare.step(trainer.step + number)
        return np.asarray((watch.now() - start) / steps)

    run_bare(warm_up)
    block = max(1, round(block_seconds / float(run_bare(warm_up)[0])))
    trainer.run(until=trainer.step + warm_up)
    result.bare.append(run_bare(block))
    while time.monotonic() < deadline or len(result.trainer) < 2:
        start, end = watch.now(), trainer.step + block
        trainer.run(until=end)
        result.trainer.append((watch.now() - start) / block)
        result.bare.append(run_bare(block))
        result.steps += block
    return result
