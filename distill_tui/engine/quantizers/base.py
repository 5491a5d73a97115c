"""What every bottleneck is."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass
class QuantizerOutput:
    """What came of latents [batch, frames, dim].

    `codes` are [batch, frames, levels], -1 in levels that were left out; None where there are no codes. `losses` are
    scalars by name (`commit`, `codebook`, `kl`), unweighted: the trainer applies each weight, once. `numbers` are
    scalars to be told under these names.
    """

    latents: Tensor
    codes: Tensor | None
    losses: dict[str, Tensor]
    numbers: dict[str, Tensor] = field(default_factory=dict)


class Bottleneck(nn.Module):
    """Latents [batch, frames, dim] to what passes, and to the tokens that it is stored as.

    `losses` names those of `QuantizerOutput`. `levels` and `size` are 0 where there are no codes. `replaced` counts
    codes that were replaced, by level, until somebody sets it back to 0.
    """

    losses: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    levels: int = 0
    size: int = 0
    replaced: Tensor

    def __init__(self, levels: int, size: int) -> None:
        super().__init__()
        self.levels, self.size = levels, size
        self.register_buffer("replaced", torch.zeros(levels), persistent=False)

    def forward(self, latents: Tensor, levels: int | None = None) -> QuantizerOutput:
        """Pass latents [batch, frames, dim] through, by the first `levels` codebooks (all of them by default)."""
        raise NotImplementedError

    def tokens(self, latents: Tensor, levels: int | None = None) -> Tensor:
        """What latents [batch, frames, dim] are stored as: codes [batch, frames, levels], or numbers where none are."""
        raise NotImplementedError

    def latents(self, tokens: Tensor) -> Tensor:
        """Tokens back to latents [batch, frames, dim]."""
        raise NotImplementedError


class Quantizer(Bottleneck):
    """A residual vector quantizer: each level has a code for what those before it leave."""

    @property
    def codebooks(self) -> Tensor:
        """[levels, size, dim]."""
        raise NotImplementedError

    def moving(self) -> list[Tensor]:
        """What `forward` changes as it learns, beside gradients: a step that goes wrong puts it back."""
        raise NotImplementedError

    def set_codes(self, level: int, codes: Tensor, counts: Tensor) -> None:
        """Put codes [size, dim] in force, as if each had been found `counts` [size] times a batch for long."""
        raise NotImplementedError

    def usage(self, level: int) -> Tensor:
        """The moving average [size] of how often each code is found in a batch."""
        raise NotImplementedError

    def replace(self, level: int, dead: Tensor, chosen: Tensor, count: float) -> None:
        """Give the codes that are `dead` [size] those `chosen` [size, dim] and a usage of `count`."""
        raise NotImplementedError

    def tokens(self, latents: Tensor, levels: int | None = None) -> Tensor:
        passed: QuantizerOutput = self(latents, levels)
        codes = passed.codes
        assert codes is not None
        return codes[..., :levels]

    @torch.no_grad()
    def expect(self, batch_vectors: int) -> None:
        """Scale the moving counts of codebooks that were learned elsewhere to steps of so many vectors.

        Codes would otherwise count as dead, or as alive, because the batches have another size.
        """
        for level, codes in enumerate(self.codebooks):
            usage = self.usage(level)
            self.set_codes(level, codes, usage * (batch_vectors / usage.sum().clamp(min=1e-3)))

    @torch.no_grad()
    def initialise(self, pool: Tensor, batch_vectors: int) -> None:
        """Make every codebook by k-means over what the levels before it leave of `pool` [vectors, dim].

        `batch_vectors` is how many vectors a step will bring, for the moving counts to begin at their level.
        """
        from distill_tui.engine.quantizers.vq_pytorch import kmeans

        residual = pool.float()
        for level in range(self.levels):
            means, counts = kmeans(residual[None], self.size, 20)
            # a cluster without vectors keeps its mean
            share = counts[0].float().clamp(min=1e-3)
            self.set_codes(level, means[0], share * (batch_vectors / share.sum()))
            residual = residual - means[0][torch.cdist(residual, means[0]).argmin(dim=-1)]

    @torch.no_grad()
    def replace_dead(self, latents: Tensor, codes: Tensor, share: float, allowed: Tensor | bool = True) -> None:
        """Give codes whose moving count fell below `share` of the even share N/K a vector of this batch.

        Args:
            latents: what was quantized, [batch, frames, dim].
            codes: what came of it, [batch, frames, levels].
            allowed: a scalar on the device: false after a step that was not finite, whose latents are no places.
            share: 0 replaces none. vector-quantize-pytorch's `threshold_ema_dead_code` is this times N/K.
        """
        if share <= 0:
            return
        residual = latents.reshape(-1, latents.shape[-1]).float()
        even = residual.shape[0] / self.size
        books = self.codebooks
        for level in range(self.levels):
            used = codes[..., level].reshape(-1)
            dropped = used[:1] < 0
            dead = (self.usage(level) < share * even) & ~dropped & allowed
            chosen = residual[torch.randint(residual.shape[0], (self.size,), device=residual.device)]
            # back at the even share, so that a new code has time to be found before it is judged
            self.replace(level, dead, chosen, even)
            self.replaced[level] += dead.sum()
            residual = residual - torch.where(dead[:, None], chosen, books[level])[used.clamp(min=0)]
