"""The continuous counterpart: the bottleneck of a variational autoencoder, to see what quantizing costs."""

import torch
from torch import Tensor, nn

from distill_tui.engine.quantizers.base import Bottleneck, QuantizerOutput

LOG_VARIANCE = (-20.0, 10.0)


class KL(Bottleneck):
    """A normal distribution a latent vector, held near the standard one (Kingma and Welling 2014, arXiv 1312.6114).

    `kl` is the Kullback-Leibler divergence in nats a latent frame, where each dimension costs nothing below
    `free_bits` on average (Kingma et al. 2016, arXiv 1606.04934, section 4); `latent/kl` is all of it.
    """

    losses = ("kl",)
    numbers = ("latent/kl",)

    def __init__(self, dim: int, free_bits: float) -> None:
        super().__init__(0, 0)
        self.free_bits = free_bits
        self.moments = nn.Linear(dim, 2 * dim)

    def forward(self, latents: Tensor, _levels: int | Tensor | None = None) -> QuantizerOutput:
        """Latents [batch, frames, dim] to a sample of their distributions; to the means in evaluation."""
        mean, log_variance = self._distribution(latents)
        each = _nats(mean, log_variance)
        out = mean
        if self.training:
            out = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return QuantizerOutput(
            out, None, {"kl": each.clamp(min=self.free_bits).sum()}, {"latent/kl": each.detach().sum()}
        )

    def nats(self, latents: Tensor) -> Tensor:
        """The mean divergence of latents [batch, frames, dim] in each dimension: [dim] nats a frame."""
        return _nats(*self._distribution(latents))

    def _distribution(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(latents.device.type, enabled=False):
            mean, log_variance = self.moments(latents.float()).chunk(2, -1)
            return mean, log_variance.clamp(*LOG_VARIANCE)

    def tokens(self, latents: Tensor, _levels: int | None = None, _beam: int = 1) -> Tensor:
        """The means [batch, frames, dim]."""
        return self._distribution(latents)[0]

    def latents(self, tokens: Tensor) -> Tensor:
        return tokens


def _nats(mean: Tensor, log_variance: Tensor) -> Tensor:
    each = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return each.flatten(0, -2).mean(0)
