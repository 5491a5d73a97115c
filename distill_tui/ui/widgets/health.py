"""The codebooks' health: a table with one row a level, and a word for how each is doing."""

import itertools
import math
from collections.abc import Iterable

from rich.text import Text
from textual.widgets import DataTable

from distill_tui.recipe.arithmetic import ENOUGH_FRAMES_PER_CODE
from distill_tui.reporting import formatting
from distill_tui.reporting.verdicts import Verdict, has_enough_frames, verdict, window_of
from distill_tui.runs.state import LevelHealth, RunState, Series
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.text_widget import LinesWidget, again_in_another_theme, theme_style

COLORS = {Verdict.GOOD: "success", Verdict.FAIR: "warning", Verdict.POOR: "error", None: "foreground"}
"""The theme's colour for each verdict."""
TREND = 12
COLUMNS = (("level", 5), ("used", 6), ("perplex", 8), ("dead", 5), ("churn", 6), ("", 7))


def judged(level: LevelHealth, size: int) -> tuple[str, str]:
    """The verdict on a level with its mark, and the theme's colour for it; no word where none can be given."""
    found = verdict(level, size)
    return f"{found.mark} {found}" if found else "", COLORS[found]


def window_text(levels: Iterable[LevelHealth], size: int, window: str) -> str:
    """The window of these numbers in words, and that it is too short for a verdict if it is."""
    known = [level for level in levels if level.frames is not None and level.utilization is not None]
    few = any(not has_enough_frames(level, size) for level in known)
    return f"{window}; no verdict: fewer than {ENOUGH_FRAMES_PER_CODE} frames a code" if few else window


def has_codes(state: RunState) -> bool:
    """Whether there is something to tell of codebooks, or will be."""
    return any(level.utilization is not None for level in state.health) or (state.is_active and bool(state.health))


class HealthTable(DataTable[Text]):
    """Level, share of codes used, perplexity, dead codes, churn, a word, and where there is room the course of use."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0, cursor_foreground_priority="renderable")
        self._shown: dict[tuple[str, str], str] = {}
        self._state = RunState()
        self._wide = False

    def on_mount(self) -> None:
        self._layout_columns()
        again_in_another_theme(self, self._again)

    def on_resize(self) -> None:
        wide = self.size.width >= sum(w for _, w in COLUMNS) + TREND + 1
        if wide != self._wide:
            self._wide = wide
            self._again()

    def _layout_columns(self) -> None:
        dim = theme_style(self, "dim")
        for title, width in COLUMNS:
            self.add_column(Text(title, dim, justify="right"), width=width, key=title or "word")
        if self._wide:
            self.add_column(Text(" use so far", dim), width=TREND + 1, key="trend")

    def _again(self) -> None:
        self.clear(columns=True)
        self._shown = {}
        self._layout_columns()
        self.show(self._state)

    def show(self, state: RunState) -> None:
        """Show this state; only cells that changed are touched."""
        self._state = state
        health = state.health
        if self.row_count != len(health):
            self.clear()
            self._shown = {}
            for level in health:
                self.add_row(*[Text()] * len(self.columns), key=str(level.level))
        size = state.prepared.codebook_size if state.prepared else 0
        for level in health:
            word, color = judged(level, size)
            cells = {
                "level": (str(level.level + 1), "foreground"),
                "used": (formatting.percent(level.utilization), color),
                "perplex": (formatting.number(level.perplexity)[:6], "foreground"),
                "dead": (formatting.count(level.dead), "foreground"),
                "churn": (formatting.percent(level.churn), "foreground"),
                "word": (f" {word}", color),
            }
            if self._wide:
                cells["trend"] = (" " + self._trend(state, level.level), color)
            for column, (text, style) in cells.items():
                if self._shown.get((str(level.level), column)) != text + style:
                    self._shown[str(level.level), column] = text + style
                    left = column in ("trend", "word")
                    cell = Text(text, theme_style(self, style), justify="left" if left else "right")
                    self.update_cell(str(level.level), column, cell)

    def _trend(self, state: RunState, level: int) -> str:
        values = state.series.get(f"codebook/{level}/utilization", Series()).values
        if not values:
            return ""
        parts = min(TREND, len(values))
        # the lowest of each part: a level that dried up for a while must show
        edges = [round(i * len(values) / parts) for i in range(parts + 1)]
        return blocks([_lowest(values[a:b]) for a, b in itertools.pairwise(edges)])


class HealthNote(LinesWidget):
    """Below the table: the window of its numbers, or when the codebooks will be initialised."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = ""

    def show(self, state: RunState, from_share: float) -> None:
        """Say it of this state; the codebooks are initialised after `from_share` of the training."""
        size = state.prepared.codebook_size if state.prepared else 0
        if any(level.utilization is not None for level in state.health):
            self._text = window_text(state.health, size, window_of(state))
        else:
            self._text = when_initialised(state, from_share)
        self.repaint()

    def lines(self) -> list[Text]:
        return [Text(line, self.style("dim")) for line in formatting.wrap(self._text, self.size.width)]


def when_initialised(state: RunState, from_share: float) -> str:
    """When a run's codebooks will be initialised, '' once they are or when it has ended."""
    if not state.is_active or state.quantizing_from is not None:
        return ""
    left, done = from_share - state.progress, 1 - state.progress
    text = f"codebooks are initialised at {formatting.percent(from_share)}"
    if left <= 0 or state.eta_seconds is None or done <= 0:
        return text
    return f"{text}, in about {formatting.duration(state.eta_seconds * left / done)}"


def _lowest(values: Iterable[float]) -> float:
    return min((v for v in values if math.isfinite(v)), default=math.nan)
