"""Recipes of earlier versions, read as one of today's: recipe files, cards of models, folders of runs, `--set`.

Version 2 renamed fields to the words of the field, and made one key, `model.quantizer`, of `model.bottleneck` and
`model.codebooks`. Version 3 added what a decoder makes noise, attacks and loudness with; a recipe of before is of a net
without it.
"""

from collections.abc import Mapping
from typing import Any

from distill_tui.recipe.schema import RECIPE_VERSION

RENAMED = {
    "data.validation_share": "data.validation_fraction",
    "data.segment_seconds": "data.crop_seconds",
    "data.gain_db": "data.random_gain_db",
    "data.speed": "data.random_speed",
    "data.mix_share": "data.mix_probability",
    "data.polarity": "data.random_polarity",
    "model.rate": "model.sample_rate",
    "model.window": "model.n_fft",
    "model.hop": "model.hop_length",
    "model.mels": "model.n_mels",
    "train.warmup_share": "train.warmup_fraction",
    "train.final_rate_share": "train.min_lr_ratio",
    "train.unquantized_share": "train.quantizer_warmup_fraction",
    "train.kl_annealing_share": "train.kl_annealing_fraction",
    "train.gradient_clip": "train.max_grad_norm",
    "train.codebook_decay": "train.codebook_ema_decay",
    "train.dead_code_share": "train.dead_code_threshold",
    "train.early_stopping": "train.patience",
}
"""The keys of version 1 and what they are called since version 2."""

WITHOUT_NOISE = {"noise_bands": 0, "gains_per_frame": 0, "loudness_scale": 0.0}
"""What the nets of versions 1 and 2 mean in version 3."""

QUANTIZER = ("bottleneck", "codebooks")
"""The last words of the two keys of version 1 that are `model.quantizer` since version 2."""


def quantizer_of(bottleneck: Any = "rvq", codebooks: Any = "ema") -> Any:
    """The quantizer that version 1 named by two keys; a value that neither key had comes back as it is."""
    if bottleneck != "rvq":
        return "vae" if bottleneck == "kl" else bottleneck
    return f"rvq_{codebooks}" if codebooks in ("ema", "gradient") else codebooks


def merge_quantizer(values: Mapping[str, Any]) -> dict[str, Any]:
    """Flat values whose keys were typed: those of QUANTIZER, whole or by their last word, as one `model.quantizer`."""
    old = {word: value for key, value in values.items() if (word := key.removeprefix("model.")) in QUANTIZER}
    rest = {key: value for key, value in values.items() if key.removeprefix("model.") not in QUANTIZER}
    return {"model.quantizer": quantizer_of(**old), **rest} if old else rest


def upgrade(values: Mapping[str, Any]) -> dict[str, Any]:
    """A nested recipe of any version, its keys as today's; what is no recipe is left for the checks to refuse.

    A recipe without a version may have been written by hand for an earlier program, so its keys are renamed too. A key
    that is there by both names keeps the old one, to be refused as unknown.
    """
    upgraded = {key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()}
    for old, new in RENAMED.items():
        section, _, word = old.partition(".")
        inner = upgraded.get(section)
        if isinstance(inner, dict) and word in inner and (name := new.partition(".")[2]) not in inner:
            upgraded[section] = {name if key == word else key: value for key, value in inner.items()}
    model = upgraded.get("model")
    if isinstance(model, dict) and "quantizer" not in model and not model.keys().isdisjoint(QUANTIZER):
        model["quantizer"] = quantizer_of(**{word: model.pop(word) for word in QUANTIZER if word in model})
    if isinstance(automatic := upgraded.get("automatic"), list):
        upgraded["automatic"] = [RENAMED.get(key, key) if isinstance(key, str) else key for key in automatic]
    if upgraded.get("version") in (1, 2) and isinstance(model, dict):
        upgraded["model"] = WITHOUT_NOISE | model
    if upgraded.get("version") in (1, 2):
        upgraded["version"] = RECIPE_VERSION
    return upgraded
