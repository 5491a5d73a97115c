"""The Training screen: one run, watched and steered."""

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.reporting.notes import unseen_warnings
from distill_tui.reporting.verdicts import has_codebooks
from distill_tui.runs.events import WarningRaised
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.seen_warnings import mark_seen, seen_until
from distill_tui.runs.state import RunState
from distill_tui.runs.worker_log import has_log, log_lines
from distill_tui.ui import messages as m
from distill_tui.ui.screens.run_screen import STEERING, UNDO, SteeringScreen
from distill_tui.ui.screens.training.event_log import EventLog
from distill_tui.ui.screens.training.machine import MachinePanel
from distill_tui.ui.screens.training.previews import PreviewsView
from distill_tui.ui.screens.training.view_tabs import VIEWS, ViewTabs
from distill_tui.ui.screens.training.views import Views
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.health import HealthNote, HealthTable
from distill_tui.ui.widgets.knobs import Knobs
from distill_tui.ui.widgets.losses import LOSSES, LossCurves
from distill_tui.ui.widgets.notes import Notes
from distill_tui.ui.widgets.status import StatusHead

CHART_REPAINTS = 4
"""The large chart costs 60 ms to draw: it is drawn at every so many repaints only."""

EMPTY = """No run yet.

Press 1 to choose a folder of sounds and start training.
Without sounds at hand:  distill-tui demo"""


