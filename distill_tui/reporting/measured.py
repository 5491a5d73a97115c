"""Measured distances of a model on sounds, as they are kept with it: see `library.annotations.Measured`."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distill_tui.foreign import MalformedError, convert
from distill_tui.library.annotations import Measured
from distill_tui.reporting import sound_quality
from distill_tui.reporting.formatting import plural


def measured_of(path: str, found: Mapping[str, Any]) -> Measured:
    """What is kept of a measurement: the means over sounds that were held out, or else over those trained on.

    Raises:
        MalformedError: the document is not one of `models evaluate --json`.
    """
    if not isinstance(found.get("held_out"), dict) or not isinstance(found.get("trained_on"), dict):
        raise MalformedError("it has no means")
    held_out = found["held_out"]
    means = held_out if held_out.get("files") and held_out.get("mel") is not None else found["trained_on"]
    keys = ("distance", *sound_quality.NAMES)
    distances = {key: means[key] for key in keys if means.get(key) is not None}
    kept = {"at": time.time(), "data": Path(path).name or path, "sounds": int(means.get("files") or 0)}
    return convert({**kept, "distances": distances}, Measured)


def measured_text(measured: Measured) -> str:
    """`mel 0.271 over 12 sounds of drums: buzzes`."""
    mel = sound_quality.value_text("mel", measured.distances.get("mel"))
    words = sound_quality.words(measured.distances)
    of = f"over {plural(measured.sounds, 'sound')} of {measured.data}"
    return f"mel {mel} {of}{f': {words}' if words else ''}"
