"""The residual vector quantizer of most runs: codes are moving averages of the vectors assigned to them."""

import torch
from torch import Tensor

from distill_tui.engine.quantizers.rvq import ResidualQuantizer

SMOOTHING = 1e-5
"""What each count is raised by (Laplace smoothing), so that a code without vectors is not divided by zero."""


class RvqEma(ResidualQuantizer):
    """Residual VQ with EMA codebooks (van den Oord et al. 2017, arXiv 1711.00937, appendix A.1).

    `codebooks` are `ema_sums` [levels, size, dim] over the smoothed `ema_counts`.
    """

    codebooks: Tensor
    ema_sums: Tensor

    def __init__(self, dim: int, levels: int, size: int, decay: float) -> None:
        super().__init__(levels, size, decay)
        self.register_buffer("codebooks", torch.randn(levels, size, dim))
        self.register_buffer("ema_sums", self.codebooks.clone())

    @torch.no_grad()
    def _update(self, statistics: Tensor) -> None:
        super()._update(statistics)
        self.ema_sums.lerp_(statistics[..., :-1], 1 - self.decay)
        total = self.ema_counts.sum(-1, keepdim=True)
        smoothed = (self.ema_counts + SMOOTHING) * (total / (total + self.size * SMOOTHING))
        torch.div(self.ema_sums, smoothed[..., None], out=self.codebooks)

    def ema_buffers(self) -> list[Tensor]:
        return [self.codebooks, self.ema_counts, self.ema_sums]

    @torch.no_grad()
    def set_codebooks(self, codes: Tensor, counts: Tensor) -> None:
        super().set_codebooks(codes, counts)
        self.ema_sums.copy_(codes * counts[..., None])

    def _replace(self, dead: Tensor, vectors: Tensor, count: float) -> None:
        super()._replace(dead, vectors, count)
        self.ema_sums.copy_(torch.where(dead[..., None], vectors * count, self.ema_sums))