class TrainingScreen(SteeringScreen):
    """One run: its losses, codebooks, knobs and previews."""

    CSS_PATH = "training.tcss"
    MODE = "training"
    TITLE_TEXT = "Training"
    HELP_TEXT = (
        "One run as it trains. The run has a process of its own: leaving the app leaves it going. "
        "Losses are drawn against steps, each with its least and greatest, on a logarithmic scale once they fall far. "
        "In the table, 'used' is the share of codes in use, 'perplex' (perplexity) how many are used evenly, "
        "'dead' those unused, "
        "'churn' the share of codes replaced in a step. "
        "Knobs show what is wanted, what is applied, and since which step."
    )
    AUTO_FOCUS = "Knobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        *STEERING,
        Binding("k", "checkpoint", "Checkpoint", id="training.checkpoint", tooltip="Save a checkpoint now"),
        Binding("p", "preview", "Preview", id="training.preview", tooltip="Make a preview now"),
        UNDO,
        Binding("w", "log", "Log", id="training.log", tooltip="What the worker printed: worker.log"),
        Binding("r", "app.runs", "Runs", id="app.runs", tooltip="List the runs; enter watches one"),
        Binding("v", "next_view", "View", id="training.view", tooltip="The next view: chart, codebooks, previews"),
        Binding("a", "seen", "Seen", show=False, id="training.seen", tooltip="The warnings were seen"),
        Binding(
            "f2,escape",
            "view('overview')",
            "Overview",
            show=False,
            id="training.overview",
            tooltip="Back to the overview",
        ),
        Binding("f3", "view('chart')", "Chart", show=False, id="training.chart", tooltip="The chart"),
        Binding("f4", "view('codebooks')", "Codebooks", show=False, id="training.codebooks", tooltip="The codebooks"),
        Binding("f5", "view('previews')", "Previews", show=False, id="training.previews", tooltip="The previews"),
    ]

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._repaints = 0
        self._seen = 0
        self._unseen = 0
        self._warned_live = False
        self._lent = False
        self.view = "overview"

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        yield Static(EMPTY, id="empty", markup=False)
        with Vertical(id="desk"):
            yield StatusHead(id="status")
            yield ViewTabs(id="tabs")
            with Horizontal(id="panes"):
                with Vertical(id="left"):
                    yield LossCurves(id="losses")
                    yield Vertical(id="charts")
                    yield Knobs(id="knobs")
                with Vertical(id="right"):
                    yield HealthTable(id="health")
                    yield HealthNote(id="health-note")
                    yield MachinePanel(id="machine")
                    yield Notes(id="notes")
                    yield EventLog(id="events")
            yield Views(self._home, id="views")
        yield self.footer()

    # what the follower says

    def begin(self, run: RunFolder) -> None:
        self._seen, self._unseen = seen_until(run), 0
        self.query_one(EventLog).clear()
        self.query_one(StatusHead).show_reading(0.0)

    @on(m.LogRead)
    def _log_read(self, message: m.LogRead) -> None:
        if message.run == self.run_folder:
            self.query_one(StatusHead).show_reading(message.share)

    @on(m.EventsReceived)
    def _events(self, message: m.EventsReceived) -> None:
        if message.run == self.run_folder:
            self.query_one(EventLog).add(message.events)
            # the state that holds them comes right behind
            self._warned_live = message.live and any(isinstance(event, WarningRaised) for event in message.events)

    def take(self, state: RunState) -> None:
        super().take(state)
        self._count_warnings(self._warned_live)
        self._warned_live = False

    # painting

    def _repaint(self, at_once: bool = True) -> None:
        """Show the state; large views wait a little with new numbers unless it has to be `at_once`."""
        run = self.run_folder
        if run is None or not self.is_mounted:
            return
        self._dirty = False
        hints = self._hints()
        self.set_class(self.state.state in ("failed", "crashed"), "-failed")
        self.set_class(not self.state.series, "-blank")
        self.set_class(not has_codebooks(self.state), "-no-codes")
        self.bar.show(self.state.name)
        self.query_one(StatusHead).show(self.state, self.pending(), self._unseen)
        self.query_one(ViewTabs).show(
            self.view, hints.get("training.view", "v"), hints.get("training.seen", "a"), self._unseen
        )
        if self.view != "overview":
            self._dirty = not self.query_one(Views).show(run, self.state, at_once)
            self.refresh_bindings()
            return
        self.query_one(LossCurves).show(self.state)
        self.query_one(HealthTable).show(self.state)
        self.query_one(HealthNote).show(self.state, self._recipe.train.quantizer_warmup_fraction)
        ended = "knobs" if self.state.is_active or not self.is_tunable else "when it goes on"
        self.query_one(Knobs).show(self.knobs(), self.state.is_active or self.is_tunable, ended)
        self.query_one(Notes).show(run, self.state, hints, self._seen)
        if self.focused is None:
            self.call_after_refresh(self._focus_again)
        self._repaint_large(run)
        self.refresh_bindings()

    def _repaint_large(self, run: RunFolder) -> None:
        """What only a large terminal has room for: the charts, and the newest preview."""
        if not (self.has_class("-huge") and self.has_class("-high")):
            return
        charts = self.query_one("#charts")
        if not charts.children:
            # plotext is imported by those who have room for it
            from distill_tui.ui.screens.training.chart import LossChart

            charts.mount(
                LossChart((LOSSES[2], LOSSES[0], LOSSES[1]), "train, validation and reconstruction loss", id="chart"),
                LossChart(LOSSES[3:], "commitment loss", id="chart-commit"),
            )
            glimpse = PreviewsView(id="glimpse")
            glimpse.can_focus = False
            self.query_one("#right").mount(glimpse)
            self._dirty = True
            return
        self.query_one("#glimpse", PreviewsView).show(run, self.state)
        if self._repaints % CHART_REPAINTS == 0 or not self.state.is_active:
            for chart in charts.children:
                chart.show(self.state)  # type: ignore[attr-defined]
        self._repaints += 1

    def on_resize(self) -> None:
        self._dirty, self._repaints = True, 0
        self.call_after_refresh(self._focus_again)

    def _focus_again(self) -> None:
        # a small terminal hides the knobs, and what is hidden loses the focus; how a run failed is read there instead
        knobs, notes = self.query_one(Knobs), self.query_one(Notes)
        if self.run_folder is None or self.view != "overview":
            return
        if knobs.focusable and (self.focused is None or self._lent):
            self._lent = False
            knobs.focus()
        elif self.focused is None and notes.display:
            self._lent = True
            notes.focus()

    def _hints(self) -> dict[str, str]:
        """The keys as they are bound now, by the ids of their actions."""
        return {
            active.binding.id: self.app.get_key_display(active.binding)
            for active in self.active_bindings.values()
            if active.binding.id
        }

    # views and warnings

    def help_text(self) -> str:
        view = self.query_one(Views).here
        return self.HELP_TEXT if view is None else view.HELP_TEXT

    def action_view(self, name: str) -> None:
        """Show the overview or one of the views."""
        if self.run_folder is None:
            return
        self.view = name
        views = self.query_one(Views)
        self.query_one("#panes").display = name == "overview"
        views.display = name != "overview"
        if name == "overview":
            views.leave()
            self.query_one(Knobs).focus()
        else:
            views.go(name)
        self._repaint()

    def action_next_view(self) -> None:
        names = [name for name, _ in VIEWS]
        self.action_view(names[(names.index(self.view) + 1) % len(names)])

    def _count_warnings(self, live: bool) -> None:
        before, self._unseen = self._unseen, unseen_warnings(self.state, self._seen)
        if self.run_folder is not None and (self._unseen != before or live):
            self.post_message(m.WarningsWaited(self.run_folder, self._unseen, live))

    def action_seen(self) -> None:
        run = self.run_folder
        assert run is not None

        begin(self, "seen", self._see, run)

    async def _see(self, run: RunFolder) -> None:
        try:
            seen = await asyncio.to_thread(mark_seen, run, self.state)
        except DistillError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return
        if run == self.run_folder:
            self._seen = seen
            self._count_warnings(live=False)
            self._repaint()

    def action_log(self) -> None:
        from distill_tui.ui.dialogs.log import LogDialog

        assert self.run_folder is not None
        self.app.push_screen(LogDialog(self.run_folder.worker_log, log_lines(self.run_folder)))

    # wishes

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which wishes make sense now; the footer and the palette show those."""
        if action in ("checkpoint", "preview"):
            return self.is_steerable
        if action == "seen":
            return self._unseen > 0
        if action == "log":
            return self.run_folder is not None and has_log(self.run_folder)
        if action in ("view", "next_view"):
            return self.run_folder is not None and (action != "view" or parameters != (self.view,))
        return super().check_action(action, parameters)

    def action_checkpoint(self) -> None:
        self._wish("Asked for a checkpoint.", checkpoint=lambda count: count + 1)

    def action_preview(self) -> None:
        self._wish("Asked for a preview.", preview=lambda count: count + 1)
