"""Initialise codebooks by k-means over the latents of a net in training."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from distill_tui.engine.device import autocast, free_memory, is_out_of_memory
from distill_tui.engine.nets import Autoencoder
from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.engine.training.compile import uncompiled
from distill_tui.engine.training.seeds import derive_seed

if TYPE_CHECKING:
    from distill_tui.engine.training.trainer import Trainer

POOL_PER_CODE = 50
"""Latent vectors that k-means looks at, for each code."""
POOL_BATCHES = 64
"""The most batches that k-means looks at."""


@torch.no_grad()
def init_codebooks(trainer: "Trainer") -> None:
    """Initialise the codebooks of the net and its EMA from the next batches, as many as k-means needs.

    Raises:
        DistillError: a single example does not fit into the memory.
    """
    net, device = trainer.net, trainer.device
    quantizer = quantizer_of(net)
    assert quantizer is not None
    net.eval()
    pool: list[Tensor] = []
    index = 0
    while sum(map(len, pool)) < POOL_PER_CODE * quantizer.size and index < POOL_BATCHES:
        data = trainer.task.batch(trainer.step + index)
        latents = _encode(trainer, data)
        pool.append(latents[net.frame_mask(data)])
        index += 1
    vectors = torch.cat(pool)
    per_step = latents.shape[0] * latents.shape[1]
    if not len(vectors):
        vectors = latents.flatten(0, 1)
    while True:
        torch.manual_seed(derive_seed(trainer.recipe.train.seed, 4))
        try:
            quantizer.init_codebooks(vectors, per_step)
            break
        except RuntimeError as error:
            if not is_out_of_memory(error) or len(vectors) < 2 * quantizer.size:
                raise
        free_memory(device)
        vectors = vectors[::2].clone()
        trainer.warn_of_memory(f"out of memory on {device}: the codebooks are made of {len(vectors)} latents")
    trainer.ema_net.bottleneck.load_state_dict(quantizer.state_dict())
    trainer.train_step.is_changed = True


def _encode(trainer: "Trainer", data: Tensor) -> Tensor:
    """Latents of a batch, in as many parts as the memory asks for."""
    step = trainer.train_step
    # one rank has the memory for its share; a CPU's is the same for all
    shares = step.ranks.size if trainer.device.type != "cpu" else 1
    while True:
        try:
            with uncompiled(trainer.recipe), autocast(trainer.device, trainer.precision):
                return torch.cat([trainer.net.encode(part) for part in data.chunk(shares * step.parts)])
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        step.halve_parts(len(data), trainer.warn_of_memory)


def quantizer_of(net: Autoencoder) -> Quantizer | None:
    """The bottleneck of an autoencoder, if it has codes."""
    return net.bottleneck if isinstance(net.bottleneck, Quantizer) else None
