"""What a prior is trained on if nothing else is named: the sounds that its codec was trained on, split as they were."""

import math
import shlex
from pathlib import Path
from typing import Any

import msgspec

from distill_tui.data.corpus import Corpus
from distill_tui.errors import RequestError
from distill_tui.library.card import Card
from distill_tui.library.pretrained import Codec
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.presets import PRIOR
from distill_tui.recipe.schema import Recipe
from distill_tui.text import decode_path, encode_path, printable

LEAST_MINUTES, MOST_MINUTES = 2.0, 60.0
"""Recommended for a minute of sound, and for any amount. Much longer ones learn a few sounds by heart."""


def recommended_minutes(card: Card) -> float:
    """Minutes of training that suit a prior for a codec, by the sound that the codec was trained on."""
    seconds = card.data.get("seconds")
    minutes = LEAST_MINUTES * math.sqrt(seconds / 60 if isinstance(seconds, int | float) and seconds > 0 else 0.0)
    return float(round(min(MOST_MINUTES, max(LEAST_MINUTES, minutes))))


def prior_recipe(codec: Codec, values: dict[str, Any] | None = None) -> Recipe:
    """The recipe of a prior for a codec, to be resolved, with these values."""
    chosen = PRIOR | (values or {}) | {"prior.codec": encode_path(codec.path)}
    return with_values(Recipe(), chosen)


def paths_of(codec: Codec) -> list[str]:
    """Folders and files that a codec was trained on.

    Raises:
        RequestError: its card does not say so, or none of them is there.
    """
    name = printable(codec.card.name)
    paths = [decode_path(str(path)) for path in codec.card.data.get("paths") or []]
    if not paths:
        raise RequestError(f"'{name}' does not tell what it was trained on", _way_out(codec))
    gone = [path for path in paths if not Path(path).exists()]
    if gone:
        raise RequestError(f"{printable(gone[0])}: '{name}' was trained on it, and it is gone", _way_out(codec))
    return paths


def as_trained(codec: Codec, corpus: Corpus) -> Corpus:
    """Of the sounds found where a codec's were, those that it was trained on and validated with, split as they were.

    Raises:
        RequestError: some are gone, or have changed.
    """
    listed = [row for row in codec.card.data.get("sounds") or [] if isinstance(row, list) and len(row) > 2]
    splits = {str(content): str(split) for _, content, split in listed}
    there = {sound.content for sound in corpus.sounds}
    gone = [str(name) for name, content, _ in listed if content not in there]
    if gone or not listed:
        which = f": {printable(gone[0])}{f' and {len(gone) - 1:,} more' if len(gone) > 1 else ''}" if gone else ""
        raise RequestError(
            f"sounds that '{printable(codec.card.name)}' was trained on are gone or have changed{which}",
            _way_out(codec),
        )
    sounds = [
        msgspec.structs.replace(sound, split=splits[sound.content])
        for sound in corpus.sounds
        if splits.get(sound.content) in ("training", "validation", "by time")
    ]
    return msgspec.structs.replace(corpus, sounds=sounds, skipped=[])


def _way_out(codec: Codec) -> str:
    return f"Name what to train on: distill-tui train-prior {shlex.quote(codec.card.name)} DATA"
