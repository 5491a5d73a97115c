"""A residual vector quantizer whose codes learn by the gradient of a loss of their own, as the first VQ-VAE's did."""

import torch
from torch import Tensor, nn

from distill_tui.engine.quantizers.base import Quantizer, QuantizerOutput


class GradientQuantizer(Quantizer):
    """Residual VQ with the losses of van den Oord et al. 2017 (arXiv 1711.00937, equation 3) at every level.

    `commit` is the mean squared distance of what enters a level to its codes, with a gradient to the encoder only;
    `codebook` the same with a gradient to the codes only; each is summed over the levels.
    """

    losses = ("commit", "codebook")
    counts: Tensor

    def __init__(self, dim: int, levels: int, size: int, decay: float) -> None:
        super().__init__(levels, size)
        self.codes = nn.Parameter(torch.randn(levels, size, dim))
        self.decay = decay
        self.register_buffer("counts", torch.ones(levels, size))

    def forward(self, latents: Tensor, levels: int | None = None) -> QuantizerOutput:
        keep = levels or self.levels
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            residual, total = latents, torch.zeros_like(latents)
            commit = codebook = latents.new_zeros(())
            found: list[Tensor] = []
            for level in range(self.levels):
                if level >= keep:
                    found.append(torch.full(latents.shape[:2], -1, device=latents.device))
                    continue
                index = nearest(residual.detach(), self.codes[level].detach())
                code = self.codes[level][index]
                commit = commit + (residual - code.detach()).square().mean()
                codebook = codebook + (residual.detach() - code).square().mean()
                total, residual = total + code.detach(), residual - code.detach()
                found.append(index)
                if self.training:
                    self._count(level, index)
            # straight through: the decoder hears the codes, the encoder gets the decoder's gradient
            passed = latents + (total - latents).detach() if self.training else total
            return QuantizerOutput(passed, torch.stack(found, -1), {"commit": commit, "codebook": codebook})

    @torch.no_grad()
    def _count(self, level: int, index: Tensor) -> None:
        found = torch.zeros_like(self.counts[level])
        found.scatter_add_(0, index.flatten(), torch.ones_like(index, dtype=found.dtype).flatten())
        self.counts[level].lerp_(found, 1 - self.decay)

    def latents(self, tokens: Tensor) -> Tensor:
        """Codes [batch, frames, up to `levels`] to latents [batch, frames, dim]; -1 adds nothing."""
        total = torch.zeros(*tokens.shape[:2], self.codes.shape[-1], device=tokens.device)
        for level, index in enumerate(tokens.unbind(-1)):
            # one after the other, as `forward` adds them: floats are the same then
            total = total + self.codebooks[level][index.clamp(min=0)] * (index >= 0)[..., None]
        return total

    @property
    def codebooks(self) -> Tensor:
        return self.codes.detach()

    def moving(self) -> list[Tensor]:
        return [self.counts]

    def set_codes(self, level: int, codes: Tensor, counts: Tensor) -> None:
        self.codes.data[level].copy_(codes)
        self.counts[level].copy_(counts)

    def usage(self, level: int) -> Tensor:
        return self.counts[level]

    def replace(self, level: int, dead: Tensor, chosen: Tensor, count: float) -> None:
        self.codes.data[level].copy_(torch.where(dead[:, None], chosen, self.codes.data[level]))
        self.counts[level].masked_fill_(dead, count)


def nearest(vectors: Tensor, codes: Tensor) -> Tensor:
    """The nearest of codes [size, dim] to each of vectors [batch, frames, dim]: indices [batch, frames]."""
    # by differences where there are few: exact, and no slower for a plane of sixteen codes
    found: Tensor = torch.cdist(vectors.flatten(0, 1), codes, compute_mode="donot_use_mm_for_euclid_dist").argmin(-1)
    return found.view(vectors.shape[:2])
