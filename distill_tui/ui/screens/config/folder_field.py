"""The field of the sounds: a path that is completed as one types, with a list of folders and recent paths below it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList

from distill_tui.ui.screens.config.folder_list import FolderList
from distill_tui.ui.screens.config.pictures_offer import PicturesOffer
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.path_input import PathInput, meant, offers

MOST_OFFERED = 50


class FolderField(Vertical):
    """The input and its list of candidates. Posts `Chosen` on enter, on a pick, and when the focus moves on."""

    @dataclass
    class Chosen(Message):
        """This path is meant, or these with ` + ` between them; they may not exist."""

        path: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._recent: Sequence[str] = ()
        self._meant = ""
        self._offered: list[str] = []
        self._input = PathInput(placeholder="a folder, e.g. ~/sounds", compact=True, id="folder", select_on_focus=False)
        self._input.cursor_blink = False
        self._list = FolderList(id="folders")
        self._pictures = PicturesOffer(id="pictures")

    def compose(self) -> ComposeResult:
        yield self._input
        yield self._pictures

    async def offer(self, recent: Sequence[str], cache: Path | None = None) -> None:
        """Offer candidates from now on, these recent ones among them; `cache` is where scans keep their findings."""
        self._recent, self._list.cache = recent, cache
        await self.mount(self._list)

    @property
    def path(self) -> str:
        """The absolute path, or paths with ` + ` between them; '' for an empty field."""
        return meant(self._input.value)

    def mean(self, path: str) -> None:
        """Fill in a path and choose it."""
        with self.prevent(Input.Changed):
            self._input.value = path
        self._input.cursor_position = len(path)
        self._choose()

    def _offer(self) -> None:
        if not self._list.is_attached:
            return
        text = self._input.value
        found = list(self._input.walked) or (offers(text) if text else [])
        if not self._input.walked:
            full = meant(text)
            known = [r for r in self._recent if (text in r or (full and r.startswith(full))) and r.rstrip("/") != full]
            found += [path for path in known if path + "/" not in found]
        self._offered = found = found[:MOST_OFFERED]
        self._list.offer(found, self._input.size.width - 2)
        self._list.highlighted = found.index(text) if self._input.walked and text in found else None
        self._list.display = bool(found) and self._is_in_use

    @property
    def _is_in_use(self) -> bool:
        return self.screen.focused in (self._input, self._list)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._offer()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose(again=True)
        self._list.display = False

    @on(PathInput.ListAsked)
    def _to_list(self) -> None:
        if self._list.display:
            self._list.focus()
            self._list.highlighted = 0
        else:
            self.screen.focus_next()

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.mean(self._offered[event.option_index])
        self._input.focus()
        self._list.display = False

    def on_descendant_focus(self) -> None:
        # what was just taken from the list needs no list any more
        if self.screen.focused is self._input and not (self.path and self.path == self._meant):
            self._offer()

    def on_descendant_blur(self) -> None:
        # the focus may have moved within
        self.call_after_refresh(self._left)

    def _left(self) -> None:
        if self.is_attached and not self._is_in_use:
            self._list.display = False
            self._choose()

    def _choose(self, again: bool = False) -> None:
        path = self.path
        if path and (again or path != self._meant):
            self._meant = self._input.settled = path
            self.post_message(self.Chosen(path))
            begin(self, "pictures", self._look_for_pictures, path)

    async def _look_for_pictures(self, path: str) -> None:
        from distill_tui.data.images.dataset import count_pictures

        count = await asyncio.to_thread(count_pictures, Path(path))
        self._pictures.offer(path, count)
        if count and self.screen.focused is self._input:
            # in the field a 4 would be typed
            self._pictures.focus()
