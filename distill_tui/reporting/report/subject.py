"""What a report says of a run, a model or a folder of takes, before it is laid out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from distill_tui.reporting.comparison import Subject as Compared
from distill_tui.reporting.page.html import Child, Html


class Part(NamedTuple):
    """A part of a report: its anchor, its title, its content; parts of two subjects with one anchor stand together."""

    id: str
    title: str
    content: Html


@dataclass(frozen=True)
class Version:
    """A file of a preview: its path, its distance from the original (None: not known), and words for what is wrong."""

    path: Path
    distance: float | None = None
    words: str = ""
    title: str = ""


@dataclass(frozen=True)
class Preview:
    """One sound of a preview.

    `levels` are reconstructions by fewer levels than all; `earlier` those of former steps, the first ones first.
    """

    name: str
    original: Version
    made: Version
    levels: Sequence[Version] = ()
    earlier: Sequence[Version] = ()


@dataclass(frozen=True)
class Subject:
    """One thing that is reported on. `kind` is run, model or takes."""

    kind: str
    name: str
    lead: Html
    facts: dict[str, Child]
    parts: list[Part]
    previews: list[Preview] = field(default_factory=list)
    compared: Compared | None = None
    step: int = 0
    """That of the previews."""
