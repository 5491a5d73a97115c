"""Shards of a batch on a CPU, each in a thread of its own.

torch splits every single operation among its threads, and they wait for each other some thousand times a step. A shard
goes through the whole net without waiting for another.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor, nn

from distill_tui.engine.training.distributed import ALONE, Ranks
from distill_tui.recipe.schema import Recipe

MIN_EXAMPLES = 4
"""Examples of a batch that are worth a thread of their own, at least."""

Result = TypeVar("Result")
_local = threading.local()


class Shards:
    """`count` threads that share the cores with those of other ranks on this machine.

    With 1 thread in 1 process the caller does all the work, as torch does it.
    """

    def __init__(self, count: int, processes: int = 1) -> None:
        self.count = count
        self._pool: ThreadPoolExecutor | None = None
        if count * processes < 2:
            return
        cores = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(count, "shard")
        everybody_is_here = threading.Barrier(count)

        def begin(_number: int) -> None:
            everybody_is_here.wait()
            # a thread takes over the number of all when it is first asked for its own, and only from then on keeps one
            torch.get_num_threads()
            torch.set_num_threads(max(1, cores // (count * processes)))

        list(self._pool.map(begin, range(count)))
        torch.set_num_threads(cores)

    @property
    def have_generators(self) -> bool:
        """Whether what a shard draws follows from its own seed alone."""
        return self._pool is not None

    def each(self, work: Callable[..., Result], *chunks: Iterable[object], seed: int = 0) -> list[Result]:
        """Results of `work` for each of the chunks, in their order; the first error of any is raised.

        Args:
            chunks: as many as there are shards, or fewer; as for `map`.
            seed: of what `Dropout` draws, however the threads take turns.
        """
        if self._pool is None:
            return list(map(work, *chunks))

        def seeded(number: int, *chunk: object) -> Result:
            _local.generator = torch.Generator().manual_seed(seed + number)
            try:
                return work(*chunk)
            finally:
                _local.generator = None

        return list(self._pool.map(seeded, range(self.count), *chunks))


def choose_shards(recipe: Recipe, device: torch.device, ranks: Ranks = ALONE) -> Shards:
    """As many shards as there are cores and examples for. A GPU needs none, and compiled code is for one thread."""
    if device.type != "cpu" or recipe.train.compile == "on":
        return Shards(1)
    cores, examples = torch.get_num_threads() // ranks.local_size, int(recipe.train.batch_size) // ranks.size
    return Shards(max(1, min(cores, examples // MIN_EXAMPLES)), ranks.local_size)


class Dropout(nn.Module):
    """`nn.Dropout`, whose draws in a shard follow from the shard's own seed: torch's come from one for all threads."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        generator: torch.Generator | None = getattr(_local, "generator", None)
        if generator is None or not self.training or not self.share:
            return nn.functional.dropout(x, self.share, self.training)
        kept = torch.empty_like(x).bernoulli_(1 - self.share, generator=generator)
        return x * kept.div_(1 - self.share)
