"""Models as a list shows them: kind, quality, health, codes and data, each in a few characters."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from distill_tui.library.card import Facts, Summary
from distill_tui.reporting import sound_quality
from distill_tui.reporting.formatting import MISSING, duration, plural
from distill_tui.reporting.lines import Role
from distill_tui.reporting.model_report import levels_of
from distill_tui.reporting.quality import Quality, quality_of_card
from distill_tui.reporting.recipe_text import flat
from distill_tui.reporting.verdicts import Verdict, size_of, verdict

WORST = (Verdict.POOR, Verdict.FAIR, Verdict.GOOD)


def heard(summary: Facts) -> Quality | None:
    """The quality of a model; of an older file, whose scale is not known, what is heard to be wrong, if anything."""
    if (quality := quality_of_card(summary)) is not None:
        return quality
    words = sound_quality.words(sound_quality.of_model(summary))
    return Quality(None, tuple(words.split(", "))) if words else None


def health_text(summary: Summary, recipe: Mapping[str, Any]) -> tuple[str, Role]:
    """The worst verdict on the levels, how many have it, and its role: `good`, `poor 1 of 3`; `-` without any."""
    levels, size = levels_of(summary), size_of(flat(recipe).get("model.codebook_size"))
    found = [word for level in levels if (word := verdict(level, size))]
    if not found:
        return MISSING, "plain"
    worst = next(word for word in WORST if word in found)
    few = f" {found.count(worst)} of {len(found)}" if found.count(worst) < len(found) else ""
    return f"{worst}{few}", worst.role


def codes_text(recipe: Mapping[str, Any]) -> str:
    """Levels and codes of each: `3 x 256`; `vae` of continuous latents."""
    values = flat(recipe)
    levels, size = values.get("model.rvq_levels"), values.get("model.codebook_size")
    if values.get("model.quantizer") == "vae":
        return "vae"
    return f"{levels} x {size}" if levels and size else MISSING


def data_text(summary: Summary, recipe: Mapping[str, Any]) -> str:
    """The name of the folder that a model was trained on, and how long its sounds are: `drums, 2 min`."""
    paths = flat(recipe).get("data.paths")
    names = [PurePath(str(path)).name or str(path) for path in paths] if isinstance(paths, list) else []
    name = f"{names[0]} +{len(names) - 1}" if len(names) > 1 else "".join(names)
    data = summary.data
    length = ""
    if data is not None and data.seconds:
        length = duration(data.seconds)
    elif data is not None and data.files:
        # pictures have no seconds
        length = plural(data.files, "picture")
    return ", ".join(filter(None, (name, length))) or MISSING
