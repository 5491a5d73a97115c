"""The field of the sounds: a path that is completed as one types, with a list of folders and recent paths below it."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from distill_tui.reporting.formatting import shorten_path
from distill_tui.text import printable
from distill_tui.ui.widgets.path_input import PathInput, meant, offers

MOST_OFFERED = 50
LEAST_CELLS = 12


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
        self._list = OptionList(id="folders", markup=False)

    def compose(self) -> ComposeResult:
        yield self._input

    async def offer(self, recent: Sequence[str]) -> None:
        """Offer candidates from now on, these recent ones among them."""
        self._recent = recent
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
            known = [r for r in self._recent if text in r and r.rstrip("/") != text.rstrip("/")]
            found += [path for path in known if path + "/" not in found]
        found = found[:MOST_OFFERED]
        if found != self._offered:
            # where paths differ is their end
            room = max(LEAST_CELLS, self._input.size.width - 2)
            self._list.clear_options()
            self._list.add_options([Option(shorten_path(printable(path), room)) for path in found])
            self._offered = found
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
