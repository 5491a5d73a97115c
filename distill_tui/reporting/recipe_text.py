"""Recipes in words: the settings worth a line, and where several recipes differ. Values are flat, by key."""

from collections.abc import Mapping, Sequence
from typing import Any

from distill_tui.recipe.fields import fields
from distill_tui.reporting.formatting import MISSING, setting

Values = Mapping[str, Any]
SIZE_WORDS = ("channels", "encoder_blocks", "decoder_blocks")


def flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a nested recipe by key, none of them checked."""
    found: dict[str, Any] = {}
    for key, value in recipe.items():
        found |= (
            {f"{key}.{word}": inner for word, inner in value.items()} if isinstance(value, Mapping) else {key: value}
        )
    return found


def setting_text(values: Values, key: str, *, with_reason: bool = True) -> str:
    """`1024`, `16 (auto)`, `256 (auto: why)`; a codebook size that was set is an `(override)`."""
    if key not in values:
        return MISSING
    automatic = values.get("automatic")
    is_automatic = isinstance(automatic, list) and key in automatic
    why = reason_for(values, key) if with_reason else ""
    how = (
        f" (auto{': ' if why else ''}{why})" if is_automatic else " (override)" if key == "model.codebook_size" else ""
    )
    return f"{setting(values[key])}{how}"


def reason_for(values: Values, key: str) -> str:
    """Why the automatic value of a key is what it is; '' for values that were set, and where nothing is recorded."""
    automatic, reasons = values.get("automatic"), values.get("reasons")
    if not isinstance(automatic, list) or key not in automatic or not isinstance(reasons, list):
        return ""
    return next((why for reason in reasons for found, _, why in [str(reason).partition(": ")] if found == key), "")


def net_text(values: Values) -> str:
    """`256 channels, 4 and 6 blocks (auto: 3 minutes on 2 cores are about 900 steps)`; '' for a net without blocks.

    Of a prior `gru, width 256, 1 layer (auto: ...)`.
    """
    if values.get("prior.net"):
        width, layers = (values.get(f"prior.{word}", MISSING) for word in ("width", "layers"))
        why = reason_for(values, "prior.width")
        text = f"{values['prior.net']}, width {width}, {layers} layer{'' if layers == 1 else 's'}"
        return text + (f" (auto: {why})" if why else "")
    if values.get("model.net") != "convnext":
        return ""
    channels, before, after = (values.get(f"model.{word}", MISSING) for word in SIZE_WORDS)
    why = next((why for word in SIZE_WORDS if (why := reason_for(values, f"model.{word}"))), "")
    return f"{channels} channels, {before} and {after} blocks" + (f" (auto: {why})" if why else "")


def codebooks_text(values: Values) -> str:
    """`3 levels of 64 (auto) codes`, or the latents of a model without codes."""
    if values.get("model.quantizer") == "vae":
        return f"{values.get('model.latent_dim', MISSING)} continuous latents a frame"
    return f"{values.get('model.rvq_levels', MISSING)} levels of {setting_text(values, 'model.codebook_size')} codes"


def settings_worth_a_line(values: Values) -> list[tuple[str, str]]:
    """(key, text) of the settings with a flag, those that were chosen automatically, and those that differ."""
    found = []
    automatic = values.get("automatic") or []
    is_prior = bool(values.get("prior.net"))
    for key, field in fields().items():
        value = values.get(key, field.default)
        has_flag = "flag" in field.extra and not (field.is_own and value == field.default)
        # the rest of a prior's recipe is of its codec
        is_told = key.startswith(("prior.", "train.", "name")) if is_prior else not field.is_hidden
        if (
            key in values
            and is_told
            and not (field.is_own and field.is_hidden)
            and (has_flag or key in automatic or value != field.default)
        ):
            found.append((key, setting_text(values, key)))
    return found


def changed_settings(values: Values) -> list[tuple[str, str]]:
    """(key, text) of the settings that somebody chose: neither a default nor chosen automatically."""
    automatic = values.get("automatic") or []
    return [
        (key, setting_text(values, key, with_reason=False))
        for key, field in fields().items()
        if key in values
        and key not in (*automatic, "name")
        and not (field.is_own and field.is_hidden)
        and values[key] != field.default
    ]


def different_keys(recipes: Sequence[Values]) -> list[str]:
    """The keys in which these recipes differ, but for those that are a run's own."""
    return [key for key, f in fields().items() if not f.is_own and len({str(r.get(key)) for r in recipes}) > 1]
