"""Compile a net with torch (Inductor) where that pays.

On a CPU the recipe decides, as a measurement would make the same recipe give one result today and another tomorrow.
On a GPU, where no two runs are equal to the last bit anyway, the faster of the two ways is kept.
"""

import contextlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from distill_tui.recipe.schema import Recipe

PASSES = 5
"""Timed passes of a batch, after two that are not timed."""


@dataclass(frozen=True)
class Compiled:
    """The outcome of compiling: `kept` tells whether training goes on compiled.

    `seconds` is how long it took; `ratio` the time of a compiled pass over that of an eager one, None if it was not
    measured; `error` why it failed, in one line.
    """

    kept: bool
    seconds: float
    ratio: float | None = None
    error: str = ""

    @property
    def text(self) -> str:
        """The outcome in a line."""
        if self.error:
            return f"the net could not be compiled ({self.error}): it trains without"
        pays = "" if self.ratio is None else f": a pass takes {self.ratio:.2f} times as long"
        return f"net compiled in {self.seconds:.0f} s{pays}{'' if self.kept else ', so it is left out'}"


def uncompiled(recipe: Recipe) -> contextlib.AbstractContextManager[object]:
    """Compile nothing meanwhile: for passes that are made once, in another mode than training."""
    return torch.compiler.set_stance("force_eager") if recipe.train.compile == "on" else contextlib.nullcontext()


def compile_net(
    net: nn.Module, modules: Sequence[nn.Module], data: Tensor, trial: Callable[[Tensor], object]
) -> Compiled:
    """Compile `modules` of a net that trains on batches like `data`; its weights and gradients stay as they are.

    `trial` makes the gradients of a batch the way that training does: a pass that differs in anything (autocast's
    cache, what requires a gradient) is another graph and is compiled once more later. If compiling fails or does not
    pay, the whole process runs eagerly, as a worker has one net.
    """
    began = time.monotonic()
    net.train()
    measured = data.device.type == "cuda"
    try:
        eager = _timed(trial, data) if measured else 0.0
        began = time.monotonic()
        for module in modules:
            module.compile(dynamic=False)
        trial(data)
        seconds = time.monotonic() - began
        ratio = _timed(trial, data) / eager if measured else None
    # whatever a compiler of another version, or a machine without one, raises: training goes on without it
    except Exception as error:  # noqa: BLE001
        torch.compiler.set_stance("force_eager")
        lines = str(error).strip().splitlines()
        return Compiled(False, time.monotonic() - began, error=lines[0][:200] if lines else type(error).__name__)
    finally:
        net.zero_grad(set_to_none=True)
    if ratio is not None and ratio >= 1.0:
        torch.compiler.set_stance("force_eager")
        return Compiled(False, seconds, ratio)
    return Compiled(True, seconds, ratio)


def _timed(trial: Callable[[Tensor], object], data: Tensor) -> float:
    """The median of seconds of a pass on a GPU."""
    spent = []
    for _ in range(2 + PASSES):
        torch.cuda.synchronize(data.device)
        began = time.perf_counter()
        trial(data)
        torch.cuda.synchronize(data.device)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent[2:])
