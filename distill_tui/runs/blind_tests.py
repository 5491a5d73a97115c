"""Answers of blind tests of a run's previews, kept in its folder."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from distill_tui.files import atomic_write
from distill_tui.foreign import SMALL_FILE, MalformedError, decode, read_bytes
from distill_tui.runs.events import Count, Levels
from distill_tui.runs.folder import RunFolder

FILE = "blind-tests.json"
MOST_ANSWERS = 5000
"""The newest are kept."""


class Answer(Struct, frozen=True):
    """An answer about one sound of the preview at `step`; `is_right` is null for "cannot tell", `levels` 0 for all."""

    step: Count
    sound: Annotated[int, Meta(ge=0, le=1000)] = 0
    levels: Levels = 0
    is_right: bool | None = None


class _Answers(Struct):
    answers: list[Answer] = []


def read_answers(run: RunFolder) -> list[Answer]:
    """The answers so far, the oldest first; [] where there are none, or the file is unusable."""
    try:
        return decode(read_bytes(run.path / FILE, SMALL_FILE), _Answers).answers
    except (OSError, MalformedError):
        return []


def keep_answers(run: RunFolder, answers: Sequence[Answer]) -> None:
    """Replace the answers of a run. Nothing is written for a removed run.

    Raises:
        DistillError: they cannot be written.
    """
    if run.path.is_dir():
        atomic_write(run.path / FILE, msgspec.json.encode(_Answers(list(answers[-MOST_ANSWERS:]))))
