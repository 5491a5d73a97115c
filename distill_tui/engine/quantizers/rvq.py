"""Residual vector quantization: the search, k-means and the replacement of dead codes of our own quantizers.

Nothing here asks the device for a value or has a shape that depends on data, so that a training step can be captured as
one CUDA graph.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from distill_tui.engine.quantizers.base import Quantizer, QuantizerOutput

KMEANS_ITERATIONS = 20


class Search(NamedTuple):
    """The nearest codes of a batch: `codes` [levels, batch, frames], the `inputs` of each level and the `sums` of the
    chosen codes up to and with each level, both [levels, batch, frames, dim]."""

    codes: Tensor
    inputs: Tensor
    sums: Tensor


class ResidualQuantizer(Quantizer):
    """Residual VQ (Zeghidour et al. 2021, arXiv 2107.03312, algorithm 1), without a rule of how codes learn.

    `ema_counts` [levels, size] are moving averages of the vectors of a batch that each code is nearest to. `commit` is
    the mean squared distance of each level's input to its code, summed over the levels in use.
    """

    losses: tuple[str, ...] = ("commit",)
    needs_init = True
    ema_counts: Tensor

    def __init__(self, levels: int, size: int, decay: float) -> None:
        super().__init__(levels, size)
        self.decay = decay
        self.register_buffer("ema_counts", torch.ones(levels, size))

    def forward(self, latents: Tensor, levels: int | Tensor | None = None) -> QuantizerOutput:
        levels = self.levels if levels is None else levels
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            found = self._search(latents.detach())
            kept = torch.arange(self.levels, device=latents.device) < levels
            codes = torch.where(kept, found.codes.movedim(0, -1), -1)
            losses = self._losses(latents, found, kept)
            out = _up_to(found.sums, levels)
            if self.training:
                self._update(self._statistics(found))
                # straight through: the decoder sees the codes, the encoder gets the decoder's gradient
                out = latents + (out - latents.detach())
            return QuantizerOutput(out, codes, losses)

    @torch.no_grad()
    def _search(self, latents: Tensor) -> Search:
        vectors = latents.flatten(0, 1)
        residual, total = vectors, torch.zeros_like(vectors)
        index, inputs, sums = [], [], []
        for codes, norms in zip(self.codebooks.unbind(), self.codebooks.square().sum(-1).unbind(), strict=True):
            inputs.append(residual)
            # the squared distance, less the squared length of the vector: that is the same for all codes
            index.append(torch.addmm(norms, residual, codes.T, alpha=-2).argmin(-1))
            total = total + codes[index[-1]]
            residual = vectors - total
            sums.append(total)
        shape = (self.levels, *latents.shape)
        return Search(
            torch.stack(index).view(shape[:-1]), torch.stack(inputs).view(shape), torch.stack(sums).view(shape)
        )

    def _losses(self, latents: Tensor, found: Search, kept: Tensor) -> dict[str, Tensor]:
        distances = (latents - found.sums).square().flatten(1).mean(1)
        return {"commit": (distances * kept).sum()}

    @torch.no_grad()
    def _statistics(self, found: Search) -> Tensor:
        """The sum of the vectors that are nearest to each code, and as the last column their number: [levels, size,
        dim + 1]. One tensor: what data-parallel processes have to add up before `_update`."""
        rows = torch.nn.functional.pad(found.inputs.flatten(1, 2), (0, 1), value=1.0)
        # deterministic on the CPU, and on CUDA under `torch.use_deterministic_algorithms`
        sums = rows.new_zeros(self.levels * self.size, rows.shape[-1])
        sums.index_add_(0, self._flat(found.codes), rows.flatten(0, 1))
        return sums.view(self.levels, self.size, -1)

    def _flat(self, index: Tensor) -> Tensor:
        """Codes `index` [levels, batch, frames] as one list of places in codebooks that lie one after the other."""
        first = torch.arange(0, self.levels * self.size, self.size, device=index.device)
        return (index + first[:, None, None]).flatten()

    @torch.no_grad()
    def _update(self, statistics: Tensor) -> None:
        """Move the moving averages by the statistics of a batch."""
        self.ema_counts.lerp_(statistics[..., -1], 1 - self.decay)

    def latents(self, tokens: Tensor) -> Tensor:
        books = self.codebooks.detach()
        total = books.new_zeros(*tokens.shape[:2], books.shape[-1])
        for codes, index in zip(books, tokens.unbind(-1), strict=False):
            # one after the other, as the search adds them: floats are the same then
            total = total + codes[index.clamp(min=0)] * (index >= 0)[..., None]
        return total

    def ema_buffers(self) -> list[Tensor]:
        return [self.ema_counts]

    @torch.no_grad()
    def set_codebooks(self, codes: Tensor, counts: Tensor) -> None:
        """Set codes [levels, size, dim] and their moving counts [levels, size]."""
        self.codebooks.copy_(codes)
        self.ema_counts.copy_(counts)

    @torch.no_grad()
    def init_codebooks(self, pool: Tensor, batch_vectors: int) -> None:
        """Compute every codebook by k-means over what the levels before it leave of `pool`."""
        residual, codes, counts = pool.float(), [], []
        for _ in range(self.levels):
            means, index, count = kmeans(residual, self.size)
            residual = residual - means[index]
            codes.append(means)
            # a cluster without vectors keeps its mean
            counts.append(count.clamp(min=1e-3))
        self.set_codebooks(torch.stack(codes), torch.stack(counts))
        self.rescale_usage(batch_vectors)

    @torch.no_grad()
    def rescale_usage(self, batch_vectors: int) -> None:
        total = self.ema_counts.sum(-1, keepdim=True).clamp(min=1e-3)
        self.set_codebooks(self.codebooks, self.ema_counts * (batch_vectors / total))

    @torch.no_grad()
    def replace_dead_codes(
        self,
        latents: Tensor,
        codes: Tensor,
        threshold: float,
        frame_mask: Tensor,
        allowed: Tensor | bool = True,
        random: torch.Generator | None = None,
    ) -> None:
        if threshold <= 0:
            return
        vectors, codes = latents.float().flatten(0, 1), codes.flatten(0, 1)
        even = len(vectors) / self.size
        places, any_frame = self._draw(frame_mask.flatten(), random)
        chosen, chosen_codes = vectors[places], codes[places]
        for level, book in enumerate(self.codebooks[:-1]):
            # a new code of a later level is what the levels before it leave over
            chosen[level + 1 :].sub_(book[chosen_codes[level + 1 :, :, level].clamp(min=0)])
        dead = (self.ema_counts < threshold * even) & (codes[0] >= 0)[:, None] & any_frame & allowed
        self._replace(dead, chosen, even)
        self.replaced += dead.sum(-1)

    def _replace(self, dead: Tensor, vectors: Tensor, count: float) -> None:
        """Set the codes that are `dead` [levels, size] to `vectors` [levels, size, dim] and their moving counts."""
        self.codebooks.copy_(torch.where(dead[..., None], vectors, self.codebooks))
        self.ema_counts.masked_fill_(dead, count)

    def _draw(self, mask: Tensor, random: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Random places where `mask` [vectors] is true, [levels, size], and whether there are any."""
        ranks = mask.cumsum(0)
        draws = torch.rand(self.levels, self.size, device=mask.device, generator=random)
        places = torch.searchsorted(ranks, (draws * ranks[-1]).long() + 1)
        return places.clamp(max=len(mask) - 1), ranks[-1] > 0


def _up_to(sums: Tensor, levels: int | Tensor) -> Tensor:
    """The one of `sums` [levels, ...] that has the first `levels` in it; a number on a device is not read."""
    return sums[levels - 1] if isinstance(levels, int) else sums.index_select(0, levels.view(1) - 1)[0]


def kmeans(vectors: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Lloyd's algorithm from random vectors: means [size, dim], nearest mean [vectors] and vectors a mean [size]."""
    count = len(vectors)
    first = torch.randperm(count, device=vectors.device)[:size] if count >= size else torch.randint(count, (size,))
    means = vectors[first.to(vectors.device)]
    for _ in range(KMEANS_ITERATIONS):
        index, counts = _assign(vectors, means)
        sums = torch.zeros_like(means).index_add_(0, index, vectors)
        means = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), means)
    return means, *_assign(vectors, means)


def _assign(vectors: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    index = torch.addmm(means.square().sum(-1), vectors, means.T, alpha=-2).argmin(-1)
    ones = torch.ones(1, device=vectors.device).expand(len(vectors))
    return index, torch.zeros(len(means), device=vectors.device).index_add_(0, index, ones)
