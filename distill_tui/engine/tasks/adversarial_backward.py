"""Gradients of the adversarial part of a training: of the decoder, and of the discriminator that judges it."""

import itertools

import torch
from torch import Tensor

from distill_tui.engine.device import autocast
from distill_tui.engine.dsp.adversarial import discriminator_loss, feature_loss, generator_loss
from distill_tui.engine.dsp.losses import Loss
from distill_tui.engine.nets.base import Autoencoder
from distill_tui.engine.nets.discriminator import Discriminator, common_gain
from distill_tui.engine.tasks.autoencoder_backward import Quantized
from distill_tui.engine.training.backward import StepOptions, accumulate, sum_chunks, sum_weighted
from distill_tui.engine.training.compile import uncompiled

Gradients = tuple[Tensor, ...]


def add_adversarial_gradients(
    net: Autoencoder,
    loss: Loss,
    data: Tensor,
    options: StepOptions,
    levels: int | Tensor | None,
    discriminator: Discriminator | None,
) -> tuple[dict[str, Tensor], Quantized | None]:
    """Add the gradients of a batch [examples, samples] to those of the decoder, and of the discriminator.

    Encoder and bottleneck are in evaluation mode and get none, so codes stay what they are. Both gradients come from
    the same pass of the discriminator, in shards or parts as elsewhere: all losses are means over examples.

    Args:
        levels: how many levels to quantize with; None goes around the quantizer.
        discriminator: None trains the decoder on the reconstruction losses alone.

    Returns:
        Scalars by name, each loss that was computed as `loss/NAME`, and what was quantized.
    """
    net.encoder.eval()
    net.bottleneck.eval()
    decoder = list(net.decoder.parameters())
    judge = [] if discriminator is None else list(discriminator.parameters())

    def encode(chunk: Tensor) -> Tensor:
        with torch.no_grad(), autocast(data.device, options.precision, cached=False):
            return net.encode(chunk)

    def backward(chunk: Tensor, latents: Tensor, start: int) -> tuple[dict[str, Tensor], Gradients, Gradients]:
        share = len(chunk) / len(data)
        target = net.target(chunk)
        with autocast(data.device, options.precision, cached=False):
            decoded, more = net.decode_to_train(latents, chunk, options.seed_of_net, start)
        losses, extra = loss(decoded, target, with_stft=options.with_stft) | more, {}
        if discriminator is not None:
            gain = common_gain(target)
            with autocast(data.device, options.precision, cached=False):
                real, fake = discriminator(target * gain), discriminator(decoded * gain)
            losses |= {"adversarial": generator_loss(fake), "feature": feature_loss(real, fake)}
            extra["discriminator"] = discriminator_loss(real, fake)
        total = sum_weighted(losses, options.weights) * share
        ours = torch.autograd.grad(total, decoder, retain_graph=discriminator is not None)
        theirs = torch.autograd.grad(extra["discriminator"] * share, judge) if extra else ()
        return {key: value.detach() * share for key, value in (losses | extra).items()}, ours, theirs

    ranks = options.ranks
    chunks = ranks.share(data).chunk(options.count)
    # forward only, and in another mode than before: not worth compiling once more
    with ranks.together(), uncompiled(net.recipe):
        own = torch.cat(list(options.each(encode, chunks, seed=options.seed)))
    latents, output = ranks.gather(own, len(data)), None
    if levels is not None:
        options.reseed()
        with ranks.together(), torch.no_grad(), autocast(data.device, options.precision):
            output = net.bottleneck(latents, levels)
    quantized = latents if output is None else output.latents
    # as it does before this part: the compiled decoder then stays the same graph
    sizes = [len(chunk) for chunk in chunks]
    inputs = [part.requires_grad_() for part in torch.split(ranks.share(quantized.detach()), sizes)]
    starts = list(itertools.accumulate(sizes[:-1], initial=ranks.bounds(len(data))[0]))
    chunked = []
    with ranks.together():
        for of_chunk, ours, theirs in options.each(backward, chunks, inputs, starts, seed=options.next_seed):
            accumulate(decoder, ours)
            accumulate(judge, theirs)
            chunked.append(of_chunk)
    values = ranks.add_up([*decoder, *judge], sum_chunks(chunked))
    codes = None if output is None else output.codes
    return _scalars(values, options), None if codes is None else Quantized(data, latents, codes)


def _scalars(losses: dict[str, Tensor], options: StepOptions) -> dict[str, Tensor]:
    """The losses under the names that they are logged by; the discriminator's is no part of any sum."""
    of_decoder = {key: value for key, value in losses.items() if key != "discriminator"}
    recon = {key: value for key, value in of_decoder.items() if key in ("mel", "stft")}
    sums = {
        "loss/train": sum_weighted(of_decoder, options.weights),
        "loss/recon": sum_weighted(recon, options.weights),
    }
    return sums | {f"loss/{key}": value for key, value in losses.items()}
