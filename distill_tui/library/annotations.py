"""Notes, tags and measured distances of models, in `.notes.json` in the library's folder, by the models' ids.

Beside the model files and not in their cards: a file can be renamed, deleted and restored without losing them, its
weights need not be rewritten for a word, and a copy that is given away does not carry them.
"""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from distill_tui import annotation
from distill_tui.annotation import Annotation
from distill_tui.library.card import Number

FILE = ".notes.json"
MOST_BYTES = 1 << 26
"""Of that file: notes on a hundred thousand models."""


class Measured(Struct, frozen=True):
    """Mean distances of sounds that a model was measured on: `mel`, `buzz`, ... as `models evaluate` names them.

    `data` is the folder or file as it was named, `sounds` a count, `at` seconds since 1970.
    """

    at: float
    data: str
    sounds: Annotated[int, Meta(ge=0)]
    distances: dict[str, Number]


class ModelAnnotation(Annotation, frozen=True, omit_defaults=True):
    """A model's note and tags (its name is its file's), and what was measured last."""

    measured: Measured | None = None


class _Notes(Struct, frozen=True):
    models: dict[str, ModelAnnotation] = {}


def read_annotations(folder: Path) -> dict[str, ModelAnnotation]:
    """What is written of each model of a library, by id."""
    return annotation.read(folder / FILE, _Notes, MOST_BYTES).models


def write_annotation(folder: Path, id: str, given: ModelAnnotation) -> None:
    """Replace what is written of one model; the caller holds the library's lock.

    Raises:
        DistillError: the file is damaged or cannot be written.
    """

    def edit(before: _Notes) -> _Notes:
        models = {**before.models, id: given}
        if given == ModelAnnotation():
            del models[id]
        return _Notes(models)

    annotation.change(folder / FILE, _Notes, edit, MOST_BYTES)
