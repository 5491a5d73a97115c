"""The nets: what lies around a bottleneck. `base` says what a net is, `build_net` makes the one of a recipe."""

from distill_tui.engine.nets.base import Autoencoder
from distill_tui.recipe.schema import Recipe


def build_net(recipe: Recipe) -> Autoencoder:
    """The whole net of a resolved recipe, with fresh weights from torch's random state."""
    # each imports what it needs alone: a run has one of them
    if recipe.model.net == "convnext":
        from distill_tui.engine.nets.convnext import ConvNeXt

        return ConvNeXt(recipe)
    if recipe.model.net == "conv2d":
        from distill_tui.engine.nets.conv2d import Conv2d

        return Conv2d(recipe)
    from distill_tui.engine.nets.image import Image

    return Image(recipe)


__all__ = ["Autoencoder", "build_net"]
