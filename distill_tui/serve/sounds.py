"""Sound files of the page: what a run's log, a set's list or the cache's folder of excerpts names, and nothing else."""

import os
from pathlib import Path
from typing import IO
from urllib.parse import quote_from_bytes, unquote_to_bytes

from distill_tui.errors import DistillError
from distill_tui.foreign import open_regular
from distill_tui.paths import Home
from distill_tui.serve.answer import Answer, Refused
from distill_tui.serve.places import SUFFIXES, Place, excerpts, inside, parse
from distill_tui.serve.states import States, run_of
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.take import Take

KINDS = {".wav": "audio/wav", ".flac": "audio/flac"}


def encoded(text: str) -> str:
    """Part of an address, of any name that a file system has."""
    return quote_from_bytes(os.fsencode(text), safe="/")


def decoded(path: str) -> str:
    """What `encoded` made of it, decoded once."""
    return os.fsdecode(unquote_to_bytes(path))


class Sounds:
    """Finds the file of a place and opens it."""

    def __init__(self, home: Home, states: States) -> None:
        self._home, self._states = home, states

    def place(self, path: str) -> Place:
        """The place that an encoded path names.

        Raises:
            Refused: it names none.
        """
        place = parse(decoded(path))
        if place is None:
            raise Refused(404, "no such sound")
        return place

    def file(self, place: Place) -> Path:
        """The file of a sound that is listed and lies where it should.

        Raises:
            Refused: there is none.
        """
        folder, path = self._listed(place)
        if path.suffix.lower() not in SUFFIXES or not inside(folder, path):
            raise Refused(404, "no such sound")
        return path

    def _listed(self, place: Place) -> tuple[Path, Path]:
        """The folder that a sound must be in, and its file."""
        home = self._home
        if place.kind == "run" and place.file:
            run = run_of(home, place.owner)
            if self._states.pair_of(run, place.file) is not None:
                return run.path, run.path / place.file
        elif place.kind == "take":
            folder, take = self.take(place)
            return folder.path, folder.file(take)
        elif place.kind == "excerpt":
            return excerpts(home), excerpts(home) / place.file
        raise Refused(404, "no such sound")

    def set_of(self, name: str) -> TakesFolder:
        """The set of takes of this name.

        Raises:
            Refused: there is none, or its list is damaged.
        """
        path = self._home.takes / name
        if not name or "/" in name or name in (".", "..") or not inside(self._home.takes, path):
            raise Refused(404, "no such set")
        try:
            return TakesFolder(path)
        except DistillError:
            raise Refused(409, "the list of this set cannot be read") from None

    def take(self, place: Place) -> tuple[TakesFolder, Take]:
        """The set and the take of a place.

        Raises:
            Refused: there is none.
        """
        folder = self.set_of(place.owner)
        for take in folder.takes:
            if take.path == place.file:
                return folder, take
        raise Refused(404, "no such take")

    def answer(self, place: Place, wanted: str) -> Answer:
        """The bytes of a sound, or the part of them that a Range header wants."""
        path = self.file(place)

        def open_file() -> IO[bytes]:
            return open_regular(path)

        return Answer(KINDS[path.suffix.lower()], open_file, range=wanted, has_ranges=True)
