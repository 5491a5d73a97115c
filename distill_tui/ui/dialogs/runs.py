"""The runs: each with its state and how far it is; enter watches one."""

import asyncio
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from distill_tui.files import printable
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.log import LogReader, tail_events
from distill_tui.runs.state import RunState
from distill_tui.ui import words
from distill_tui.ui.widgets.painted import theme_style
from distill_tui.ui.widgets.status import MARKS

MOST_RUNS = 500
HEAD_BYTES = 16384


def glance(run: RunFolder) -> RunState:
    """Where a run is, from the beginning and the end of its log alone: fast, however long it is."""
    state = RunState(id=run.id, name=run.id.split("-", 2)[-1])
    head = LogReader(run.events).read_new(HEAD_BYTES)
    seen = head[-1].seq if head else 0
    state.apply_all(head)
    state.apply_all(event for event in tail_events(run.events) if event.seq > seen)
    state.observe(run.is_alive())
    return state


class RunsDialog(ModalScreen[RunFolder | None]):
    """A table of the runs, the newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,r", "cancel", "Back", id="dialog.cancel"),
    ]

    def __init__(self, home: Home, current: RunFolder | None) -> None:
        super().__init__()
        self._home, self._current = home, current
        self._runs: dict[str, RunFolder] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog dialog-wide"):
            yield Static("Runs", classes="dialog-title", markup=False)
            table: DataTable[Text] = DataTable(cursor_type="row", cell_padding=1)
            yield table
            yield Static("enter  watch it     esc  back", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for title in ("", "name", "state", "epoch", "val loss", "started"):
            table.add_column(Text(title, theme_style(self, "dim")), key=title)
        table.focus()
        self.run_worker(self._fill(), exclusive=True)

    async def _fill(self) -> None:
        table: DataTable[Text] = self.query_one(DataTable)
        runs = list_runs(self._home)[:MOST_RUNS]
        if not runs:
            self.query_one(".dialog-title", Static).update("No runs yet: start one on the Config screen")
        for run in runs:
            self._runs[run.id] = run
            state = glance(run)
            mark, color = MARKS.get(state.state, ("?", "dim"))
            val = state.numbers.get("loss/val")
            cells = (
                "▸" if run == self._current else "",
                words.shorten(printable(state.name), 24),
                f"{mark} {state.state}",
                state.epoch_text,
                words.number(val),
                words.day(state.started_at) if state.started_at else words.MISSING,
            )
            styles = ("accent", "foreground", color, "foreground", "foreground", "dim")
            table.add_row(
                *(Text(c, theme_style(self, s)) for c, s in zip(cells, styles, strict=True)),
                key=run.id,
            )
            if run == self._current:
                table.move_cursor(row=table.row_count - 1)
            # a home of many runs must not hold up the keys
            await asyncio.sleep(0)

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        self.dismiss(self._runs[str(event.row_key.value)])

    def action_cancel(self) -> None:
        self.dismiss(None)
