"""The list of models: filtered, sorted, and up to two of them marked to be compared."""

import math
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from distill_tui.library.index import Entry
from distill_tui.reporting import code_bits, formatting, sound_quality
from distill_tui.ui.widgets.table import Column, Row, RowTable

SORTS = ("created", "name", "distance", "kbps", "parameters")
LETTERS = ("a", "b")
"""Marks of the two models to compare."""


class ModelList(Vertical):
    """A table of models under a filter that is hidden until it is asked for."""

    @dataclass
    class Filled(Message):
        """The rows were made anew: so many of all models are shown."""

        shown: int
        total: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._filter = Input(placeholder="filter by name or run", compact=True, id="filter")
        self._filter.cursor_blink = False
        self._table = RowTable(id="models")
        self._entries: dict[str, Entry] = {}
        self._marked: list[str] = []
        self._sort = 0

    def compose(self) -> ComposeResult:
        self._filter.display = False
        yield self._filter
        yield self._table

    def on_resize(self) -> None:
        if self._entries:
            self._fill()

    def show(self, entries: list[Entry], choose: str | None = None) -> None:
        """List these models; `choose` is the path of the one that the cursor goes to."""
        self._entries = {str(entry.path): entry for entry in entries}
        self._marked = [path for path in self._marked if path in self._entries]
        self._fill(choose)

    @property
    def is_empty(self) -> bool:
        """True if the library holds no model."""
        return not self._entries

    @property
    def paths(self) -> list[str]:
        """The paths of the models that are listed, in order."""
        return self._table.keys

    @property
    def chosen(self) -> Entry | None:
        """The entry under the cursor."""
        return self._entries.get(self._table.chosen or "")

    @property
    def has_marks(self) -> bool:
        """True if a model is marked."""
        return bool(self._marked)

    def pair(self) -> list[Entry]:
        """The two models to compare: those that are marked, or one of them and the chosen one."""
        here = self._table.chosen
        return [self._entries[path] for path in dict.fromkeys([*self._marked, *([here] if here else [])])][:2]

    def _fill(self, choose: str | None = None) -> None:
        measure = sound_quality.common_measure([_distances(entry) for entry in self._entries.values()])
        titles = ["name", "created", "kbps", measure, "parameters"]
        if self.screen.has_class("-narrow"):
            titles = ["name", measure]
        sort = SORTS[self._sort].replace("distance", measure)
        columns = [Column(title + " ↓" * (title == sort), title not in ("name", "created")) for title in titles]
        wanted = self._filter.value.lower()
        shown = [entry for entry in self._entries.values() if wanted in _searched(entry)]
        shown.sort(key=lambda entry: _sort_key(entry, sort))
        clock = self.screen.has_class("-huge")
        self._table.fill(columns, [model_row(entry, titles, clock) for entry in shown], choose)
        self._show_marks()
        self.post_message(self.Filled(len(shown), len(self._entries)))

    def _show_marks(self) -> None:
        self._table.mark(dict(zip(self._marked, LETTERS, strict=False)))

    # what the keys do

    def focus_list(self) -> None:
        """Move the focus to the table, after keys that act on it while the card was scrolled."""
        self._table.focus()

    def open_filter(self) -> None:
        self._filter.display = True
        self._filter.focus()

    @on(Input.Changed, "#filter")
    def _filtered(self) -> None:
        self._fill()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.focus_list()

    def clear_filter(self) -> None:
        self._filter.value = ""
        self._filter.display = False
        self.focus_list()

    def sort_by_next(self) -> None:
        self.focus_list()
        self._sort = (self._sort + 1) % len(SORTS)
        self._fill()

    def toggle_mark(self) -> None:
        """Mark the chosen model, in place of the older of two marks; or take its mark away."""
        self.focus_list()
        path = self._table.chosen
        if path is None:
            return
        if path in self._marked:
            self._marked.remove(path)
        else:
            self._marked = [*self._marked[-1:], path]
        self._show_marks()


def model_row(entry: Entry, titles: list[str], clock: bool = False) -> Row:
    """A model as a row with these columns; `created` with the time of day where there is room (`clock`)."""
    summary = entry.summary
    if summary is None:
        cells = {"name": entry.name, "created": "damaged"}
    else:
        cells = {
            "name": entry.name,
            "created": formatting.local_day(entry.created)[: None if clock else 10],
            "kbps": f"{summary.kbps:.2f}" if summary.kbps else formatting.MISSING,
            **{key: _distance_text(entry, key) for key in ("distance", "mel") if key in titles},
            "parameters": formatting.short_count(summary.parameters),
        }
    values = tuple(cells.get(title, formatting.MISSING) for title in titles)
    return Row(str(entry.path), values, "text" if summary else "error")


def _distances(entry: Entry) -> sound_quality.Numbers:
    return {} if entry.summary is None else sound_quality.of_model(entry.summary)


def _distance_text(entry: Entry, measure: str) -> str:
    if entry.summary is not None and (bits := code_bits.listed(entry.summary)):
        return bits
    return sound_quality.value_text(measure, sound_quality.listed(_distances(entry), measure))


def _searched(entry: Entry) -> str:
    return f"{entry.name} {entry.summary.run if entry.summary else ''}".lower()


def _sort_key(entry: Entry, by: str) -> Any:
    if by == "name":
        return entry.name.lower()
    if by == "created":
        # the newest first: the ISO form backwards
        return [-ord(c) for c in entry.created]
    summary, value = entry.summary, None
    if summary is not None:
        known = {"kbps": summary.kbps, "parameters": summary.parameters}
        value = known[by] if by in known else sound_quality.listed(_distances(entry), by)
    return math.inf if value is None else value
