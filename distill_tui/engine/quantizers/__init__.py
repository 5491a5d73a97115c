"""What stands between encoder and decoder. `base` says what a bottleneck is, `build_bottleneck` makes a recipe's."""

from distill_tui.engine.quantizers.base import Bottleneck, QuantizerOutput
from distill_tui.recipe.schema import Recipe


def build_bottleneck(recipe: Recipe) -> Bottleneck:
    """The bottleneck of a resolved recipe."""
    model = recipe.model
    # each imports what it needs alone: vector-quantize-pytorch takes a second
    if model.bottleneck == "kl":
        from distill_tui.engine.quantizers.vae import KL

        return KL(model.latent_dim, recipe.loss.free_bits)
    if model.codebooks == "gradient":
        from distill_tui.engine.quantizers.rvq_gradient import GradientQuantizer

        return GradientQuantizer(
            model.latent_dim, model.rvq_levels, int(model.codebook_size), recipe.train.codebook_ema_decay
        )
    from distill_tui.engine.quantizers.rvq_ema import EmaQuantizer

    return EmaQuantizer(model.latent_dim, model.rvq_levels, int(model.codebook_size), recipe.train.codebook_ema_decay)


__all__ = ["Bottleneck", "QuantizerOutput", "build_bottleneck"]
