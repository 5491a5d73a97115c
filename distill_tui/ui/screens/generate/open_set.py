"""The set of takes that is open: what the list shows of it, and the changes of the person to it."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from distill_tui.errors import DistillError
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.take import Take

T = TypeVar("T")


class OpenSet:
    """A folder of takes in the app's memory. Changes are shown at once and written by threads, one after the other."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._folder: TakesFolder | None = None
        self._takes: dict[str, Take] = {}
        self._marks: dict[str, bool | None] = {}
        """Marks that are shown and not yet written, by the files of their takes."""
        self._added = self._asked_to = 0
        self._writing = asyncio.Lock()

    @property
    def shown(self) -> list[Take]:
        """The takes that were not thrown away, in the order in which they were made."""
        return [take for take in self._takes.values() if take.kept is not False]

    @property
    def thrown(self) -> int:
        """So many takes are in the trash."""
        return sum(take.kept is False for take in self._takes.values())

    @property
    def next_seed(self) -> int:
        """The first seed after all that were used or asked for."""
        return max(self._asked_to, max((take.seed for take in self._takes.values()), default=-1) + 1)

    def ask(self, seed: int, count: int) -> None:
        """So many takes are asked for from this seed on: the next ones get others."""
        self._asked_to = max(self._asked_to, seed + count)

    def file(self, take: Take) -> Path:
        """The sound file of a take, which may be gone."""
        assert self.path is not None
        return self.path / take.path if self._folder is None else self._folder.file(take)

    def start(self, path: Path | None) -> None:
        """Go over to a folder that is not there yet, or to none."""
        self.path, self._folder, self._takes, self._asked_to = path, None, {}, 0

    async def open(self, path: Path) -> int:
        """Go over to the set of a folder, without what was thrown away long ago; how many takes that were.

        Raises:
            DistillError: it cannot be read; the set of before stays.
        """
        folder, emptied = await asyncio.to_thread(_open_and_empty, path)
        self.start(path)
        self._folder = folder
        self._take_over(folder.takes)
        return emptied

    async def reload(self) -> None:
        """Read the folder again.

        Raises:
            DistillError: it cannot be read.
        """
        if self.path is None:
            return
        async with self._writing:
            path, added = self.path, -1
            # once more if a take came while it was read
            while self.path == path and added != self._added:
                added = self._added
                takes = await asyncio.to_thread(lambda: self._opened(path).takes)
            if self.path == path:
                self._take_over(takes)

    def add(self, take: Take) -> None:
        """A take that another process has written into the folder."""
        self._takes[take.path] = take
        self._added += 1

    def mark(self, take: Take, kept: bool | None) -> Coroutine[Any, Any, None]:
        """Mark a take as kept (True), thrown away (False) or neither, at once; the coroutine writes it.

        Raises, when awaited:
            DistillError: the folder cannot be written; the take is shown as it was.
        """
        self._marks[take.path] = kept
        self._takes[take.path] = msgspec.structs.replace(take, kept=kept)
        return self._write_mark(take, kept)

    async def _write_mark(self, take: Take, kept: bool | None) -> None:
        try:
            await self._change(lambda folder: folder.mark(take, kept))
        except BaseException:
            # what was shown at once has not come true
            self._takes[take.path] = take
            raise
        finally:
            if self._marks.get(take.path) == kept:
                self._marks.pop(take.path, None)

    async def undo(self) -> Take | None:
        """Undo the last mark; the take, or None where there is nothing to undo.

        Raises:
            DistillError: the folder cannot be written.
        """
        if self._folder is None:
            return None
        take = await self._change(lambda folder: folder.undo())
        if take is not None:
            self._takes[take.path] = take
        return take

    def copy(self, take: Take, target: Path) -> Path:
        """Copy the sound of a take into another folder; the new file. In a thread.

        Raises:
            DistillError: it is gone, or the folder cannot be written.
        """
        assert self.path is not None
        return self._opened(self.path).copy(take, target)

    async def _change(self, change: Callable[[TakesFolder], T]) -> T:
        assert self.path is not None
        path = self.path
        async with self._writing:
            return await asyncio.to_thread(lambda: change(self._opened(path)))

    def _opened(self, path: Path) -> TakesFolder:
        if self._folder is None or self._folder.path != path:
            self._folder = TakesFolder(path)
        return self._folder

    def _take_over(self, takes: list[Take]) -> None:
        self._takes = {take.path: take for take in takes}
        for path, kept in self._marks.items():
            if path in self._takes:
                self._takes[path] = msgspec.structs.replace(self._takes[path], kept=kept)


def _open_and_empty(path: Path) -> tuple[TakesFolder, int]:
    folder, emptied = TakesFolder(path), 0
    # a folder that cannot be written can be looked at
    with contextlib.suppress(DistillError):
        emptied = folder.empty_old()
    return folder, emptied
