"""Where the time of a step goes: the real trainer, with a stopwatch around the parts that it is made of."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from distill_tui.engine.bench.subject import Subject, Watch
from distill_tui.engine.training.cpu_shards import Shards

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


def measure_split(trainer: Subject, seconds: float, warm_up: int) -> tuple[int, dict[str, np.ndarray]]:
    """Train for about so many seconds after the first `warm_up` steps.

    Returns:
        How many steps, and (wall, processor) seconds by part: those of PARTS, and `validation` for one epoch's end.

    On a GPU it waits for the device around every part, so that the sum is more than a step takes otherwise. On a CPU
    one part is done after the other here, by all threads together: shards of a batch would do several at once.
    """
    split, shards = Split(Watch(trainer.device)), trainer.learner.shards
    trainer.learner.shards = Shards(1)
    first, deadline = -1, 0.0

    def before_step() -> None:
        nonlocal first, deadline
        if first < 0:
            first, deadline = trainer.step + warm_up, time.monotonic() + seconds
        if trainer.step == first:
            split.clear()
        if trainer.step > first + 1 and time.monotonic() > deadline:
            trainer.stop_reason = "measured"

    def around_epoch(end: Callable[[], None]) -> None:
        if trainer.stop_reason:
            with split.part("validation"):
                end()

    trainer.before_step, trainer.around_epoch = before_step, around_epoch
    with contextlib.ExitStack() as stack:
        for owner, method, name in (
            (trainer.material, "batch", "data"),
            (trainer.net, "encode", "forward"),
            (trainer.net.bottleneck, "forward", "forward"),
            (trainer.net, "decode", "forward"),
            (trainer.learner.loss, "forward", "losses"),
            (torch.autograd, "grad", "backward"),
            (torch.autograd, "backward", "backward"),
            (torch.nn.utils, "clip_grad_norm_", "clipping"),
            (torch.nn.utils, "get_total_norm", "clipping"),
            (trainer.learner.optimizer, "zero_grad", "optimizer"),
            (trainer.learner.optimizer, "step", "optimizer"),
            (trainer.learner, "_average", "averaging"),
            (trainer.net.bottleneck, "replace_dead_codes", "codebooks"),
            (trainer.reporter, "add_codes", "codebooks"),
            (trainer.reporter, "add", "logging"),
            (trainer, "_tell_steps", "logging"),
        ):
            stack.enter_context(split.around(owner, method, name))
        trainer.run()
    steps = trainer.step - first
    trainer.stop_reason, trainer.learner.shards = "", shards
    return steps, split.spent
