"""The Runs screen: every run of this home, the chosen one's card, and what can be done with it."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.timer import Timer
from textual.widgets import Static

from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.reporting.notes import can_resume
from distill_tui.reporting.run_list import RunEntry, RunList, entry_of
from distill_tui.runs.annotations import annotation_of
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.state import RunState
from distill_tui.ui import messages as m
from distill_tui.ui.command_palette import keys_by_id
from distill_tui.ui.run_store import RunStore
from distill_tui.ui.screens.base import BaseScreen, RunWanted
from distill_tui.ui.screens.runs.actions import KEYS, NO_RUN, RunActions
from distill_tui.ui.screens.runs.run_card import RunCard, RunDetails, look_at_run, settings_of
from distill_tui.ui.screens.runs.run_list import RunRows, RunTable
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.empty_note import EmptyNote
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.panel import framed
from distill_tui.ui.widgets.table import RowTable

PAGE = 32
"""Runs that are looked at before the list is shown again."""
POLL_SECONDS = 2.0
"""How often the folder of runs is asked for new ones."""
FULL_POLLS = 8
"""Every so many polls, runs that had ended are asked too: another program may have resumed one."""
PAINT_SECONDS = 2.0
"""How often the numbers of active runs are shown anew."""
REST_SECONDS = 0.12
"""Delay before a run is looked at, so that moving through the list reads none on the way."""
EMPTY = """No runs yet.

