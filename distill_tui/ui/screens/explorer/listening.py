"""Hearing what a code stands for: the stretch of a sound in which it is used much, cut out and played."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from textual.screen import Screen

from distill_tui.data.corpus import decode_path
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import clean_name, printable
from distill_tui.interpreter import python
from distill_tui.paths import Home
from distill_tui.runs.codebook_map import CodebookMap, Place
from distill_tui.ui.dialogs.help import HelpDialog
from distill_tui.ui.screens.explorer.scene import Selection
from distill_tui.ui.services.audio_player import Playing, fetch_command, player
from distill_tui.ui.services.programs import run
from distill_tui.ui.services.workers import begin


@dataclass(frozen=True)
class Stretch:
    """A stretch of a sound: the file's name in the data, where it lies, and which seconds of it."""

    name: str
    path: Path
    start: float
    seconds: float

    @property
    def text(self) -> str:
        """`kicks/01.wav from 0:01.5 to 0:02.5`."""
        return f"{printable(self.name)} from {moment(self.start)} to {moment(self.start + self.seconds)}"


def moment(seconds: float) -> str:
    """A time in a sound, `1:01.3`."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


def stretch_of(found: CodebookMap, chosen: Selection, of_points: bool) -> Stretch | None:
    """What can be heard of what is chosen: the point's moment or the code's place; None where nothing can."""
    if of_points:
        point = chosen.point
        if point is None or point >= min(len(found.names), len(found.starts)):
            return None
        name, start = found.names[point], found.starts[point]
    else:
        places = places_of(found, chosen)
        if not places:
            return None
        place = places[chosen.place % len(places)]
        name, start = place.file, place.start
    path = found.files.get(name)
    return None if path is None else Stretch(name, Path(decode_path(path)), start, found.place_seconds)


def places_of(found: CodebookMap, chosen: Selection) -> list[Place]:
    """Where the chosen code is used most; [] for none."""
    if chosen.code is None or chosen.level >= len(found.levels):
        return []
    places = found.levels[chosen.level].places
    return places[chosen.code] if chosen.code < len(places) else []


async def cut(home: Home, stretch: Stretch) -> Path:
    """A WAV file of a stretch, in the cache.

    Raises:
        RequestError: the sound cannot be read.
    """
    # sounds of several folders often have one name, and one may wait to be fetched while another is heard
    which = hashlib.blake2b(os.fsencode(stretch.path), digest_size=3).hexdigest()
    name = f"{clean_name(stretch.path.stem)}-{which}-{stretch.start:.1f}s.wav"
    target = home.cache / "excerpts" / name
    program = python("-m", "distill_tui.data.excerpt")
    answer = await run([*program, str(stretch.path), str(stretch.start), str(stretch.seconds), str(target)])
    if answer.code:
        raise RequestError(answer.problem)
    return target


class Listening:
    """Plays stretches for a screen, one at a time; where nothing can be heard it says where they are."""

    def __init__(self, screen: Screen[None], home: Home) -> None:
        self._screen, self._home = screen, home
        self._playing = Playing()

    def play(self, stretch: Stretch) -> None:
        """Play it instead of what plays now."""
        begin(self._screen, "playing", self._play, stretch)

    def tell(self, stretch: Stretch) -> None:
        """Say where it is and how to fetch it."""
        begin(self._screen, "playing", self._tell, stretch, "")

    def stop(self) -> None:
        """Silence."""
        self._playing.stop()

    async def _play(self, stretch: Stretch) -> None:
        command = player()
        if command is None:
            await self._tell(stretch, "Nothing can be heard on this machine.\n\n")
            return
        try:
            path = await cut(self._home, stretch)
            self._screen.notify(stretch.text, title="Playing", timeout=2, markup=False)
            code = await self._playing.play(command, path)
        except DistillError as error:
            self._complain(str(error))
        except OSError as error:
            self._complain(f"{command[0]}: {error.strerror}")
        else:
            if code > 0:
                self._complain(f"{command[0]} could not play it (exit code {code}).")

    async def _tell(self, stretch: Stretch, why: str) -> None:
        try:
            path = await cut(self._home, stretch)
        except DistillError as error:
            self._complain(str(error))
            return
        text = (
            f"{why}{stretch.text} of\n{printable(str(stretch.path))}\n\ncut out as\n{printable(str(path))}\n\n"
            f"To fetch it, type where you listen:\n\n{printable(fetch_command(path))}"
        )
        self._screen.app.push_screen(HelpDialog("Listen", text, [], wide=True))

    def _complain(self, text: str) -> None:
        self._screen.notify(text, severity="error", timeout=10, markup=False)
