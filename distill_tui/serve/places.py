"""Names of sounds on the page: `run/ID/FILE`, `take/SET/FILE`, `excerpt/FILE`. App, server and browser speak in them.

A place is part of an address. What it names is served only if a run's log or a set's list names that file, and only
if it lies, links followed, inside the folder that it should lie in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distill_tui.paths import Home

LONGEST = 600
KINDS = ("run", "take", "excerpt", "model")
EXCERPTS = "excerpts"
"""Folder in the cache of what the app cut out of sounds."""
SUFFIXES = (".wav", ".flac")


@dataclass(frozen=True)
class Place:
    """A sound: its `kind`, the run or set that it is of ('' for an excerpt), and its file, relative to that."""

    kind: str
    owner: str
    file: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.owner, self.file) if part)


def parse(text: str) -> Place | None:
    """The place that decoded text names; None if it is none, or climbs out of where it begins."""
    parts = text.split("/")
    kind = parts[0]
    # `.` and `..` and empty parts climb, stay or start anew; a backslash separates on other systems
    if kind not in KINDS or len(text) > LONGEST or any(c < " " or c in "\\\x7f" for c in text):
        return None
    if any(part in ("", ".", "..") for part in parts):
        return None
    if kind == "excerpt":
        return Place(kind, "", parts[1]) if len(parts) == 2 else None
    if kind == "take" and len(parts) != 3:
        return None
    return Place(kind, parts[1], "/".join(parts[2:])) if len(parts) > 1 else None


def place_of(home: Home, path: Path) -> Place | None:
    """The place of a sound file of this home; None for files that the page does not show."""
    for kind, folder, least in (("run", home.runs, 3), ("take", home.takes, 2), ("excerpt", excerpts(home), 1)):
        try:
            parts = path.absolute().relative_to(folder.absolute()).parts
        except ValueError:
            continue
        if len(parts) >= least and path.suffix in SUFFIXES:
            owner, rest = ("", parts) if kind == "excerpt" else (parts[0], parts[1:])
            return parse(str(Place(kind, owner, str(PurePosixPath(*rest)))))
    return None


def excerpts(home: Home) -> Path:
    """The folder of sounds that were cut out to be heard."""
    return home.cache / EXCERPTS


def inside(folder: Path, path: Path) -> bool:
    """Check that `path`, links followed, is in `folder`, links followed."""
    try:
        return path.resolve(strict=True).is_relative_to(folder.resolve(strict=True))
    except (OSError, RuntimeError, ValueError):
        return False
