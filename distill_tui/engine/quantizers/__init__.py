"""Quantizers, between encoder and decoder. `base` says what one is, `build_quantizer` makes that of a recipe."""

from distill_tui.engine.quantizers.base import Bottleneck, QuantizerOutput
from distill_tui.recipe.schema import Recipe


def build_quantizer(recipe: Recipe) -> Bottleneck:
    """The quantizer of a resolved recipe, or a bottleneck without codes."""
    model, train = recipe.model, recipe.train
    # each imports what it needs alone: vector-quantize-pytorch takes a second
    match model.quantizer:
        case "vae":
            from distill_tui.engine.quantizers.vae import KL

            return KL(model.latent_dim, recipe.loss.free_bits)
        case "rvq_ema":
            from distill_tui.engine.quantizers.rvq_ema import RvqEma

            return RvqEma(model.latent_dim, model.rvq_levels, int(model.codebook_size), train.codebook_ema_decay)
        case "rvq_gradient":
            from distill_tui.engine.quantizers.rvq_gradient import RvqGradient

            return RvqGradient(model.latent_dim, model.rvq_levels, int(model.codebook_size), train.codebook_ema_decay)
        case _:
            from distill_tui.engine.quantizers.library import build_library_quantizer

            return build_library_quantizer(recipe)


__all__ = ["Bottleneck", "QuantizerOutput", "build_quantizer"]
