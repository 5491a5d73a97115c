"""Where the time of a step goes: the real trainer, with a stopwatch around the parts that it is made of."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from distill_tui.engine.bench.subject import Watch
from distill_tui.engine.tasks.codec import CodecTask
from distill_tui.engine.training.cpu_shards import Shards
from distill_tui.engine.training.trainer import Trainer

PARTS = {
    "data": "cutting and augmenting the batch",
    "forward": "encoder, quantizer, decoder",
    "losses": "mel and STFT distances",
    "backward": "gradients of all that",
    "clipping": "the gradient's norm",
    "optimizer": "AdamW",
    "averaging": "the weights that validation and saving use",
    "codebooks": "use of codes counted, dead codes replaced",
    "logging": "numbers collected and written",
    "other": "control, guard, learning rate, the loop itself",
}


class Split:
    """Time by part, each moment to one part; what is in none of them is `other`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._within = ["other"]
        self.clear()

    def clear(self) -> None:
        self.spent = {part: np.zeros(2) for part in (*PARTS, "validation")}
        self._since = self._watch.now()

    def _turn(self) -> None:
        now = self._watch.now()
        self.spent[self._within[-1]] += now - self._since
        self._since = now

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done here as `name`; of parts inside each other the outermost counts, but that is `other`."""
        if len(self._within) > 1:
            yield
            return
        self._turn()
        self._within.append(name)
        try:
            yield
        finally:
            self._turn()
            self._within.pop()

    @contextlib.contextmanager
    def around(self, owner: Any, method: str, name: str) -> Iterator[None]:
        """Count every call of `owner.method` as `name`."""
        original: Callable[..., Any] = getattr(owner, method)
        own = method in vars(owner)

        @functools.wraps(original)
        def counted(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return original(*args, **kwargs)

        setattr(owner, method, counted)
        try:
            yield
        finally:
            if own:
                setattr(owner, method, original)
            else:
                delattr(owner, method)


def measure_split(trainer: Trainer, seconds: float, warm_up: int) -> tuple[int, dict[str, np.ndarray]]:
    """Train for about so many seconds after the first `warm_up` steps.

    Returns:
        How many steps, and (wall, processor) seconds by part: those of PARTS, and `validation` for one epoch's end.

    On a GPU it waits for the device around every part, so that the sum is more than a step takes otherwise. On a CPU
    one part is done after the other here, by all threads together: shards of a batch would do several at once.
    """
    train_step, task, net = trainer.train_step, trainer.task, trainer.net
    assert isinstance(task, CodecTask)
    split, shards, wanted = Split(Watch(trainer.device)), train_step.shards, train_step.graph.wanted
    # parts of a step that is one launch cannot be told apart
    train_step.shards, train_step.graph.wanted = Shards(1), False
    deadline = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        for owner, method, name in (
            (task, "inputs", "data"),
            (task, "data", "data"),
            (net, "encode", "forward"),
            (net.bottleneck, "forward", "forward"),
            (net, "decode", "forward"),
            (task.loss, "forward", "losses"),
            (torch.autograd, "grad", "backward"),
            (torch.autograd, "backward", "backward"),
            (torch.nn.utils, "clip_grad_norm_", "clipping"),
            (torch.nn.utils, "get_total_norm", "clipping"),
            (train_step.optimizer, "zero_grad", "optimizer"),
            (train_step.optimizer, "step", "optimizer"),
            (train_step, "update_ema", "averaging"),
            (task, "after_optimizer", "codebooks"),
            (trainer.metrics, "add", "logging"),
            (trainer, "log_steps", "logging"),
        ):
            stack.enter_context(split.around(owner, method, name))
        trainer.run(until=trainer.step + warm_up)
        first = trainer.step
        split.clear()
        trainer.run(until=lambda: trainer.step > first + 1 and time.monotonic() > deadline)
        steps = trainer.step - first
        with split.part("validation"):
            trainer.end_epoch()
    train_step.shards, train_step.graph.wanted = shards, wanted
    return steps, split.spent
