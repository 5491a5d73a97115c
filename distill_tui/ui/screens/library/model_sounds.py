"""Something to hear of a model: a pair of its run's newest preview, or a sound that it reconstructed when asked to."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_tui.errors import DistillError
from distill_tui.files import describe_os_error, make_folder
from distill_tui.library.card import Card
from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.text import decode_path, printable
from distill_tui.ui.screens.library.model_details import Shown
from distill_tui.ui.services.programs import call

FOLDER = "heard"
"""Folder of the cache for reconstructions, one folder a model."""
ORIGINAL = "original.txt"
"""File beside a reconstruction: the path of the sound it was made from."""


@dataclass(frozen=True)
class SoundPair:
    """Two files to compare, and what they are: `left` and `right` name them, `about` says where they come from."""

    original: Path
    made: Path
    left: str
    right: str
    about: str


def pair_of(home: Home, shown: Shown) -> SoundPair | None:
    """A pair of the newest preview of the model's run, or the reconstruction in the cache. Looks at the disk."""
    card, previews, run = shown.card, shown.previews, shown.run
    if card is None or card.task == "images":
        # its previews are pictures
        return None
    if previews is not None and run is not None:
        for index, (original, made, distance) in enumerate(previews.pairs):
            files = run.path / original, run.path / made
            if all(os.path.isfile(file) for file in files):  # noqa: PTH113 - names from a log
                name = printable(previews.names[index]) if index < len(previews.names) else f"sound {index + 1}"
                about = f"{name}, preview at step {previews.step:,}"
                about += "" if distance is None else f", distance {formatting.number(distance)}"
                titles = ("nearest training sound", "take") if card.task == "prior" else ("original", "reconstruction")
                return SoundPair(*files, *titles, about)
    return _cached(home, card)


def _cached(home: Home, card: Card) -> SoundPair | None:
    folder = home.cache / FOLDER / card.id
    try:
        original = Path(decode_path((folder / ORIGINAL).read_text()))
        made = next((file for file in folder.iterdir() if file.suffix == ".wav"), None)
    except (OSError, ValueError):
        return None
    if not card.id or made is None or not original.is_file():
        return None
    return SoundPair(original, made, "original", "reconstruction", printable(original.name))


def can_make(shown: Shown) -> bool:
    """True if a sound of those that the model was trained on is still there to be reconstructed. Looks at the disk."""
    return shown.card is not None and shown.card.task == "codec" and source_of(shown.card) is not None


def source_of(card: Card) -> Path | None:
    """A sound that a model can be heard by: one that was held out if there is any, else one that it was trained on."""
    paths = [Path(str(path)) for path in card.data.get("paths") or []]
    listed = [row for row in card.data.get("sounds") or [] if isinstance(row, list) and row]
    listed.sort(key=lambda row: "validation" not in row[2:])
    for row in listed[:64]:
        for path in paths:
            for file in (path / str(row[0]), path):
                if file.is_file():
                    return file
    return next((path for path in paths if path.is_file()), None)


async def make_pair(home: Home, shown: Shown) -> None:
    """Reconstruct a sound of a codec in a process of its own, into the cache.

    Raises:
        DistillError: there is no sound left, or what went wrong.
    """
    card = shown.card
    source = None if card is None else source_of(card)
    if card is None or source is None:
        raise DistillError("None of the sounds that it was trained on is there.", "U puts other sounds through it.")
    folder = home.cache / FOLDER / card.id
    try:
        make_folder(folder)
        for old in folder.iterdir():
            old.unlink()
    except OSError as error:
        raise DistillError(*describe_os_error(error, folder)) from error
    words: tuple[Any, ...] = ("--json", "--out", str(folder), "--", str(shown.entry.path), str(source))
    answer = await call(home, "reconstruct", *words)
    if answer.code:
        raise DistillError(answer.problem)
    try:
        (folder / ORIGINAL).write_text(os.fspath(source))
    except (OSError, ValueError) as error:
        raise DistillError(f"{printable(str(folder))}: cannot be written: {error}") from None
