"""Parts of the sounds of the data, cut out to listen to them."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from distill_tui.errors import RequestError
from distill_tui.interpreter import python
from distill_tui.paths import Home
from distill_tui.text import clean_name, printable
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
