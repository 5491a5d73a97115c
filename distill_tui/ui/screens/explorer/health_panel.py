"""The health panel: codes in use at each level, or the KL of a VAE's latents."""

import math

from rich.text import Text

from distill_tui.reporting import formatting
from distill_tui.reporting.verdicts import COLLAPSED_NATS, verdict
from distill_tui.runs.codebook_map import DEADNESS, CodebookMap, dead_codes
from distill_tui.runs.state import LevelHealth
from distill_tui.ui.screens.explorer.scene import MapOptions
from distill_tui.ui.widgets.blocks import BLOCKS
from distill_tui.ui.widgets.health import COLORS
from distill_tui.ui.widgets.text_widget import LinesWidget

USED_NATS = 0.01
"""A dimension of a VAE's latents with less KL is unused."""
WIDE = 48
"""The least width, in characters, for the whole definition of a dead code."""


class HealthLines(LinesWidget):
    """`Level 1: 14/16 active (2 dead)` for each level, and the definition of dead; for a VAE its KL."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._map: CodebookMap | None = None
        self._options = MapOptions()
        self._key = "j"
        self._kl: float | None = None
        self._nats: list[float] = []
        self._is_kl = False

    def show(self, found: CodebookMap | None, options: MapOptions, key: str) -> None:
        """Show the health of a map's codebooks; `key` changes the definition of dead."""
        self._map, self._options, self._key, self._is_kl = found, options, key, False
        self.repaint()

    def show_kl(self, kl: float | None, nats: list[float]) -> None:
        """Show the KL of a VAE's latents in nats: the total, and each dimension's as far as known."""
        self._kl, self._nats, self._is_kl = kl, nats, True
        self.repaint()

    def lines(self) -> list[Text]:
        if self._is_kl:
            return self._kl_lines()
        if self._map is None:
            return [Text("no codes yet", self.style("dim"))]
        if not self._map.levels:
            return [Text("no codes yet, it learns without", self.style("dim"))]
        found = [self._level(number, level.counts) for number, level in enumerate(self._map.levels)]
        over = f"the last {self._map.batches} batches" if self._map.batches else "all the sounds of this map"
        meaning = DEADNESS[self._options.deadness]
        if self.size.width < WIDE:
            # the rest is shown when it is changed
            meaning = meaning.partition(" (")[0]
        line = Text.assemble(
            (f"over {over}; dead: {meaning} (", self.style("dim")),
            (self._key, self.style("accent")),
            (" changes that)", self.style("dim")),
        )
        return found + list(line.wrap(self.app.console, max(8, self.size.width)))

    def _level(self, number: int, counts: list[int]) -> Text:
        size, gone = len(counts), sum(dead_codes(counts, self._options.deadness))
        in_use = (size - gone) / size if size else 0.0
        color = COLORS[verdict(LevelHealth(number, utilization=in_use, frames=float(sum(counts))), size)]
        line = Text.assemble(
            (f"Level {number + 1}: ", self.style("dim")),
            (f"{size - gone}/{size} active", self.style(color, bold=True)),
            (f" ({gone} dead)", self.style("foreground" if gone else "dim")),
        )
        if self.size.width - line.cell_len >= 8 and size:
            line.append("  ")
            line.append(_bars(counts, self.size.width - line.cell_len), self.style(color))
        return line

    def _kl_lines(self) -> list[Text]:
        if self._kl is None or not math.isfinite(self._kl):
            return [Text(f"KL {formatting.number(self._kl)}", self.style("dim"))]
        line = Text.assemble(("KL ", self.style("dim")), (f"{self._kl:.2f} nats", self.style("foreground", bold=True)))
        if self._kl >= COLLAPSED_NATS:
            line.append("  ● good", self.style("success", bold=True))
            return [line, *self._dimensions()]
        return [
            line.append("  ▲ posterior collapse", self.style("error", bold=True)),
            Text(f"below {COLLAPSED_NATS} nats latents tell nothing", self.style("dim")),
            *self._dimensions(),
        ]

    def _dimensions(self) -> list[Text]:
        """Count the dimensions in use, and draw the nats of each, the greatest first."""
        nats = [one if math.isfinite(one) else 0.0 for one in self._nats]
        if not nats:
            return []
        used = sum(one >= USED_NATS for one in nats)
        line = Text.assemble(
            (f"{used}/{len(nats)} dimensions", self.style("foreground")),
            (f" hold {USED_NATS} nats or more", self.style("dim")),
        )
        width = max(8, self.size.width)
        hundredths = [round(100 * one) for one in nats]
        wrapped = list(line.wrap(self.app.console, width))
        return [*wrapped, Text(_bars(hundredths, width), self.style("series-commit"))]


def _bars(counts: list[int], width: int) -> str:
    """Draw counts as blocks, the greatest first, a dot for 0; an even selection of them if there is little room."""
    ordered = sorted(counts, reverse=True)
    most = ordered[0] or 1
    if len(ordered) > width:
        ordered = [ordered[i * len(ordered) // width] for i in range(width)]
    return "".join(BLOCKS[max(1, round(count / most * 8))] if count else "·" for count in ordered)
