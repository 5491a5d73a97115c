"""The nets: `base` tells what an autoencoder is, `build_net` makes the net of a recipe."""

import importlib
from typing import Any

from distill_tui.engine.nets.base import Autoencoder
from distill_tui.recipe.schema import Recipe

NETS = {
    "convnext": "distill_tui.engine.nets.convnext:ConvNeXt",
    "conv2d": "distill_tui.engine.nets.conv2d:Conv2d",
    "image": "distill_tui.engine.nets.image:Image",
}
"""The class of each `model.net`, which is imported when it is built: a run has one of them."""


def build_net(recipe: Recipe) -> Any:
    """The whole net of a resolved recipe, of a prior the prior alone, with new weights from torch's random state."""
    if recipe.prior.net:
        return importlib.import_module("distill_tui.engine.nets.prior").Prior(recipe)
    module, _, name = NETS[recipe.model.net].partition(":")
    return getattr(importlib.import_module(module), name)(recipe)


__all__ = ["NETS", "Autoencoder", "build_net"]
