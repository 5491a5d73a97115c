"""The codebooks' health: a table with one row a level, and a word for how each is doing."""

import itertools
import math
from collections.abc import Iterable

from rich.text import Text
from textual.widgets import DataTable

from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import bitrate, formatting, outlook, verdicts
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.text_widget import ROLES, LinesWidget, again_in_another_theme, theme_style

COLORS = {found: ROLES[found.role if found else "plain"] for found in (*verdicts.Verdict, None)}
"""The theme's colour for each verdict."""
COLUMNS = ("level", "used", "perplexity", "dead", "churn", "word")
NARROW, WIDE = (5, 7, 8, 5, 6, 7), (5, 7, 11, 5, 6, 8)
"""Widths of the columns, where there is little room and where there is more."""
LEAST_TREND, MOST_TREND = 6, 24
"""Cells of the course of use; with fewer there is none."""


class HealthTable(DataTable[Text]):
    """Level, share of codes used, perplexity, dead codes, churn, a word, and where there is room the course of use."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0, cursor_foreground_priority="renderable")
        self._shown: dict[tuple[str, str], str] = {}
        self._state = RunState()
        self._widths: tuple[int, ...] = NARROW
        self._trend_cells = 0

    def on_mount(self) -> None:
        self._layout_columns()
        again_in_another_theme(self, self._again)

    def on_resize(self) -> None:
        width = self.size.width
        widths = WIDE if width >= sum(WIDE) else NARROW
        left = width - sum(widths) - 1
        trend = min(MOST_TREND, left) if left >= LEAST_TREND else 0
        if (widths, trend) != (self._widths, self._trend_cells):
            self._widths, self._trend_cells = widths, trend
            self._again()

    def _layout_columns(self) -> None:
        dim = theme_style(self, "dim")
        for key, width in zip(COLUMNS, self._widths, strict=True):
            title = "" if key == "word" else "perpl." if key == "perplexity" and width < len(key) else key
            self.add_column(Text(title, dim, justify="right"), width=width, key=key)
        if self._trend_cells:
            title = "use so far" if self._trend_cells >= len("use so far") else "use"
            self.add_column(Text(f" {title}", dim), width=self._trend_cells + 1, key="trend")

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
        size = verdicts.size_of_codebooks(state)
        for level in health:
            word, color = verdicts.word_of(level, size), COLORS[verdicts.verdict(level, size)]
            cells = {
                "level": (str(level.level + 1), "foreground"),
                "used": (formatting.percent(level.utilization), color),
                "perplexity": (formatting.number(level.perplexity)[:6], "foreground"),
                "dead": (formatting.count(level.dead), "foreground"),
                "churn": (formatting.percent(level.churn), "foreground"),
                "word": (f" {word}", color),
            }
            if self._trend_cells:
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
        parts = min(self._trend_cells, len(values))
        # the lowest of each part: a level that dried up for a while must show
        edges = [round(i * len(values) / parts) for i in range(parts + 1)]
        return blocks([_lowest(values[a:b]) for a, b in itertools.pairwise(edges)])


class HealthNote(LinesWidget):
    """Below the table: the window of its numbers and the bit rate, or when the codebooks will be initialised."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = ""

    def show(self, state: RunState, recipe: Recipe) -> None:
        """Say it of this state of a run of `recipe`."""
        if verdicts.is_measured(state.health):
            window = verdicts.window_of(state)
            text = verdicts.window_text(state.health, verdicts.size_of_codebooks(state), window)
            self._text = "; ".join(part for part in (text, bitrate.bitrate_of_run(state)) if part)
        else:
            self._text = outlook.codebooks_text(state, recipe)
        self.repaint()

    def lines(self) -> list[Text]:
        return [Text(line, self.style("dim")) for line in formatting.wrap(self._text, self.size.width)]


def _lowest(values: Iterable[float]) -> float:
    return min((v for v in values if math.isfinite(v)), default=math.nan)
