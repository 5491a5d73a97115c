"""The gradients of a batch: through the net and back, in shards around a bottleneck that sees it as a whole."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from distill_tui.engine.device import autocast
from distill_tui.engine.dsp.losses import Loss
from distill_tui.engine.nets.base import Autoencoder
from distill_tui.engine.training.cpu_shards import Shards

Result = TypeVar("Result")

LOSS_WEIGHTS = {
    "mel": "loss.mel_weight",
    "stft": "loss.stft_weight",
    "commit": "loss.commitment_weight",
    "codebook": "loss.codebook_weight",
    "kl": "loss.kl_weight",
}
"""The knob of each loss; one that is not here counts as it is."""


def sum_weighted(found: dict[str, Tensor], knobs: dict[str, float]) -> Tensor:
    """The weighted sum of losses."""
    return torch.stack([weight(key, knobs) * value for key, value in found.items()]).sum()


def weight(key: str, knobs: dict[str, float]) -> float:
    """What a loss is multiplied by."""
    return knobs[LOSS_WEIGHTS[key]] if key in LOSS_WEIGHTS else 1.0


@dataclass
class Step:
    """What a step does with its batch.

    Args:
        levels: how many levels it quantizes with; None goes around the bottleneck.
        knobs: the loss weights by recipe key.
        precision: of encoder and decoder.
        seed: of what is drawn on the way.
    """

    levels: int | None
    knobs: dict[str, float]
    precision: torch.dtype
    seed: int


Quantized = tuple[Tensor, Tensor, Tensor]
"""Data, latents and codes of a batch."""


def add_gradients(
    net: Autoencoder, loss: Loss, shards: Shards, step: Step, data: Tensor, parts: int = 1
) -> tuple[dict[str, Tensor], Quantized | None]:
    """Add the gradients of data [pieces, ...] to those that the net's parameters have.

    The bottleneck sees the batch as a whole, however it is cut: its moving averages move once a step.

    Args:
        parts: with 2 or more, encoder and decoder take the batch in as many parts, one after the other, and keep
            nothing of a part but its latents: the encoder runs twice. It takes a fraction of the memory.

    Returns:
        The losses as scalars by name, and what was quantized.
    """
    pieces = data.chunk(parts if parts > 1 else shards.count)
    encoder, decoder = list(net.encoder.parameters()), list(net.decoder.parameters())

    def encode(piece: Tensor) -> Tensor:
        # each weight is cast once in a pass: there is nothing to cache, least of all for several threads
        with autocast(data.device, step.precision, cached=False):
            return net.encode(piece)

    def decode(piece: Tensor, latents: Tensor) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
        with autocast(data.device, step.precision, cached=False):
            made = net.decode(latents)
        found = loss(made, net.wanted(piece), with_stft=step.knobs["loss.stft_weight"] > 0)
        part = len(piece) / len(data)
        gradients = torch.autograd.grad(sum_weighted(found, step.knobs) * part, [latents, *decoder])
        return {key: value.detach() * part for key, value in found.items()}, gradients

    def back(latents: Tensor, gradient: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(latents, encoder, gradient)

    sizes = [len(piece) for piece in pieces]
    if parts > 1:
        with torch.no_grad():
            encoded = [_seeded(step.seed + n, encode, piece) for n, piece in enumerate(pieces)]
    else:
        encoded = shards.each(encode, pieces, seed=step.seed)
    latents = torch.cat([part.detach() for part in encoded]).requires_grad_()
    passed = None
    if step.levels is not None:
        with autocast(data.device, step.precision):
            passed = net.bottleneck(latents, step.levels)
    out = latents if passed is None else passed.latents
    inputs = [part.requires_grad_() for part in torch.split(out.detach(), sizes)]
    seed = step.seed + len(pieces)
    if parts > 1:
        decoded = []
        for n, (piece, part) in enumerate(zip(pieces, inputs, strict=True)):
            losses, gradients = _seeded(seed + n, decode, piece, part)
            _add(decoder, [gradients[1:]])
            decoded.append((losses, gradients[:1]))
    else:
        decoded = shards.each(decode, pieces, inputs, seed=step.seed + shards.count)
        _add(decoder, [gradients[1:] for _, gradients in decoded])
    gradient = torch.cat([gradients[0] for _, gradients in decoded])
    extra = {} if passed is None else passed.losses
    if passed is not None:
        ends, starts = [passed.latents], [gradient]
        if extra:
            ends, starts = (
                [*ends, sum_weighted(extra, step.knobs)],
                [*starts, torch.ones_like(gradient[0, 0, 0])],
            )
        torch.autograd.backward(ends, starts)
        assert latents.grad is not None
        gradient = latents.grad
    backs = torch.split(gradient, sizes)
    if parts > 1:
        for n, (piece, part) in enumerate(zip(pieces, backs, strict=True)):
            _add(encoder, [back(_seeded(step.seed + n, encode, piece), part)])
    else:
        _add(encoder, shards.each(back, encoded, backs))
    found = {key: torch.stack([losses[key] for losses, _ in decoded]).sum() for key in decoded[0][0]}
    with torch.no_grad():
        values = _told(net, loss, found, extra, step.knobs) | ({} if passed is None else passed.numbers)
    codes = None if passed is None else passed.codes
    return values, None if codes is None else (data, latents.detach(), codes)


def _seeded(seed: int, work: Callable[..., Result], *part: object) -> Result:
    """What `work` gives, with the random numbers of `seed`: the same when it is done once more."""
    torch.manual_seed(seed)
    return work(*part)


def _told(
    net: Autoencoder, loss: Loss, found: dict[str, Tensor], extra: dict[str, Tensor], knobs: dict[str, float]
) -> dict[str, Tensor]:
    """The losses under the names that they are told by, always the same ones in the same order."""
    recon = sum_weighted(found, knobs)
    values = {"loss/train": recon + sum_weighted(extra, knobs) if extra else recon, "loss/recon": recon}
    # a loss that is not asked for is not known, and there is none of codes before there are codes; they keep their
    # places all the same
    values |= {f"loss/{key}": found.get(key, recon.new_full((), math.nan)) for key in loss.names}
    return values | {
        f"loss/{key}": extra[key].detach() if key in extra else recon.new_zeros(()) for key in net.bottleneck.losses
    }


def _add(parameters: Sequence[nn.Parameter], found: Sequence[Sequence[Tensor]]) -> None:
    """Add the shards' gradients to those of the parameters, in the order of the shards."""
    total = list(found[0])
    for more in found[1:]:
        torch._foreach_add_(total, list(more))
    for parameter, gradient in zip(parameters, total, strict=True):
        if parameter.grad is not None:
            parameter.grad.add_(gradient)
        elif gradient.stride() == parameter.stride():
            parameter.grad = gradient
        else:
            # the fused optimizer goes through both in the order of the memory
            parameter.grad = torch.empty_like(parameter).copy_(gradient)
