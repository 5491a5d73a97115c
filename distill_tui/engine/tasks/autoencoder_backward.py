"""Gradients of an autoencoder: in shards or parts around a quantizer that sees the batch as a whole."""

import itertools
from typing import NamedTuple

import torch
from torch import Tensor

from distill_tui.engine.device import autocast
from distill_tui.engine.dsp.losses import Loss
from distill_tui.engine.nets.base import Autoencoder
from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.engine.training.backward import StepOptions, accumulate, scaled, sum_chunks, sum_weighted


class Quantized(NamedTuple):
    """A quantized batch: its data [batch, ...], latents [batch, frames, dim] and codes [batch, frames, levels]."""

    data: Tensor
    latents: Tensor
    codes: Tensor


def add_gradients(
    net: Autoencoder, loss: Loss, data: Tensor, options: StepOptions, levels: int | Tensor | None
) -> tuple[dict[str, Tensor], Quantized | None]:
    """Add the gradients of a batch [examples, ...] to those that the net's parameters have.

    The quantizer sees the batch as a whole, however it is cut: its moving averages move once a step, and on every rank
    alike. In parts, encoder and decoder keep nothing of a part but its latents, and the encoder runs twice.

    Args:
        levels: how many levels to quantize with, also as a scalar on the device; None goes around the quantizer.

    Returns:
        Scalars by name, each loss that was computed as `loss/NAME`, and what was quantized.
    """
    ranks = options.ranks
    chunks = ranks.share(data).chunk(options.count)
    sizes = [len(chunk) for chunk in chunks]
    encoder, decoder = list(net.encoder.parameters()), list(net.decoder.parameters())

    def encode(chunk: Tensor) -> Tensor:
        # each weight is cast once in a pass: there is nothing to cache, least of all for several threads
        with autocast(data.device, options.precision, cached=False):
            return net.encode(chunk)

    def decode(chunk: Tensor, latents: Tensor, start: int) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
        with autocast(data.device, options.precision, cached=False):
            decoded, more = net.decode_to_train(latents, chunk, options.seed_of_net, start)
        losses = loss(decoded, net.target(chunk), with_stft=options.with_stft) | more
        share = len(chunk) / len(data)
        gradients = torch.autograd.grad(scaled(sum_weighted(losses, options.weights), share), [latents, *decoder])
        return {key: scaled(value.detach(), share) for key, value in losses.items()}, gradients

    def back(chunk: Tensor, latents: Tensor, gradient: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(encode(chunk) if options.parts > 1 else latents, encoder, gradient)

    with ranks.together(), torch.set_grad_enabled(options.parts == 1):
        encoded = list(options.each(encode, chunks, seed=options.seed))
    latents = ranks.gather(torch.cat([part.detach() for part in encoded]), len(data)).requires_grad_()
    losses, at_inputs = [], []
    with ranks.together():
        output = None
        if levels is not None:
            options.reseed()
            with autocast(data.device, options.precision):
                output = net.bottleneck(latents, levels)
        quantized = latents if output is None else output.latents
        inputs = [part.requires_grad_() for part in torch.split(ranks.share(quantized.detach()), sizes)]
        starts = list(itertools.accumulate(sizes[:-1], initial=ranks.bounds(len(data))[0]))
        for values_of_chunk, (gradient, *others) in options.each(
            decode, chunks, inputs, starts, seed=options.next_seed
        ):
            accumulate(decoder, others)
            losses.append(values_of_chunk)
            at_inputs.append(gradient)
    at_latents = ranks.gather(torch.cat(at_inputs), len(data))
    extra = {} if output is None else dict(output.losses)
    with ranks.together():
        if output is not None:
            loss_of_quantizer = sum_weighted(extra, options.weights) if extra else None
            at_latents = _through(quantized, at_latents, latents, loss_of_quantizer)
        own = torch.split(ranks.share(at_latents), sizes)
        for gradients in options.each(back, chunks, encoded, own, seed=options.seed):
            accumulate(encoder, gradients)
    with torch.no_grad():
        summed = ranks.add_up([*encoder, *decoder], sum_chunks(losses), _of_whole_batch(net, levels))
        extra |= {key: summed.pop(key) for key in net.head_losses if key in summed}
        values = _scalars(summed, extra, options) | ({} if output is None else output.numbers)
    codes = None if output is None else output.codes
    return values, None if codes is None else Quantized(data, latents.detach(), codes)


def _of_whole_batch(net: Autoencoder, levels: int | Tensor | None) -> list[Tensor]:
    """What a step has changed in the bottleneck, which every rank computes from the whole batch."""
    if levels is None:
        return []
    gradients = [parameter.grad for parameter in net.bottleneck.parameters() if parameter.grad is not None]
    return gradients + (net.bottleneck.ema_buffers() if isinstance(net.bottleneck, Quantizer) else [])


def _through(quantized: Tensor, gradient: Tensor, latents: Tensor, loss: Tensor | None) -> Tensor:
    """The gradient at the latents, through the quantizer and with that of its own loss; its parameters get theirs."""
    ends, starts = [quantized], [gradient]
    if loss is not None:
        ends, starts = [quantized, loss], [gradient, torch.ones_like(gradient[0, 0, 0])]
    torch.autograd.backward(ends, starts)
    assert latents.grad is not None
    return latents.grad


def _scalars(losses: dict[str, Tensor], extra: dict[str, Tensor], options: StepOptions) -> dict[str, Tensor]:
    """The losses under the names that they are logged by; one that was not computed is not logged."""
    recon = sum_weighted(losses, options.weights)
    total = recon + sum_weighted(extra, options.weights) if extra else recon
    each = {f"loss/{key}": value.detach() for key, value in (losses | extra).items()}
    return {"loss/train": total, "loss/recon": recon} | each
