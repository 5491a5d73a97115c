"""The codebooks: each level's use from the start until now, and how often each code of one level was used."""

import itertools
import math
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from distill_tui.reporting import code_bits, formatting
from distill_tui.reporting.series import SeriesReducer
from distill_tui.reporting.verdicts import (
    FAIR_EVENNESS,
    FAIR_USE,
    HIGH_CHURN,
    LOW_EVENNESS,
    LOW_USE,
    has_enough_frames,
    window_of,
)
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.blocks import bars
from distill_tui.ui.widgets.text_widget import LinesWidget, joined, pad

MEASURES = (
    ("utilization", "share of codes in use"),
    ("perplexity", "share of codes that would do if all were used evenly"),
    ("churn", "share of codes that are replaced in a step"),
)
NO_CODES = "No codes yet: codebooks come after the warm-up, in which the net learns without a quantizer."
LABEL = 16
MOST_STRIP_ROWS = 3
LEAST_HISTOGRAM_ROWS = 3


def _of_prior(state: RunState) -> list[str]:
    """What there is to say of a prior's levels."""
    size = state.prepared.codebook_size if state.prepared else 0
    found = ["A prior has no codebooks: it draws its codec's codes. Held-out bits a frame by level:", ""]
    bits = code_bits.levels(state.numbers)
    drawn_evenly = f" of {math.log2(size):.1f}, if all codes were as likely" if size > 1 else ""
    found += [f"level {number + 1}  {formatting.number(value):>6}{drawn_evenly}" for number, value in enumerate(bits)]
    return found if bits else [*found, "none yet"]


