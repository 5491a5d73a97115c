"""The runs: each with its state and how far it is; enter watches one."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.state import RunState
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.status import MARKS
from distill_tui.ui.widgets.table import Column, Row, RowTable

MOST_RUNS = 500
AT_ONCE = 20
"""The newest, which are shown while the others are still looked at."""

HERE = "•"


class RunsDialog(Dialog[RunFolder | None]):
    """A list of the runs, the newest first; the one that is watched is marked."""

    DEFAULT_CSS = "RunsDialog RowTable { max-height: 24; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,r", "cancel", "Back", id="dialog.cancel")]

    def __init__(self, home: Home, current: RunFolder | None) -> None:
        super().__init__("Runs", "enter  watch it     esc  back", "wide")
        self._home, self._current = home, current
        self._runs: dict[str, RunFolder] = {}
        self._states: list[tuple[RunFolder, RunState]] = []

    def body(self) -> Iterable[Widget]:
        return (RowTable(),)

    def on_mount(self) -> None:
        self.query_one(RowTable).focus()
        begin(self, "glance", self._look)

    async def _look(self) -> None:
        runs = await asyncio.to_thread(list_runs, self._home)
        self._runs = {run.id: run for run in runs[:MOST_RUNS]}
        if not runs:
            self.show_heading("No runs yet: start one on the Config screen")
        for part in (runs[:AT_ONCE], runs[AT_ONCE:MOST_RUNS]):
            if part:
                self._states += await asyncio.to_thread(lambda these: [(run, quick_state(run)) for run in these], part)
                self._fill()

    def on_resize(self) -> None:
        self._fill()

    def _fill(self) -> None:
        if not self._states:
            return
        titles = ["name", "state", "epoch", "val loss", "started"][: 2 if self.has_class("-narrow") else None]
        rows = self.query_one(RowTable)
        here = self._current.id if self._current is not None else ""
        columns = [Column(title, title == "val loss") for title in titles]
        rows.fill(columns, [_row(run, state, len(titles)) for run, state in self._states], None if rows.keys else here)
        rows.mark({here: HERE})

    @on(RowTable.Picked)
    def _picked(self, message: RowTable.Picked) -> None:
        self.dismiss(self._runs[message.key])


def _row(run: RunFolder, state: RunState, cells: int) -> Row:
    mark, color = MARKS.get(state.state, ("?", "dim"))
    started = formatting.day(state.started_at) if state.started_at else formatting.MISSING
    facts = (
        state.name,
        f"{mark} {state.state}",
        state.epoch_text,
        formatting.number(state.numbers.get("loss/val")),
        started,
    )
    return Row(run.id, facts[:cells], "error" if color == "error" else "text")
