"""The residual vector quantizer of most runs: vector-quantize-pytorch's, with what training on small data needs.

Its codebooks are made by k-means from a large pool when they are wanted, not from the first batch that passes. Dead
codes are replaced without asking the device for an answer: the library's own way waits for the device twice a level
and step. Commitment losses come back unweighted and summed over the levels.
"""

import random

import torch
from torch import Tensor

from distill_tui.engine.quantizers.base import Quantizer, QuantizerOutput
from distill_tui.engine.quantizers.vq_pytorch import ResidualVQ


class EmaQuantizer(Quantizer):
    """Residual VQ (Zeghidour et al. 2021, arXiv 2107.03312, algorithm 1) with codebooks learned by moving averages."""

    losses = ("commit",)

    def __init__(self, dim: int, levels: int, size: int, decay: float) -> None:
        super().__init__(levels, size)
        self.rvq = ResidualVQ(
            dim=dim,
            num_quantizers=levels,
            codebook_size=size,
            decay=decay,
            commitment_weight=1.0,
            threshold_ema_dead_code=0,
            quantize_dropout=True,
            quantize_dropout_cutoff_index=0,
            kmeans_init=False,
            rotation_trick=True,
        )
        # The library draws how many levels to keep from a seed. One seed for each outcome lets the trainer choose.
        self._seed_of = {random.Random(seed).randrange(0, levels) + 1: seed for seed in range(1000)}

    def forward(self, latents: Tensor, levels: int | None = None) -> QuantizerOutput:
        """Quantize latents [batch, frames, dim] with the first `levels` codebooks (all of them by default).

        In training mode the codebooks learn from what passes and gradients go straight through. `commit` is the sum
        over levels of the mean squared distance to the codes; in evaluation the mean squared distance to their sum.
        """
        keep = levels or self.levels
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            if self.training:
                seed = self._seed_of[keep]
                out, codes, losses = self.rvq(latents, rand_quantize_dropout_fixed_seed=seed)
                return QuantizerOutput(out, codes, {"commit": losses.sum()})
            out, codes, _ = self.rvq(latents)
            if keep < self.levels:
                codes = codes.clone()
                codes[..., keep:] = -1
                out = self.rvq.get_output_from_indices(codes)
            return QuantizerOutput(out, codes, {"commit": (out - latents).square().mean()})

    def latents(self, tokens: Tensor) -> Tensor:
        """Codes [batch, frames, up to `levels`] to latents [batch, frames, dim]."""
        latents: Tensor = self.rvq.get_output_from_indices(tokens)
        return latents

    @property
    def codebooks(self) -> Tensor:
        return torch.stack([layer._codebook.embed[0] for layer in self.rvq.layers])

    def moving(self) -> list[Tensor]:
        books = [layer._codebook for layer in self.rvq.layers]
        return [buffer for book in books for buffer in (book.embed, book.embed_avg, book.cluster_size)]

    def set_codes(self, level: int, codes: Tensor, counts: Tensor) -> None:
        book = self.rvq.layers[level]._codebook
        book.cluster_size[0].copy_(counts)
        book.embed_avg[0].copy_(codes * counts[:, None])
        book.embed[0].copy_(codes)

    def usage(self, level: int) -> Tensor:
        usage: Tensor = self.rvq.layers[level]._codebook.cluster_size[0]
        return usage

    def replace(self, level: int, dead: Tensor, chosen: Tensor, count: float) -> None:
        book = self.rvq.layers[level]._codebook
        book.embed[0].copy_(torch.where(dead[:, None], chosen, book.embed[0]))
        book.cluster_size[0].masked_fill_(dead, count)
        book.embed_avg[0].copy_(torch.where(dead[:, None], chosen * count, book.embed_avg[0]))
