"""Gradients of a batch, which goes through the net in shards (at once) or in parts (one after the other)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from distill_tui.engine.device import autocast
from distill_tui.engine.training.cpu_shards import Shards
from distill_tui.engine.training.distributed import ALONE, Ranks

Result = TypeVar("Result")


@dataclass(frozen=True)
class StepOptions:
    """Options of one training step.

    Args:
        weights: of the losses by name; a loss that is missing here has weight 1. Scalars on the device in a step that
            is captured.
        precision: of the forward pass.
        seed: of what is drawn during the step.
        shards: threads of a CPU that take a share of the batch each.
        parts: with 2 or more, the batch goes through in as many parts, one after the other: it takes less memory.
        ranks: processes that take a share of the batch each; shards and parts are those of a share.
        draws: what was drawn on the host for this step, by name (`Task.draw`).
        stft: whether the STFT losses are computed; None: if they have a weight.
    """

    weights: Mapping[str, float | Tensor]
    precision: torch.dtype
    seed: int
    shards: Shards
    parts: int = 1
    ranks: Ranks = ALONE
    draws: Mapping[str, Any] = field(default_factory=dict)
    stft: bool | None = None

    @property
    def with_stft(self) -> bool:
        """Whether the STFT losses are computed."""
        return float(self.weights.get("stft", 0.0)) > 0 if self.stft is None else self.stft

    @property
    def seed_of_net(self) -> int | Tensor:
        """The seed of what a net draws by itself: a scalar on the device in a step that is captured."""
        seed: int | Tensor = self.draws.get("seed", self.seed)
        return seed

    @property
    def count(self) -> int:
        """Into how many chunks a rank's share of a batch is cut, at most."""
        return self.parts if self.parts > 1 else self.shards.count

    @property
    def next_seed(self) -> int:
        """The seed for a second pass over all chunks of the batch."""
        return self.seed + self.ranks.size * self.count

    def reseed(self) -> None:
        """Seed torch alike on all ranks, where chunks have drawn from its own generator."""
        if self.ranks.size > 1 and not (self.shards.have_generators and self.parts == 1):
            torch.manual_seed(self.seed)

    def each(self, work: Callable[..., Result], *chunks: Sequence[object], seed: int) -> Iterable[Result]:
        """Results of `work` for each chunk, in their order: of parts as they are asked for, of shards all at once.

        Args:
            seed: of what the first chunk of the batch draws; those of other ranks count.
        """
        seed += self.ranks.rank * self.count
        if self.parts > 1:
            return (_seeded(seed + n, work, *chunk) for n, chunk in enumerate(zip(*chunks, strict=True)))
        return self.shards.each(work, *chunks, seed=seed)


def add_gradients(
    net: nn.Module, losses: Callable[[Tensor], dict[str, Tensor]], data: Tensor, options: StepOptions
) -> dict[str, Tensor]:
    """Add the gradients of a batch [examples, ...] to those that the net's parameters have.

    Args:
        losses: scalars by name of some of the examples, as means over them.

    Returns:
        `loss/train`, the weighted sum, and each loss as `loss/NAME`, as scalars. Gradients and scalars are those of
        all ranks.
    """
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]

    def backward(chunk: Tensor) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
        with autocast(data.device, options.precision, cached=False):
            values = losses(chunk)
        share = len(chunk) / len(data)
        gradients = torch.autograd.grad(scaled(sum_weighted(values, options.weights), share), parameters)
        return {key: scaled(value.detach(), share) for key, value in values.items()}, gradients

    chunks = []
    with options.ranks.together():
        for values, gradients in options.each(
            backward, options.ranks.share(data).chunk(options.count), seed=options.seed
        ):
            accumulate(parameters, gradients)
            chunks.append(values)
    total = options.ranks.add_up(parameters, sum_chunks(chunks))
    return {"loss/train": sum_weighted(total, options.weights)} | {f"loss/{key}": v for key, v in total.items()}


def scaled(value: Tensor, share: float) -> Tensor:
    """The share of a mean over a batch that a chunk of it has; the whole batch, the usual case, takes no operation."""
    return value if share == 1.0 else value * share


def sum_weighted(losses: Mapping[str, Tensor], weights: Mapping[str, float | Tensor]) -> Tensor:
    """The weighted sum of losses."""
    return torch.stack([weights.get(key, 1.0) * value for key, value in losses.items()]).sum()


def sum_chunks(values: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The sums over chunks of scalars by name."""
    if len(values) == 1:
        return values[0]
    return {key: torch.stack([chunk[key] for chunk in values]).sum() for key in values[0]}


def accumulate(parameters: Sequence[nn.Parameter], gradients: Sequence[Tensor]) -> None:
    """Add gradients to those of the parameters, chunk by chunk in the same order every time."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if parameter.grad is not None:
            parameter.grad.add_(gradient)
        elif gradient.stride() == parameter.stride():
            parameter.grad = gradient
        else:
            # the fused optimizer goes through both in the order of the memory
            parameter.grad = torch.empty_like(parameter).copy_(gradient)


def _seeded(seed: int, work: Callable[..., Result], *chunk: object) -> Result:
    """Call `work` with torch seeded, so that it draws the same when it is called once more."""
    torch.manual_seed(seed)
    return work(*chunk)
