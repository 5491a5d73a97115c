"""A path, completed as one types: tab completes like a shell, the list below offers folders and recent ones.

Several paths stand beside one another with ` + ` between them.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from distill_tui.errors import RequestError
from distill_tui.files import printable
from distill_tui.paths import expand
from distill_tui.reporting.formatting import shorten_path

MOST_OFFERED = 50
LEAST_CELLS = 12
MOST_ENTRIES = 5000
AND = " + "


def paths_for(text: str, suffixes: tuple[str, ...] = ()) -> list[str]:
    """The paths that begin with `text`: folders, each ending in `/`, and files that end in one of `suffixes`.

    Hidden ones are among them only when a dot was typed.
    """
    head, _, start = text.rpartition("/")
    prefix = head + "/" if "/" in text else ""
    found = []
    try:
        parent = expand(head + "/") if "/" in text else Path()
        with os.scandir(parent) as entries:
            for number, entry in enumerate(entries):
                if number > MOST_ENTRIES:
                    break
                hidden = entry.name.startswith(".") and not start.startswith(".")
                if not entry.name.startswith(start) or hidden:
                    continue
                if entry.is_dir():
                    found.append(f"{prefix}{entry.name}/")
                elif suffixes and entry.name.lower().endswith(suffixes):
                    found.append(prefix + entry.name)
    except (OSError, ValueError, RequestError):
        return []
    return sorted(found)


def completed(text: str, found: list[str]) -> str:
    """`text` with what all of `found` go on with."""
    common = os.path.commonprefix(found)  # noqa: RUF071 (characters are meant, as in a shell)
    return common if common.startswith(text) else text


class PathInput(Input):
    """The input itself: tab completes, then cycles through the candidates, or moves on when there are none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab", "complete", "Complete", show=False, id="path.complete", tooltip="Complete the path, or show the next"
        ),
        Binding("down", "to_list", "List", show=False, id="path.list"),
    ]

    settled = ""
    """The path that was chosen: tab moves on from it."""
    suffixes: tuple[str, ...] = ()
    """Endings of the files that are completed beside folders."""
    walked: Sequence[str] = ()
    """The paths that tab goes through, one of which stands in the input; empty once something else was typed."""

    @dataclass
    class ListAsked(Message):
        """Down was pressed: to the list."""

    def action_complete(self) -> None:
        text = self._next_text() if self.value and self.cursor_position == len(self.value) else ""
        if text:
            self.value = text
            self.cursor_position = len(text)
        else:
            self.screen.focus_next()

    def _next_text(self) -> str:
        """The text after tab; '' when there is nothing to complete."""
        if self.value in self.walked:
            return self.walked[(self.walked.index(self.value) + 1) % len(self.walked)]
        if meant(self.value) == self.settled:
            return ""
        found = offers(self.value, self.suffixes)
        text = completed(self.value, found)
        if text != self.value:
            return text
        # which of these is meant is not known: as in a shell each stands there in turn
        self.walked = [path for path in found if path != self.value]
        return self.walked[0] if self.walked else ""

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if event.value not in self.walked:
            self.walked = ()

    def action_to_list(self) -> None:
        self.post_message(self.ListAsked())


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


def split_paths(text: str) -> list[str]:
    """The paths of a text; a ` + ` in the name of something that is there belongs to it."""
    rest, found = text.split(AND), []
    while rest:
        several = (count for count in range(len(rest), 1, -1) if Path(absolute(AND.join(rest[:count]))).exists())
        taken = next(several, 1)
        found.append(AND.join(rest[:taken]))
        rest = rest[taken:]
    return [part for part in found if part.strip()]


def meant(text: str) -> str:
    """The typed paths, each absolute."""
    return AND.join(absolute(part) for part in split_paths(text))


def offers(text: str, suffixes: tuple[str, ...] = ()) -> list[str]:
    """`paths_for` the last of several paths, the others before it."""
    found = paths_for(text, suffixes)
    if found or AND not in text:
        return found
    before, _, last = text.rpartition(AND)
    return [before + AND + path for path in paths_for(last, suffixes)]


def absolute(text: str) -> str:
    """The typed text as an absolute path, `~` being the home; '' for an empty text."""
    if not text.strip():
        return ""
    try:
        return os.path.abspath(expand(text))  # noqa: PTH100 (`resolve` would follow links)
    except RequestError:
        return os.path.abspath(text)  # noqa: PTH100
