"""How near the codes of a codebook are to one another."""

import torch
from torch import Tensor

MOST_IN_TABLE = 4096
"""Of larger codebooks the nearness of all codes to all is not kept: of 65,536 codes it would take 17 GB."""

SAMPLED = 1024
"""Codes of such a codebook, evenly, that say what is usual."""


class NearCodes:
    """For each code of codebooks [levels, size, dim] the weights of the others by nearness.

    They fall with the squared distance, over the usual one of a nearest code (the median), and add up to 1.
    """

    def __init__(self, codebooks: Tensor) -> None:
        self._codebooks, size = codebooks, codebooks.shape[1]
        every = torch.arange(size, device=codebooks.device)
        some = every if size <= MOST_IN_TABLE else every[:: -(-size // SAMPLED)]
        nearest = [self._squared(level, some).amin(-1) for level in range(len(codebooks))]
        self._usual = [one.median().clamp(min=1e-12) for one in nearest]
        self._table = None
        if size <= MOST_IN_TABLE:
            self._table = [self._weights(level, every) for level in range(len(codebooks))]

    def __call__(self, level: int, codes: Tensor) -> Tensor:
        """The weights [..., size] beside codes [...] of a level."""
        return self._weights(level, codes) if self._table is None else self._table[level][codes]

    def _weights(self, level: int, codes: Tensor) -> Tensor:
        return torch.softmax(-self._squared(level, codes) / self._usual[level], -1)

    def _squared(self, level: int, codes: Tensor) -> Tensor:
        """Squared distances [..., size] of codes [...] from the others, infinite from themselves."""
        codebook = self._codebooks[level]
        squared = torch.cdist(codebook[codes.flatten()], codebook).square()
        squared.scatter_(1, codes.reshape(-1, 1), torch.inf)
        return squared.reshape(*codes.shape, -1)
