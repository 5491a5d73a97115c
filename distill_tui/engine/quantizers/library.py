"""Quantizers of vector-quantize-pytorch, through its public interface."""

import math
from typing import Any

import torch
from loguru import logger
from torch import Tensor, nn

from distill_tui.engine.quantizers.base import Quantizer, QuantizerOutput
from distill_tui.engine.quantizers.rvq import KMEANS_ITERATIONS
from distill_tui.recipe.arithmetic import crop_samples, latent_hop
from distill_tui.recipe.quantizers import fsq_levels
from distill_tui.recipe.schema import Recipe

# the library reports through loguru, whose default handler writes to stderr
logger.disable("vector_quantize_pytorch")

from vector_quantize_pytorch import ResidualFSQ, ResidualVQ  # noqa: E402


def build_library_quantizer(recipe: Recipe) -> "LibraryQuantizer":
    """The quantizer of a resolved recipe that names one of the library's."""
    model, train = recipe.model, recipe.train
    size = int(model.codebook_size)
    losses = model.quantizer_facts.losses
    if model.quantizer == "residual_fsq":
        # it reads its constants back as it is built, which tensors without contents (the "meta" device) do not have
        with torch.device("cpu"):
            grid = ResidualFSQ(levels=fsq_levels(size), num_quantizers=model.rvq_levels, dim=model.latent_dim)
        quantizer = LibraryQuantizer(grid.to(torch.get_default_device()), model.rvq_levels, size, False, losses)
        # latents are projected and bent to the grid, and nothing pulls them to what comes back
        quantizer.can_search = False
        return quantizer
    frames = 1 if recipe.task == "images" else crop_samples(recipe) // latent_hop(recipe)
    rvq = ResidualVQ(
        dim=model.latent_dim,
        num_quantizers=model.rvq_levels,
        codebook_size=size,
        decay=train.codebook_ema_decay,
        kmeans_init=True,
        kmeans_iters=KMEANS_ITERATIONS,
        # every rank sees the whole batch: nothing is left to exchange, and rank 0 makes codebooks by itself
        sync_codebook=False,
        # of the library an average count a batch; of a recipe a share of the even share
        threshold_ema_dead_code=train.dead_code_threshold * int(train.batch_size) * frames / size,
    )
    return LibraryQuantizer(rvq, model.rvq_levels, size, True, losses)


class LibraryQuantizer(Quantizer):
    """A residual quantizer of the library as one of ours.

    Args:
        module: maps latents to latents, codes and, if it has any, the commitment loss of each level.
        needs_init: it computes its codebooks from the first latents that it gets in training mode.
    """

    module: Any
    # it asks the device whether its codebooks are initialised
    can_capture = False

    def __init__(self, module: nn.Module, levels: int, size: int, needs_init: bool, losses: tuple[str, ...]) -> None:
        super().__init__(levels, size)
        self.module, self.needs_init, self.losses = module, needs_init, losses

    def forward(self, latents: Tensor, levels: int | Tensor | None = None) -> QuantizerOutput:
        levels = self.levels if levels is None else levels
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            out, codes, *losses = self.module(latents)
            kept = torch.arange(self.levels, device=latents.device) < levels
            codes = codes.long().masked_fill(~kept, -1)
            if isinstance(levels, Tensor) or levels < self.levels:
                # every level learns; the decoder sees the first ones, and its gradient passes as before
                out = out + (self.latents(codes) - out).detach()
            if self.training and self.needs_init:
                # the library does not tell how many codes it replaced
                self.replaced.fill_(math.nan)
            return QuantizerOutput(out, codes, {"commit": (losses[0] * kept).sum()} if self.losses else {})

    def latents(self, tokens: Tensor) -> Tensor:
        padded = nn.functional.pad(tokens.long(), (0, self.levels - tokens.shape[-1]), value=-1)
        latents: Tensor = self.module.get_output_from_indices(padded)
        return latents

    @property
    def codebooks(self) -> Tensor:  # type: ignore[override]
        """The vectors of the codes, [levels, size, dim]; what is added once, whatever the codes, is in the first."""
        each = torch.arange(self.size, device=self.replaced.device)
        tokens = torch.full((self.levels, self.size, self.levels), -1, device=each.device)
        for level in range(self.levels):
            tokens[level, :, level] = each
        books = self.latents(tokens)
        nothing = self.latents(torch.full_like(tokens[:1, :1], -1))
        return torch.cat([books[:1], books[1:] - nothing])

    def ema_buffers(self) -> list[Tensor]:
        learned = dict(self.module.named_parameters())
        return [tensor for name, tensor in self.module.state_dict().items() if name not in learned]

    @torch.no_grad()
    def init_codebooks(self, pool: Tensor, batch_vectors: int) -> None:
        # its moving counts begin with those of the pool: many batches' would hold the codes where they are for long
        some = pool[torch.randperm(len(pool), device=pool.device)[: max(batch_vectors, 2 * self.size)]]
        was_training = self.training
        self.train()(some[None])
        self.train(was_training)
