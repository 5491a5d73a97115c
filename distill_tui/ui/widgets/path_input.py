"""An input for paths: tab completes like a shell.

Several paths stand beside one another with ` + ` between them.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from distill_tui.errors import RequestError
from distill_tui.paths import expand, is_there

MOST_ENTRIES = 5000
AND = " + "
MOST_JOINED = 4
"""How many ` + ` the name of something may hold."""


def paths_for(text: str, suffixes: tuple[str, ...] = ()) -> list[str]:
    """The paths that begin with `text`: folders, each ending in `/`, and files that end in one of `suffixes`.

    Hidden ones are among them only when a dot was typed.
    """
    if text == "~":
        return ["~/"]
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
        Binding(
            "shift+tab", "back", "Back", show=False, id="path.back", tooltip="Show the one before, or leave the path"
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

    def action_back(self) -> None:
        if self.value in self.walked:
            self.value = self.walked[self.walked.index(self.value) - 1]
            self.cursor_position = len(self.value)
        else:
            self.screen.focus_previous()

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


def split_paths(text: str) -> list[str]:
    """The paths of a text; a ` + ` in the name of something that is there belongs to it."""
    rest, found = text.split(AND), []
    while rest:
        most = min(len(rest), 1 + MOST_JOINED)
        several = (count for count in range(most, 1, -1) if is_there(absolute(AND.join(rest[:count]))))
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
