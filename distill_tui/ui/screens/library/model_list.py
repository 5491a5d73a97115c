"""The list of models: filtered, sorted, and up to two of them marked to be compared."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from distill_tui.library.index import Entry
from distill_tui.reporting import code_bits, formatting, model_list, sound_quality
from distill_tui.reporting.formatting import MISSING
from distill_tui.reporting.quality import quality_text
from distill_tui.ui.widgets.filtered_list import FilteredList
from distill_tui.ui.widgets.table import Column, ListColumn, Row, RowTable
from distill_tui.ui.widgets.text_widget import ROLES

MEASURE = 6
"""Place of the column of the held-out distance, whose name depends on what the models have."""
COLUMNS = (
    ListColumn("name", rank=0, most=40),
    ListColumn("kind", rank=3),
    ListColumn("quality", rank=1, most=40, least=8),
    ListColumn("health", rank=2),
    ListColumn("codes", rank=6),
    ListColumn("kbps", rank=7, right=True),
    ListColumn("distance", rank=5, right=True),
    ListColumn("data", rank=8, most=28, least=10),
    ListColumn("created", rank=4),
    ListColumn("tags", rank=10, most=24, least=6),
    ListColumn("parameters", rank=11, right=True),
    ListColumn("note", rank=12, most=80, least=10),
    ListColumn("run", rank=13, most=40, least=10),
)


class ModelTable(RowTable):
    """Rows of models: enter plays the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "pick",
            "Play",
            show=False,
            id="library.play",
            tooltip="Play what the chosen model makes of a sound",
        ),
    ]


class ModelList(FilteredList[Entry]):
    """Models, the newest first."""

    SORTS = ("created", "name", "distance", "quality", "kbps", "parameters")
    PLACEHOLDER = "filter by name, kind, run, tag or note"
    MOST_MARKS = 2

    def __init__(self, *, id: str) -> None:
        super().__init__(ModelTable(id="models"), id=id)
        self._measure = "distance"

    def show(self, items: Mapping[str, Entry], choose: str | None = None) -> None:
        measure = sound_quality.common_measure([_distances(entry) for entry in items.values()])
        if measure != self._measure:
            self._measure, self.titles = measure, {"distance": measure}
            self._texts.clear()
        super().show(items, choose)

    def columns(self) -> tuple[ListColumn, ...]:
        measure = ListColumn(self._measure, rank=COLUMNS[MEASURE].rank, right=True)
        return (*COLUMNS[:MEASURE], measure, *COLUMNS[MEASURE + 1 :])

    def cells(self, item: Entry) -> tuple[str, ...]:
        found = facts(item, self._measure)
        return tuple(found.get(column.title, "") for column in self.columns())

    def cell_colors(self, item: Entry) -> tuple[str, ...]:
        summary = item.summary
        if summary is None:
            return ()
        quality = model_list.heard(summary)
        heard = "" if quality is None else "warning" if quality.words else "success"
        role = model_list.health_text(summary, item.recipe)[1]
        health = "" if role == "plain" else ROLES[role]
        return ("", "", heard, health, *[""] * 5, "accent", "", "", "")

    def searched(self, item: Entry) -> str:
        run = item.summary.run if item.summary else ""
        return " ".join((item.name, item.kind, run, *item.annotation.tags, item.annotation.note)).lower()

    def sort_key(self, item: Entry, by: str) -> Any:
        # the newest first: the ISO form backwards
        newest = [-ord(letter) for letter in item.created]
        summary = item.summary
        if by == "name":
            return item.name.lower(), newest
        if by == "created" or summary is None:
            return (by != "created", newest)
        value: float | None
        if by == "quality":
            quality = model_list.heard(summary)
            value = None if quality is None or quality.percent is None else -quality.percent
        elif by == "distance":
            value = sound_quality.listed(_distances(item), self._measure)
        else:
            value = {"kbps": summary.kbps, "parameters": summary.parameters}[by]
        return (False, math.inf if value is None else value, newest)


def facts(entry: Entry, measure: str) -> Mapping[str, str]:
    """What stands in a model's row, by the titles of the columns; `measure` is the one of the held-out distance."""
    summary, given = entry.summary, entry.annotation
    if summary is None:
        return {"name": entry.name, "kind": "damaged", "created": formatting.local_day(entry.created)[:10]}
    return {
        "name": entry.name,
        "kind": entry.kind,
        "quality": quality_text(model_list.heard(summary)) or MISSING,
        "health": model_list.health_text(summary, entry.recipe)[0],
        "codes": model_list.codes_text(entry.recipe),
        "kbps": f"{summary.kbps:.2f}" if summary.kbps else MISSING,
        measure: _distance_text(entry, measure),
        "data": model_list.data_text(summary, entry.recipe),
        "created": formatting.local_day(entry.created)[:10],
        "tags": " ".join(given.tags),
        "parameters": formatting.short_count(summary.parameters),
        "note": given.note.split("\n")[0],
        "run": summary.run or MISSING,
    }


TRASHED = (Column("name"), Column("kind"), Column("created"))
"""Columns of the models in the trash."""


def trash_row(entry: Entry) -> Row:
    """A model in the trash as a row."""
    found = facts(entry, "distance")
    cells = tuple(found.get(column.title, MISSING) for column in TRASHED)
    return Row(str(entry.path), cells, "text" if entry.summary else "error")


def _distances(entry: Entry) -> sound_quality.Numbers:
    return {} if entry.summary is None else sound_quality.of_model(entry.summary)


def _distance_text(entry: Entry, measure: str) -> str:
    if entry.summary is not None and (bits := code_bits.listed(entry.summary)):
        return bits
    return sound_quality.value_text(measure, sound_quality.listed(_distances(entry), measure))
