"""The encoder and decoder compiled by torch (Inductor): kernels that are made for them, where that pays.

On the CPU what a recipe says is done, as a measurement would make the same recipe give one result today and another
tomorrow. On a GPU, where no two runs are the same to the last bit anyway, the faster of the two ways is kept.
"""

import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from distill_tui.engine.nets.base import Autoencoder
from distill_tui.recipe.schema import Recipe

PASSES = 5
"""Passes of a batch that are timed, after two that are not."""


@dataclass(frozen=True)
class Compiled:
    """What came of compiling: `kept` is whether training goes on compiled.

    `seconds` is how long it took; `share` the time of a compiled pass over that of a plain one, None where that was
    not measured; `error` why it could not be done, in one line.
    """

    kept: bool
    seconds: float
    share: float | None = None
    error: str = ""

    @property
    def text(self) -> str:
        """It in a line."""
        if self.error:
            return f"the net could not be compiled ({self.error}): it trains without"
        pays = "" if self.share is None else f": a pass takes {self.share:.2f} times as long"
        return f"encoder and decoder compiled in {self.seconds:.0f} s{pays}{'' if self.kept else ', so it is left out'}"


def uncompiled(recipe: Recipe) -> contextlib.AbstractContextManager[object]:
    """Nothing is compiled meanwhile: for what is done once, in another mode than training."""
    return torch.compiler.set_stance("force_eager") if recipe.train.compile == "on" else contextlib.nullcontext()


def compile_net(net: Autoencoder, data: Tensor, step: Callable[[Tensor], object]) -> Compiled:
    """Compile a net that trains on batches like `data` [pieces, ...]; its weights and gradients are left as they are.

    `step` makes the gradients of a batch the way that training does, so that what is measured is what trains: a pass
    that differs in anything (autocast's cache, what requires a gradient) is another graph, compiled once more later.
    What cannot be compiled, or does not pay, runs as it did before: for the whole process, as a worker has one net.
    """
    began = time.monotonic()
    net.train()
    measured = data.device.type == "cuda"
    try:
        plain = _timed(step, data) if measured else 0.0
        began = time.monotonic()
        net.encoder.compile(dynamic=False)
        net.decoder.compile(dynamic=False)
        step(data)
        seconds = time.monotonic() - began
        share = _timed(step, data) / plain if measured else None
    # whatever a compiler of another version, or a machine without one, raises: training goes on without it
    except Exception as error:  # noqa: BLE001
        torch.compiler.set_stance("force_eager")
        lines = str(error).strip().splitlines()
        return Compiled(False, time.monotonic() - began, error=lines[0][:200] if lines else type(error).__name__)
    finally:
        net.zero_grad(set_to_none=True)
    if share is not None and share >= 1.0:
        torch.compiler.set_stance("force_eager")
        return Compiled(False, seconds, share)
    return Compiled(True, seconds, share)


def _timed(step: Callable[[Tensor], object], data: Tensor) -> float:
    """Seconds of a pass on a GPU: the median."""
    spent = []
    for _ in range(2 + PASSES):
        torch.cuda.synchronize(data.device)
        began = time.perf_counter()
        step(data)
        torch.cuda.synchronize(data.device)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent[2:])