def binned(counts: Sequence[int], width: int) -> list[int]:
    """One number a column: the counts themselves, spread out where there is room, or the greatest of neighbours."""
    if not counts or width < 1:
        return []
    if len(counts) <= width:
        return [counts[i * len(counts) // width] for i in range(width)]
    edges = [i * len(counts) // width for i in range(width + 1)]
    return [max(counts[a:b]) for a, b in itertools.pairwise(edges)]


class CodebooksView(LinesWidget, can_focus=True):
    """One strip a level over time, and the histogram of the chosen level."""

    HELP_TEXT = (
        "One strip a level, from the first epoch with codes until now: a strip that sinks is a codebook that loses "
        "its codes. Each column shows the lowest value of its time. Left and right read values at the cursor, m "
        "changes what is shown. Below, how often each code of the chosen level was used on the held-out sounds at the "
        "newest count, by number or sorted by use; a dot stands for a code that was never used."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "level(-1)", "Level", key_display="↑↓", id="codebooks.previous", tooltip="Choose the level"),
        Binding(
            "down", "level(1)", "Level", show=False, key_display="↑↓", id="codebooks.next", tooltip="Choose the level"
        ),
        Binding(
            "left", "cursor(-1)", "Read", key_display="←→", id="codebooks.left", tooltip="Read values at the cursor"
        ),
        Binding(
            "right",
            "cursor(1)",
            "Read",
            show=False,
            key_display="←→",
            id="codebooks.right",
            tooltip="Read values at the cursor",
        ),
        Binding("j", "measure", "Measure", id="codebooks.measure", tooltip="Utilization, perplexity or churn"),
        Binding("s", "sort", "Sort", id="codebooks.sort", tooltip="Sort the codes by use, or by their numbers"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = RunState()
        self._reducers: dict[str, SeriesReducer] = {}
        self._level = self._measure = 0
        self._sorted = True
        self._cursor: int | None = None

    def show(self, state: RunState) -> None:
        """Show this state of the run."""
        if state is not self._state:
            self._state, self._reducers, self._cursor = state, {}, None
        self.hatched = not self._has_codes
        self.repaint()

    @property
    def level(self) -> int:
        """The chosen level."""
        return min(self._level, max(0, self._levels - 1))

    @property
    def _levels(self) -> int:
        return self._state.prepared.levels if self._state.prepared else 0

    @property
    def _has_codes(self) -> bool:
        return self._levels > 0 and any(key.startswith("codebook/") for key in self._state.series)

    @property
    def _codes(self) -> int:
        return self._state.prepared.codebook_size if self._state.prepared else 0

    # keys

    def action_level(self, by: int) -> None:
        if self._levels:
            self._level = (self.level + by) % self._levels
            self.repaint()

    def action_cursor(self, by: int) -> None:
        width = self._width()
        at = (width - 1 if self._cursor is None else self._cursor) + by
        self._cursor = None if at >= width - 1 else max(0, at)
        self.repaint()

    def action_measure(self) -> None:
        self._measure = (self._measure + 1) % len(MEASURES)
        self.repaint()

    def action_sort(self) -> None:
        self._sorted = not self._sorted
        self.repaint()

    # drawing

    def _width(self) -> int:
        return max(2, self.size.width - LABEL)

    def lines(self) -> list[Text]:
        height = self.size.height
        if self._state.is_prior:
            return [Text(), *(Text(one, self.style("dim")) for one in _of_prior(self._state))]
        if not self._has_codes:
            return [Text(), *self._wrapped(NO_CODES)]
        least = LEAST_HISTOGRAM_ROWS + 3
        shown = max(1, min(self._levels, height - 1 - least))
        rows = max(1, min(MOST_STRIP_ROWS, (height // 2) // shown))
        apart = rows > 1 and (rows + 1) * shown <= height // 2
        first = min(max(0, self.level - shown // 2), self._levels - shown)
        found = [self._head()]
        for level in range(first, first + shown):
            found += self._strip(level, rows)
            if apart and level < first + shown - 1:
                found.append(Text())
        found.append(self._when())
        found += self._histogram(height - len(found))
        return found[:height]

    def _wrapped(self, text: str) -> list[Text]:
        return [Text(line, self.style("dim")) for line in formatting.wrap(text, self.size.width)]

    def _head(self) -> Text:
        word, meaning = MEASURES[self._measure]
        parts = [Text(word, self.style("foreground", bold=True)), Text(f": {meaning}", self.style("dim"))]
        return joined([*parts, Text(f", {window_of(self._state)}", self.style("dim"))], self.size.width, 0)

    def _series(self, level: int) -> Series:
        return self._state.series.get(f"codebook/{level}/{MEASURES[self._measure][0]}", Series())

    def _span(self) -> tuple[float, float]:
        """From the first step with codes to the newest."""
        series = [s for level in range(self._levels) if len(s := self._series(level))]
        if not series:
            return 0.0, 1.0
        first, last = min(s.steps[0] for s in series), max(s.steps[-1] for s in series)
        return first, max(last, first + 1)

    def _course(self, level: int) -> list[float]:
        """A share for each column: the lowest of its time (the highest churn); the one before where there is none."""
        key, series = f"{level}/{self._measure}", self._series(level)
        first, last = self._span()
        found = [math.nan] * self._width()
        scale = self._codes if MEASURES[self._measure][0] == "perplexity" and self._codes else 1
        points = self._reducers.setdefault(key, SeriesReducer()).points(series, len(found), first, last)
        # a level that was not measured yet has numbers, and no point
        for point, after in zip(points, [*points[1:], None], strict=False):
            worst = point.high if MEASURES[self._measure][0] == "churn" else point.low
            for x in range(max(0, point.x), min(len(found), after.x if after else len(found))):
                found[x] = worst / scale
        return found

    @property
    def _can_judge(self) -> bool:
        """True if the newest numbers come from enough frames for a verdict."""
        return any(has_enough_frames(level, self._codes) for level in self._state.health)

    def _color(self, share: float) -> str:
        if not math.isfinite(share):
            return "dim"
        if not self._can_judge:
            return "series-train"
        if MEASURES[self._measure][0] == "churn":
            return "warning" if share > HIGH_CHURN else "series-train"
        is_use = MEASURES[self._measure][0] == "utilization"
        low, fair = (LOW_USE, FAIR_USE) if is_use else (LOW_EVENNESS, FAIR_EVENNESS)
        return "error" if share < low else "warning" if share < fair else "success"

    def _strip(self, level: int, rows: int) -> list[Text]:
        course = self._course(level)
        at = course[-1 if self._cursor is None else min(self._cursor, len(course) - 1)]
        here = level == self.level
        found = []
        for row, line in enumerate(bars(course, rows)):
            text = Text()
            if row == rows - 1:
                text = Text.assemble(
                    ("▸ " if here else "  ", self.mark_style),
                    (f"level {level + 1}", self.style("foreground" if here else "dim", bold=here)),
                    (f"{formatting.percent(at):>6} ", self.style(self._color(at))),
                )
            text = pad(text, LABEL)
            for x, char in enumerate(line):
                if x == self._cursor and char == " ":
                    text.append("│", self.style("dim"))
                else:
                    style = self.style(self._color(course[x]))
                    text.append(char, style + self.style("foreground") if x == self._cursor else style)
            found.append(text)
        return found

    def _when(self) -> Text:
        first, last = self._span()
        width = self._width()
        an_epoch = max(1, self._state.prepared.steps_per_epoch if self._state.prepared else 1)

        def epoch(step: float) -> str:
            return f"epoch {max(1, math.ceil(step / an_epoch))}"

        left, right = epoch(first), epoch(last)
        if self._cursor is not None:
            at = first + self._cursor / max(1, width - 1) * (last - first)
            right = f"at {epoch(at)} of {right.removeprefix('epoch ')}"
        return Text(" " * LABEL + left + " " * max(1, width - len(left) - len(right)) + right, self.style("dim"))

    def _histogram(self, rows: int) -> list[Text]:
        dim = self.style("dim")
        counted = self._state.codes
        if counted is None or self.level >= len(counted.counts):
            return [Text(), *self._wrapped("How often each code was used has not been counted yet.")]
        counts = counted.counts[self.level]
        total, used = sum(counts), sum(count > 0 for count in counts)
        heaviest = sum(sorted(counts, reverse=True)[: max(1, len(counts) // 10)])
        title = joined(
            [
                Text.assemble((f"level {self.level + 1}", self.style("foreground", bold=True))),
                Text.assemble((f"  {used:,} of {len(counts):,} codes used", self.style("foreground"))),
                Text.assemble(
                    (f" · 10 % of the codes carry {100 * heaviest / total:.0f} % of the use" if total else "", dim)
                ),
                Text.assemble((f" · epoch {counted.epoch}", dim)),
                Text.assemble((", held-out sound", dim)),
            ],
            self.size.width,
            0,
        )
        most = max(counts, default=0) or 1
        columns = binned(sorted(counts, reverse=True) if self._sorted else counts, self.size.width - 8)
        shares = [count / most if count else math.nan for count in columns]
        found = [Text(), title]
        height = rows - len(found) - (1 if rows > 5 else 0)
        if height < 1:
            return found[:rows]
        for row, line in enumerate(bars(shares, height)):
            label = formatting.short_count(most) if row == 0 else "0" if row == height - 1 else ""
            text = Text(f"{label:>6} ", dim)
            text.append(line, self.style("series-train"))
            found.append(text)
        if rows > 5:
            last = f"code {len(counts) - 1:,}" if not self._sorted else "least used"
            begin = "code 0" if not self._sorted else "most used"
            found.append(Text(" " * 7 + begin + " " * max(1, len(columns) - len(begin) - len(last)) + last, dim))
        return found
