"""The sound of a code or point: where in the data it is, and cutting it out to listen to it."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from distill_tui.errors import RequestError
from distill_tui.interpreter import python
from distill_tui.paths import Home
from distill_tui.runs.codebook_map import CodebookMap, Place
from distill_tui.text import clean_name, decode_path, printable
from distill_tui.ui.screens.explorer.scene import Selection
from distill_tui.ui.services.programs import run


@dataclass(frozen=True)
class Excerpt:
    """Part of a sound: the file's name in the data, its path, and start and length in seconds."""

    name: str
    path: Path
    start: float
    seconds: float

    @property
    def text(self) -> str:
        """`kicks/01.wav from 0:01.5 to 0:02.5`."""
        return f"{printable(self.name)} from {moment(self.start)} to {moment(self.start + self.seconds)}"


def moment(seconds: float) -> str:
    """Format a time within a sound: `1:01.3`."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


def excerpt_of(found: CodebookMap, selection: Selection, of_points: bool) -> Excerpt | None:
    """Return the excerpt of the selected point or of the selected code's place; None if there is none."""
    if of_points:
        point = selection.point
        if point is None or point >= min(len(found.names), len(found.starts)):
            return None
        name, start = found.names[point], found.starts[point]
    else:
        places = places_of(found, selection)
        if not places:
            return None
        place = places[selection.place % len(places)]
        name, start = place.file, place.start
    path = found.files.get(name)
    return None if path is None else Excerpt(name, Path(decode_path(path)), start, found.place_seconds)


def places_of(found: CodebookMap, selection: Selection) -> list[Place]:
    """Return the places where the selected code is used most; [] if there are none."""
    if selection.code is None or selection.level >= len(found.levels):
        return []
    places = found.levels[selection.level].places
    return places[selection.code] if selection.code < len(places) else []


async def cut(home: Home, excerpt: Excerpt) -> Path:
    """Write an excerpt to a WAV file in the cache.

    Raises:
        RequestError: the sound cannot be read.
    """
    # sounds of different folders often share a name, and one may wait to be fetched while another is heard
    digest = hashlib.blake2b(os.fsencode(excerpt.path), digest_size=3).hexdigest()
    name = f"{clean_name(excerpt.path.stem)}-{digest}-{excerpt.start:.1f}s.wav"
    target = home.cache / "excerpts" / name
    program = python("-m", "distill_tui.data.excerpt")
    answer = await run([*program, str(excerpt.path), str(excerpt.start), str(excerpt.seconds), str(target)])
    if answer.code:
        raise RequestError(answer.problem)
    return target
