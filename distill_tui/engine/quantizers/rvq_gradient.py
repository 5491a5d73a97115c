"""A residual vector quantizer whose codes learn by the gradient of a loss of their own, as the first VQ-VAE's did."""

import torch
from torch import Tensor, nn

from distill_tui.engine.quantizers.rvq import ResidualQuantizer, Search


class RvqGradient(ResidualQuantizer):
    """Residual VQ with the losses of van den Oord et al. 2017 (arXiv 1711.00937, equation 3) at every level.

    `commit` has a gradient to the encoder only. `codebook` is the same distance with a gradient to the codes only; as
    moving averages do, it takes in every level, in use or not.
    """

    losses = ("commit", "codebook")

    def __init__(self, dim: int, levels: int, size: int, decay: float) -> None:
        super().__init__(levels, size, decay)
        self.codebooks = nn.Parameter(torch.randn(levels, size, dim))

    def _losses(self, latents: Tensor, found: Search, kept: Tensor) -> dict[str, Tensor]:
        chosen = self.codebooks.flatten(0, 1)[self._flat(found.codes)].view_as(found.inputs)
        codebook = (found.inputs - chosen).square().flatten(1).mean(1).sum()
        return super()._losses(latents, found, kept) | {"codebook": codebook}
