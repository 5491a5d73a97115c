"""The chosen take: its spectrogram, and all that is known of it."""

import asyncio

from rich.text import Text

from distill_tui.reporting import formatting, take_text
from distill_tui.takes.take import Take
from distill_tui.text import printable
from distill_tui.ui.screens.generate.open_set import OpenSet
from distill_tui.ui.services.spectrograms import Spectrogram, Spectrograms
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.heat import is_fine, is_shaded, picture_row
from distill_tui.ui.widgets.text_widget import LinesWidget, text_of

REST_SECONDS = 0.15
"""Delay before a spectrogram is computed, so that walking through the takes computes none on the way."""
LEAST_PICTURE_ROWS = 5
MOST_PICTURE_ROWS = 16


class TakeCard(LinesWidget):
    """Facts of one take, below its spectrogram where there is room for one."""

    def __init__(self, takes: OpenSet, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._set = takes
        self._take: Take | None = None
        self._pictures = Spectrograms()
        self._making: object = None

    def show(self, take: Take | None) -> None:
        """Show this take; None: nothing."""
        self._take, self.hatched = take, take is None
        self.repaint()

    def lines(self) -> list[Text]:
        take, (width, height) = self._take, self.size
        if take is None or not width:
            return []
        facts = text_of(self, take_text.facts(take), width).split("\n", allow_blank=True)
        # where there is little room the picture stays away, and then the last of the facts
        rows = min(MOST_PICTURE_ROWS, height - len(facts) - 1)
        if rows < LEAST_PICTURE_ROWS:
            return list(facts)[:height]
        return [*self._picture_rows(take, rows), Text(), *facts]

    def _picture_rows(self, take: Take, rows: int) -> list[Text]:
        picture = self._picture(take, rows)
        if picture is None or picture.error:
            said = "making the picture …" if picture is None else f"✗ {printable(picture.error)}"
            shown = Text(formatting.shorten(said, self.size.width), self.style("error" if picture else "dim"))
            return [shown if row == rows // 2 else Text() for row in range(rows)]
        shaded = is_shaded(self.app)
        return [picture_row(picture, row, shaded, is_fine(self.app)) for row in range(rows)]

    def _picture(self, take: Take, rows: int) -> Spectrogram | None:
        key = self._pictures.key((self._set.file(take),), self.size.width, rows * 2)
        known = self._pictures.known(key)
        if known is None:
            if self._making != key:
                self._making = key
                begin(self, "picture", self._make, key)
            return None
        return known[0]

    async def _make(self, key: object) -> None:
        await asyncio.sleep(REST_SECONDS)
        await self._pictures.make(key)  # type: ignore[arg-type]
        self._making = None
        self.repaint()
