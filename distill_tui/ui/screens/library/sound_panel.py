"""The sound of the chosen model: original and reconstruction as spectrograms side by side, and how to hear them."""

import asyncio

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.ui.screens.library.model_sounds import SoundPair
from distill_tui.ui.services.spectrograms import Spectrogram, Spectrograms
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.heat import is_fine, is_shaded, picture_row
from distill_tui.ui.widgets.text_widget import LinesWidget, joined, pad

GAP = 2
REST_SECONDS = 0.12
"""Delay before spectrograms are computed, so that moving through the list computes none on the way."""


class SoundPanel(LinesWidget):
    """A pair of spectrograms, or a line on how to get one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pair: SoundPair | None = None
        self._instead = ""
        self._pictures = Spectrograms()
        self._making: object = None

    def show(self, pair: SoundPair | None, instead: str) -> None:
        """Show this pair; without one, the sentence `instead`."""
        self._pair, self._instead = pair, instead
        self.repaint()

    def _spectrograms(self, pair: SoundPair, rows: int) -> list[Spectrogram] | None:
        """Both at the size there is room for; None while they are being computed."""
        width = max(2, (self.size.width - GAP) // 2)
        key = self._pictures.key((pair.original, pair.made), width, max(1, rows) * 2)
        known = self._pictures.known(key)
        if known is None and self._making != key:
            self._making = key

            async def make() -> None:
                await asyncio.sleep(REST_SECONDS)
                await self._pictures.make(key)
                self._making = None
                self.repaint()

            begin(self, "pictures", make)
        return known

    def lines(self) -> list[Text]:
        width, height = self.size
        pair = self._pair
        if pair is None:
            return [Text(line, self.style("dim")) for line in formatting.wrap(self._instead, max(8, width))][:height]
        rows = max(1, height - 2)
        pictures = self._spectrograms(pair, rows)
        found = [self._titles(pair, pictures), *self._rows(pictures, rows), Text(pair.about, self.style("dim"))]
        return [pad(line, width) for line in found[:height]]

    def _titles(self, pair: SoundPair, pictures: list[Spectrogram] | None) -> Text:
        width = (self.size.width - GAP) // 2
        found = Text()
        for index, (key, title, color) in enumerate(
            (("o", pair.left, "series-recon"), ("⏎", pair.right, "series-val"))
        ):
            parts = [Text.assemble((f"{key} ", self.style("accent")), (title, self.style(color, bold=True)))]
            if pictures is not None and not pictures[index].error:
                picture = pictures[index]
                length = f"{formatting.duration(picture.seconds)} to {picture.rate / 2000:.3g} kHz"
                parts.append(Text(length, self.style("dim")))
            found.append_text(pad(joined(parts, width, 2), width))
            found.append(" " * GAP * (1 - index))
        return found

    def _rows(self, pictures: list[Spectrogram] | None, rows: int) -> list[Text]:
        width = (self.size.width - GAP) // 2
        if pictures is None:
            waiting = Text("making the pictures …", self.style("dim"))
            return [waiting if row == rows // 2 else Text() for row in range(rows)]
        shaded, fine, found = is_shaded(self.app), is_fine(self.app), []
        for row in range(rows):
            line = Text()
            for index, picture in enumerate(pictures):
                if picture.error:
                    line.append_text(pad(Text(picture.error if row == rows // 2 else "", self.style("error")), width))
                else:
                    line.append_text(picture_row(picture, row, shaded, fine))
                line.append(" " * GAP * (1 - index))
            found.append(line)
        return found