Press 1 to choose a folder of sounds and train.
Without sounds at hand:  distill-tui demo
X restores a deleted run."""


class Follower(Static):
    """Receives what is new of the active runs; being no screen, it makes the app ring no bell for them."""

    DEFAULT_CSS = "Follower { display: none; }"

    def __init__(self, runs: RunStore) -> None:
        super().__init__()
        self._store = runs
        self.states: dict[RunFolder, RunState] = {}
        self.changed: set[RunFolder] = set()

    def follow(self, runs: Sequence[RunFolder]) -> None:
        """Follow these and no others."""
        for run in [run for run in self.states if run not in runs]:
            self._store.leave(run, self)
            del self.states[run]
            self.changed.discard(run)
        for run in runs:
            if run not in self.states:
                self.states[run] = self._store.watch(run, self).state

    @on(m.MetricsReceived)
    @on(m.RunStateChanged)
    def _changed(self, message: m.MetricsReceived | m.RunStateChanged) -> None:
        if message.run in self.states:
            self.states[message.run] = message.state
            self.changed.add(message.run)


class RunsScreen(BaseScreen):
    """The runs of this home."""

    CSS_PATH = "runs.tcss"
    MODE = "runs"
    TITLE_TEXT = "Runs"
    HELP_TEXT = (
        "Every training of this home, the newest first; those that train now are followed. The course is that of the "
        "validation loss since the codebooks were initialised, from its highest to its lowest. Space marks runs: two "
        "are compared, all marked ones are deleted together. A deleted run goes to the trash; its model stays."
    )
    AUTO_FOCUS = "#runs"
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    def __init__(self, home: Home, runs: RunStore) -> None:
        super().__init__()
        self._home = home
        self.rows = RunRows(RunTable(id="runs"), id="runs-list")
        self._follower = Follower(runs)
        self._actions = RunActions(self, home)
        self._known = RunList(home)
        self._entries: dict[str, RunEntry] = {}
        self._details: RunDetails | None = None
        self._folder_stamp = 0
        self._polls = 0
        self._clocks: list[Timer] = []

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        yield EmptyNote(EMPTY, id="empty")
        with Horizontal(id="runs-panes"):
            yield framed(self.rows, "Runs")
            yield framed(VerticalScroll(RunCard(id="run-card"), id="run-pane"), "Run", "recipe")
        yield self._follower
        yield from self.footer()

    def on_mount(self) -> None:
        self._clocks = [
            self.set_interval(POLL_SECONDS, self._poll, pause=True),
            self.set_interval(PAINT_SECONDS, self._paint_active, pause=True),
        ]

    # loading

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        for timer in self._clocks:
            timer.resume()
        self.reload()

    def on_screen_suspend(self) -> None:
        # nothing is followed for a list that nobody sees
        for timer in self._clocks:
            timer.pause()
        self._follower.follow(())

    def reload(self, choose: str | None = None) -> None:
        """Look at the runs again; `choose` is the id of the one to choose."""
        begin(self, "list", self._reload, choose)

    async def _reload(self, choose: str | None) -> None:
        runs = await asyncio.to_thread(list_runs, self._home)
        found = await asyncio.to_thread(self._known.find, runs)
        there = {run.id for run in runs}
        known = {id: entry for id, entry in self._entries.items() if id in there}
        self._entries = known | {entry.id: entry for entry in found.entries}
        self.set_class(not runs, "-empty")
        self._show(choose)
        for start in range(0, len(found.unknown), PAGE):
            page = found.unknown[start : start + PAGE]
            entries = await asyncio.to_thread(lambda these: [self._known.look(run) for run in these], page)
            self._entries |= {entry.id: entry for entry in entries}
            self._show(choose)
        await asyncio.to_thread(self._known.save, runs)
        if self.is_current:
            active = [run for run in runs if run.id in self._entries and not self._entries[run.id].is_ended]
            self._follower.follow(active)
        self._show_card()

    def _show(self, choose: str | None = None) -> None:
        self.rows.show(self._entries, choose)
        self.refresh_bindings()

    async def _poll(self) -> None:
        """Reload when a run came or went; now and then in any case."""
        self._polls += 1
        stamp = await asyncio.to_thread(self._stamp)
        if stamp != self._folder_stamp or self._polls % FULL_POLLS == 0:
            self._folder_stamp = stamp
            self.reload()

    def _stamp(self) -> int:
        try:
            return self._home.runs.stat().st_mtime_ns
        except OSError:
            return 0

    async def _paint_active(self) -> None:
        """Show the newest numbers of the runs that are followed."""
        changed, self._follower.changed = self._follower.changed, set()
        for run in changed:
            given = await asyncio.to_thread(annotation_of, run)
            state = self._follower.states.get(run)
            if state is not None:
                self._entries[run.id] = entry_of(run, state, given)
        if changed:
            self._show()
            self._show_card()

    # showing

    def on_filtered_list_filled(self, message: RunRows.Filled) -> None:
        of = f"{message.shown:,} of " if message.shown != message.total else ""
        active = sum(not entry.is_ended for entry in self._entries.values())
        text = of + formatting.plural(message.total, "run") + (f", {active} active" if active else "")
        self.bar.show(text if message.total else "")

    @on(RowTable.Highlighted)
    def _highlighted(self) -> None:
        self.refresh_bindings()
        self._show_card()

    def _show_card(self) -> None:
        """Show the chosen run's card; one that is not known yet after a moment, in which the cursor may move on."""
        entry = self.rows.chosen
        details = self._details
        if entry is None:
            self.query_one(RunCard).show(None, None)
        elif details is not None and details.run.id == entry.id and entry.is_ended == (not details.state.is_active):
            self.query_one(RunCard).show(entry, details, self._note_keys)
        elif self.query_one("#run-pane").display:
            begin(self, "card", self._look, RunFolder(self._home.runs / entry.id))

    @property
    def _note_keys(self) -> dict[str, str]:
        keys = keys_by_id(self)
        # a run that has ended is resumed here; its log is on the Training screen
        return {**keys, "training.resume": keys.get("runs.resume", "R"), "training.log": "2, then L,"}

    async def _look(self, run: RunFolder) -> None:
        await asyncio.sleep(REST_SECONDS)
        followed = self._follower.states.get(run)
        if followed is not None:
            self._details = RunDetails(run, followed, await asyncio.to_thread(settings_of, run))
        else:
            self._details = await self.in_thread(lambda: look_at_run(run))
        entry = self.rows.chosen
        if self._details is not None and entry is not None and entry.id == run.id:
            self.query_one("#run-pane").scroll_home(animate=False)
            self.query_one(RunCard).show(entry, self._details, self._note_keys)

    # keys

    def copyable(self) -> str:
        """The folder of the chosen run."""
        entry = self.rows.chosen if self.is_mounted else None
        return str(self._home.runs / entry.id) if entry is not None else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("filter", "sort"):
            return not self.rows.is_empty
        if action == "clear":
            return self.rows.is_filtered or self.rows.has_marks
        if action == "compare":
            return self.rows.has_marks
        if action == "mark" or (action == "act" and parameters[0] not in NO_RUN):
            entry = self.rows.chosen if self.is_mounted else None
            if entry is None:
                return False
            if parameters == ("stop",):
                return entry.state in ("running", "paused", "starting")
            if parameters == ("resume",):
                return can_resume(RunState(state=entry.state))
            return True
        return super().check_action(action, parameters)

    @on(RowTable.Picked)
    def _picked(self, message: RowTable.Picked) -> None:
        self.post_message(RunWanted(RunFolder(self._home.runs / message.key)))

    def action_act(self, name: str) -> None:
        """Do one of the `RunActions`."""
        getattr(self._actions, name)()

    def action_filter(self) -> None:
        self.rows.open_filter()
        self.refresh_bindings()

    def action_clear(self) -> None:
        self.rows.clear_marks()
        self.rows.clear_filter()
        self.refresh_bindings()

    def action_sort(self) -> None:
        self.rows.sort_by_next()

    def action_mark(self) -> None:
        self.rows.toggle_mark()
        self.refresh_bindings()

    def action_compare(self) -> None:
        pair = self.rows.pair()
        if len(pair) < 2:
            self.notify("Mark two runs with space, or go to the second one.", markup=False)
        else:
            begin(self, "compare", self._compare, [RunFolder(self._home.runs / entry.id) for entry in pair])

    async def _compare(self, runs: list[RunFolder]) -> None:
        from distill_tui.ui.screens.runs.compare_dialog import CompareRunsDialog, side_of

        sides = await self.in_thread(lambda: [side_of(run) for run in runs])
        if sides is not None:
            self.app.push_screen(CompareRunsDialog(sides[0], sides[1]))
