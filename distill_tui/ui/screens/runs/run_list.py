"""The list of runs: a row for each with its state, the course of its validation loss, quality, device and time."""

import math
import time
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from distill_tui.reporting import formatting
from distill_tui.reporting.formatting import MISSING
from distill_tui.reporting.run_list import RunEntry
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.filtered_list import FilteredList
from distill_tui.ui.widgets.status import MARKS
from distill_tui.ui.widgets.table import ListColumn, RowTable

COURSE = 10
"""Cells of a course: two values a cell or more become their mean."""
COLUMNS = (
    ListColumn("name", rank=0, most=32),
    ListColumn("state", rank=1),
    ListColumn("val", rank=2, right=True),
    ListColumn("course", rank=4),
    ListColumn("quality", rank=3, most=40, least=8),
    ListColumn("epoch", rank=9, right=True),
    ListColumn("device", rank=8),
    ListColumn("took", rank=6, right=True),
    ListColumn("started", rank=5),
    ListColumn("tags", rank=10, most=24, least=6),
    ListColumn("model", rank=12, most=24),
    ListColumn("note", rank=11, most=80, least=10),
)


class RunTable(RowTable):
    """Rows of runs: enter opens the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "pick", "Watch", show=False, id="runs.open", tooltip="Watch the chosen run on the Training screen"
        ),
    ]


class RunRows(FilteredList[RunEntry]):
    """Runs, the newest first."""

    SORTS = ("started", "name", "val", "quality", "took", "state")
    PLACEHOLDER = "filter by name, state, tag or note"

    def columns(self) -> tuple[ListColumn, ...]:
        return COLUMNS

    def cells(self, item: RunEntry) -> tuple[str, ...]:
        mark, _ = MARKS.get(item.state, ("?", ""))
        return (
            item.name,
            f"{mark} {item.state_text}",
            item.val_text,
            course(item),
            item.quality_text,
            item.epoch or MISSING,
            item.device,
            formatting.duration(item.seconds) if item.started else MISSING,
            _day(item.started),
            " ".join(item.tags),
            item.model,
            item.note.split("\n")[0],
        )

    def cell_colors(self, item: RunEntry) -> tuple[str, ...]:
        state = MARKS.get(item.state, ("?", ""))[1]
        quality = "warning" if item.words else "success" if item.percent is not None else ""
        return ("", state, "foreground", "series-val", quality, *[""] * 4, "accent", "", "")

    def searched(self, item: RunEntry) -> str:
        return item.searched

    def sort_key(self, item: RunEntry, by: str) -> Any:
        newest = [-ord(letter) for letter in item.id]
        match by:
            case "name":
                return item.name.lower(), newest
            case "val":
                # bits of priors and losses of codecs are not of one kind
                return item.is_prior, math.inf if item.val is None else item.val, newest
            case "quality":
                return -math.inf if item.percent is None else -item.percent, newest
            case "took":
                return -item.seconds, newest
            case "state":
                return list(MARKS).index(item.state) if item.state in MARKS else len(MARKS), newest
        return -(item.started or math.inf), newest


def _day(moment: float) -> str:
    """`11-27 17:12`, of another year `2025-11-27`; `-` before a run has started."""
    text = formatting.day(moment) if moment else MISSING
    return text[5:] if text[:4] == formatting.day(time.time())[:4] else text[:10]


def course(entry: RunEntry) -> str:
    """The course of a run's validation loss in at most COURSE characters: from its highest to its lowest."""
    values = [math.nan if value is None else value for value in entry.course]
    if len(values) < 2:
        return ""
    width = min(COURSE, len(values))
    thinned = [values[i * len(values) // width] for i in range(width - 1)] + [values[-1]]
    finite = [value for value in thinned if math.isfinite(value)]
    if not finite:
        return ""
    low, span = min(finite), (max(finite) - min(finite)) or 1.0
    return blocks([(value - low) / span for value in thinned])
