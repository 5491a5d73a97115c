"""Presets: named sets of values: how strongly to regularise, and how long to train.

A preset only sets fields of the recipe; the recipe shows every number. The size of the net is none of them: it follows
from the sound, the budget and the machine (`recipe.net_size`).
"""

from collections.abc import Mapping
from typing import Any

from distill_tui.recipe.fields import fields, get, with_values
from distill_tui.recipe.schema import Recipe

PRESETS: dict[str, dict[str, Any]] = {
    "conservative": {
        "model.dropout": 0.1,
        "train.weight_decay": 0.05,
        "train.epochs": 60,
        "train.patience": 20,
    },
    "balanced": {
        "model.dropout": 0.0,
        "train.weight_decay": 0.01,
        "train.epochs": 100,
        "train.patience": 0,
    },
    "aggressive": {
        "model.dropout": 0.0,
        "train.weight_decay": 0.0,
        "train.epochs": 400,
        "train.patience": 0,
    },
    "faithful": {
        "model.dropout": 0.0,
        "loss.scales": 5,
        "train.batch_size": 64,
        "train.adversarial_fraction": 0.33,
        "train.weight_decay": 0.01,
        "train.epochs": 400,
        "train.patience": 0,
    },
}

EXPLORE: dict[str, Any] = {
    "model.net": "image",
    "model.quantizer": "rvq_gradient",
    "model.latent_dim": 2,
    "model.rvq_levels": 2,
    "model.codebook_size": 16,
    "train.epochs": 100,
    "train.quantizer_warmup_fraction": 0.0,
    "train.adversarial_fraction": 0.0,
    "train.dead_code_threshold": 0.0,
    "train.quantizer_dropout": 0.0,
    "train.weight_decay": 0.0,
    "train.ema_decay": 0.99,
    "train.preview_every": 0,
    "train.checkpoint_minutes": 1.0,
}
"""What an Explorer run has that others do not: a latent plane that can be looked at, and codes that are left to die."""

PRIOR: dict[str, Any] = {
    "prior.net": "gru",
    "train.epochs": 50,
    "train.patience": 15,
    "train.learning_rate": 2e-3,
    "train.warmup_fraction": 0.05,
    "train.weight_decay": 0.05,
    "train.ema_decay": 0.99,
    "train.quantizer_warmup_fraction": 0.0,
    "train.adversarial_fraction": 0.0,
    "train.compile": "off",
    "train.precision": "float32",
}
"""What the training of a prior has that others do not."""

DESCRIPTIONS = {
    "conservative": "strong regularisation, short: a first look, or very little sound",
    "balanced": "what most people want",
    "aggressive": "no regularisation, long: a GPU and plenty of sound",
    "faithful": "large batches, its last third judged by a discriminator: from ten minutes of GPU on",
}


def layered(*layers: Mapping[str, Any]) -> Recipe:
    """The recipe of checked values by key, where each layer wins over those before it.

    A preset that a layer names applies its values over the layers before, under the rest of its own; what only the
    preset before it sets goes back to the default.
    """
    recipe = with_values(Recipe(), PRESETS[Recipe().preset])
    for values in layers:
        preset = str(values.get("preset"))
        undone = {key: default for key, old, default in only_in(recipe.preset, preset) if get(recipe, key) == old}
        recipe = with_values(recipe, {**undone, **PRESETS.get(preset, {}), **values})
    return recipe


def only_in(preset: str, other: str) -> list[tuple[str, Any, Any]]:
    """What a preset sets and `other` does not: keys, the values, and the defaults; nothing if there is no `other`."""
    if other not in PRESETS:
        return []
    return [(key, old, fields()[key].default) for key, old in PRESETS[preset].items() if key not in PRESETS[other]]
