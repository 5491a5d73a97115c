"""Losses of adversarial training, as means over examples: a batch gives the same in shards or parts as in one piece.

`real` and `fake` are what a discriminator makes of sounds and of their reconstructions (`nets.discriminator.Features`).
"""

import torch
from torch import Tensor

SMALLEST = 1e-3
"""Features are not divided by less."""


def discriminator_loss(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Least squares (Mao et al. 2017, arXiv 1611.04076): scores of sounds are drawn to 1, of reconstructions to 0.

    0.5 if it cannot tell them apart, 0 if it always can.
    """
    return _mean(
        [(1 - a[-1].float()).square().mean() + b[-1].float().square().mean() for a, b in zip(real, fake, strict=True)]
    )


def generator_loss(fake: list[list[Tensor]]) -> Tensor:
    """Least squares: scores of reconstructions are drawn to 1. 0 if they are taken for sounds, 1 if never."""
    return _mean([(1 - scale[-1].float()).square().mean() for scale in fake])


def feature_loss(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Feature matching (Larsen et al. 2016, arXiv 1512.09300): L1 distance over the mean of the sound's features.

    Normalised as in EnCodec (arXiv 2210.13438, equation 2), but by example; a mean over layers and windows. Only `fake`
    gets a gradient.
    """
    distances = []
    for sounds, reconstructions in zip(real, fake, strict=True):
        for a, b in zip(sounds[:-1], reconstructions[:-1], strict=True):
            target = a.detach().float().flatten(1)
            size = target.abs().mean(1).clamp(min=SMALLEST)
            distances.append(((b.float().flatten(1) - target).abs().mean(1) / size).mean())
    return _mean(distances)


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()
