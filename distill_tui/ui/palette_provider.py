"""The lines of the palette, imported when it is first opened."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from distill_tui.ui.command_palette import Command, commands_of

if TYPE_CHECKING:
    from distill_tui.ui.app import DistillApp

KEY_WIDTH = 7
"""Cells of a key in the palette."""


class ActionProvider(Provider):
    """The palette's lines, one an action: its key, then what it does."""

    def _commands(self) -> Iterator[Command]:
        return commands_of(cast("DistillApp", self.app), self.screen)

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(self._line(command, command.what), command.run, command.name)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(command.what), matcher.match(command.name))
            if score > 0:
                what = matcher.highlight(command.what) if matcher.match(command.what) else command.what
                yield Hit(score, self._line(command, what), command.run, text=command.name)

    @staticmethod
    def _line(command: Command, what: str | Content) -> Content:
        key = f"{command.key:>{KEY_WIDTH}}  "
        return Content.assemble((key, "bold $accent"), what)
