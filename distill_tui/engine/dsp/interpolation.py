"""Linear interpolation whose gradient is added up in a fixed order where that is asked for.

CUDA's own adds with atomics, and refuses to under `torch.use_deterministic_algorithms`. Elsewhere torch's is used.
"""

import torch
from torch import Tensor, nn


def stretched(x: Tensor, length: int) -> Tensor:
    """[batch, n] interpolated to [batch, length]; each value stands in the middle of its part of the result."""
    if not _needs_order(x):
        return nn.functional.interpolate(x[:, None], size=length, mode="linear")[:, 0]
    count = x.shape[1]
    place = ((torch.arange(length, device=x.device) + 0.5) * (count / length) - 0.5).clamp(0, count - 1)
    left = place.long()
    right = (left + 1).clamp(max=count - 1)
    # the gradient of taking by indices is added up after sorting them
    return torch.lerp(x[:, left], x[:, right], place - left)


def with_ends(x: Tensor) -> Tensor:
    """[batch, n] with its first and last values once more before and after them: [batch, n + 2]."""
    if not _needs_order(x):
        return nn.functional.pad(x[:, None], (1, 1), mode="replicate")[:, 0]
    return torch.cat((x[:, :1], x, x[:, -1:]), 1)


def _needs_order(x: Tensor) -> bool:
    return x.device.type == "cuda" and torch.are_deterministic_algorithms_enabled()
