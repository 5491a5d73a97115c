"""The list of folders below the field of the sounds: each with what it holds, the one that is meant marked."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from distill_tui.reporting.formatting import duration, plural, shorten_path
from distill_tui.text import printable
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.path_input import AND, absolute
from distill_tui.ui.widgets.text_widget import theme_style

MOST_LOOKED_INTO = 12
"""Folders of a list that are looked into: about as many as are seen."""
LEAST_CELLS = 12
MARK = "▸ "


class FolderList(OptionList):
    """The candidates for a path. The mark before the chosen one is seen without colours as well."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.cache: Path | None = None
        self._paths: list[str] = []
        self._facts: dict[str, str] = {}
        self._width, self._marked = 0, -1

    def offer(self, paths: Sequence[str], width: int) -> None:
        """List these paths, for so many cells."""
        if (list(paths), width) == (self._paths, self._width):
            return
        self._paths, self._width, self._marked = list(paths), width, -1
        self.clear_options()
        self.add_options([Option(self._text(path, marked=False)) for path in paths])
        if any(path not in self._facts for path in paths[:MOST_LOOKED_INTO]):
            begin(self, "facts", self._look_into, tuple(paths[:MOST_LOOKED_INTO]))

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        before, self._marked = self._marked, -1 if highlighted is None else highlighted
        for index in {before, self._marked} - {-1}:
            self._show(index)

    def _show(self, index: int) -> None:
        if index < self.option_count:
            self.replace_option_prompt_at_index(index, self._text(self._paths[index], index == self._marked))

    def _text(self, path: str, marked: bool) -> Text:
        facts = self._facts.get(path, "")
        room = max(LEAST_CELLS, self._width - len(MARK) - (len(facts) + 2 if facts else 0))
        # where paths differ is their end
        name = shorten_path(printable(path), room)
        line = Text.assemble(MARK if marked else " " * len(MARK), name, no_wrap=True)
        if facts:
            gap = " " * max(2, self._width - len(MARK) - cell_len(name) - len(facts))
            # the colours of the chosen line are its own
            line.append(gap + facts, "" if marked else theme_style(self, "dim"))
        if marked and self.app.no_color:
            line.stylize("reverse")
        return line

    async def _look_into(self, paths: Sequence[str]) -> None:
        from distill_tui.data.glance import Glance, glance

        for path in paths:
            if path not in self._facts:
                last = absolute(path.rpartition(AND)[2] if AND in path else path)
                found = await asyncio.to_thread(glance, Path(last), self.cache) if last else Glance()
                self._facts[path] = _told(found.sounds, found.seconds, found.pictures, found.more)
                if path in self._paths:
                    self._show(self._paths.index(path))


def _told(sounds: int, seconds: float | None, pictures: int, more: bool) -> str:
    """`87 sounds, 45 s`, `5,000 sounds and more`, `70,000 pictures`; '' for a folder without any."""
    if pictures:
        return plural(pictures, "picture")
    if not sounds:
        return ""
    return plural(sounds, "sound") + (" and more" if more else f", {duration(seconds)}" if seconds else "")
