"""What stands beside the map: where the run is, and the codebooks' health."""

import math

from rich.text import Text

from distill_tui.files import printable
from distill_tui.recipe.schema import Model
from distill_tui.reporting import formatting
from distill_tui.reporting.verdicts import COLLAPSED_NATS, verdict
from distill_tui.runs.codebook_map import DEADNESS, CodebookMap
from distill_tui.runs.state import LevelHealth, RunState
from distill_tui.ui.screens.explorer.scene import MapOptions, Scene
from distill_tui.ui.widgets.braille import BLOCKS
from distill_tui.ui.widgets.health import COLORS
from distill_tui.ui.widgets.losses import LOSSES
from distill_tui.ui.widgets.status import MARKS
from distill_tui.ui.widgets.text_widget import LinesWidget

USED = 0.01
"""Nats below which a dimension of a VAE's latents tells nothing."""
ROOMY = 48
"""Characters from which on the definition of a dead code is written out."""


TRAIN, VAL, RECON, COMMIT = LOSSES
CODEBOOK = ("loss/codebook", "codebk", "series-val")
KL = ("loss/kl", "kl", "series-commit")


def losses_of(model: Model) -> tuple[tuple[str, str, str], ...]:
    """The four losses that say most of such a model: key, title, colour."""
    if model.bottleneck == "kl":
        return TRAIN, RECON, KL, VAL
    return (TRAIN, RECON, COMMIT, CODEBOOK) if model.codebooks == "gradient" else (TRAIN, RECON, COMMIT, VAL)


def about_map(found: CodebookMap, title: str, trains: bool) -> list[tuple[str, str]]:
    """What a map is of, as texts with their colours; `trains` for a run of sounds that goes on."""
    groups = formatting.plural(len(found.groups), "group")
    return [
        (f"map of {title}", "foreground"),
        # of a run that trains it is the newest checkpoint's, not that of now
        (f"as of step {found.step:,}{', trains on' if trains else ''}", "foreground"),
        (f"{formatting.plural(len(found.points), 'point')} in {groups}", "foreground"),
        (f"plane holds {formatting.percent(found.explained)} of the variance", "dim"),
    ]


class ExplorerHead(LinesWidget):
    """`● running   step 12,300   103 steps/s   epoch 4/100`, or what a map is of."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: list[tuple[str, str]] = []

    def show_run(self, state: RunState, wanted: str, note: str) -> None:
        """Show how a run is; `wanted` was asked for and has not happened yet; `note` is about its data."""
        mark, color = MARKS.get(state.state, ("?", "dim"))
        word = f"{mark} {state.state}" + (f" → {wanted}" if wanted else "")
        self._parts = [(word, color), (f"step {state.step:,}", "foreground")]
        pace = state.numbers.get("time/step")
        if pace and state.state == "running":
            self._parts.append((f"{1 / pace:,.0f} steps/s" if pace < 0.1 else f"{1 / pace:.1f} steps/s", "foreground"))
        self._parts.append((f"epoch {state.epoch_text}", "foreground"))
        if state.eta_seconds is not None and state.is_active:
            self._parts.append((f"ETA {formatting.duration(state.eta_seconds)}", "foreground"))
        if state.reason:
            self._parts.append((printable(state.reason), color))
        if note:
            self._parts.append((note, "dim"))
        self.repaint()

    def show_text(self, parts: list[tuple[str, str]]) -> None:
        """Show these texts, each in a theme's colour."""
        self._parts = parts
        self.repaint()

    def lines(self) -> list[Text]:
        line = Text()
        for number, (text, color) in enumerate(self._parts):
            gap = "   " if number and self.size.width >= 64 else "  " if number else ""
            room = self.size.width - line.cell_len - len(gap)
            if number > 1 and room < len(text):
                break
            line.append(gap)
            line.append(text, self.style(color, bold=number == 0))
        line.truncate(self.size.width, overflow="ellipsis")
        return [line]


class HealthLines(LinesWidget):
    """`Level 1: 14/16 active (2 dead)` for each level, and what dead means here; of a VAE its KL."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._map: CodebookMap | None = None
        self._shows = MapOptions()
        self._key = "d"
        self._kl: float | None = None
        self._nats: list[float] = []
        self._is_kl = False

    def show(self, found: CodebookMap | None, shows: MapOptions, key: str) -> None:
        """Show the health of a map's codebooks; `key` changes the definition."""
        self._map, self._shows, self._key, self._is_kl = found, shows, key, False
        self.repaint()

    def show_kl(self, kl: float | None, nats: list[float]) -> None:
        """Show the KL of a VAE's latents, all of it and in each dimension as far as it is known."""
        self._kl, self._nats, self._is_kl = kl, nats, True
        self.repaint()

    def lines(self) -> list[Text]:
        if self._is_kl:
            return self._kl_lines()
        if self._map is None:
            return [Text("no codes yet", self.style("dim"))]
        if not self._map.levels:
            return [Text("no codes yet, it learns without", self.style("dim"))]
        scene = Scene(self._map)
        found = [self._level(scene, level) for level in range(len(self._map.levels))]
        over = f"the last {self._map.batches} batches" if self._map.batches else "all the sounds of this map"
        meaning = DEADNESS[self._shows.deadness]
        if self.size.width < ROOMY:
            # all of it is told when it is changed
            meaning = meaning.partition(" (")[0]
        line = Text.assemble(
            (f"over {over}; dead: {meaning} (", self.style("dim")),
            (self._key, self.style("accent")),
            (" changes that)", self.style("dim")),
        )
        wrapped = list(line.wrap(self.app.console, max(8, self.size.width)))
        return found + wrapped

    def _level(self, scene: Scene, level: int) -> Text:
        dead = scene.dead(level, self._shows.deadness)
        size, gone = len(dead), sum(dead)
        share = (size - gone) / size if size else 0.0
        frames = float(sum(scene.levels[level].counts))
        color = COLORS[verdict(LevelHealth(level, utilization=share, frames=frames), size)]
        line = Text.assemble(
            (f"Level {level + 1}: ", self.style("dim")),
            (f"{size - gone}/{size} active", self.style(color, bold=True)),
            (f" ({gone} dead)", self.style("foreground" if gone else "dim")),
        )
        if self.size.width - line.cell_len >= 8 and size:
            line.append("  ")
            line.append(_course(scene.levels[level].counts, self.size.width - line.cell_len), self.style(color))
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
        """How many dimensions are used, and the nats of each, the greatest first."""
        nats = [one if math.isfinite(one) else 0.0 for one in self._nats]
        if not nats:
            return []
        used = sum(one >= USED for one in nats)
        line = Text.assemble(
            (f"{used}/{len(nats)} dimensions", self.style("foreground")),
            (f" hold {USED} nats or more", self.style("dim")),
        )
        width = max(8, self.size.width)
        hundredths = [round(100 * one) for one in nats]
        wrapped = list(line.wrap(self.app.console, width))
        return [*wrapped, Text(_course(hundredths, width), self.style("series-commit"))]


def _course(counts: list[int], width: int) -> str:
    """The counts, the greatest first, as blocks; a dot for none. As many of them as there is room for, evenly."""
    ordered = sorted(counts, reverse=True)
    most = ordered[0] or 1
    if len(ordered) > width:
        ordered = [ordered[i * len(ordered) // width] for i in range(width)]
    return "".join(BLOCKS[max(1, round(count / most * 8))] if count else "·" for count in ordered)
