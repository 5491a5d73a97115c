"""The Training screen: one run, watched and steered."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import ScreenResume

from distill_tui.paths import Home
from distill_tui.reporting import outlook, quality, sound_quality
from distill_tui.reporting.cost import cost_text
from distill_tui.reporting.notes import unseen_warnings
from distill_tui.reporting.verdicts import has_codebooks
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.seen_warnings import mark_seen, seen_until
from distill_tui.runs.worker_log import has_log, log_lines
from distill_tui.settings import Settings
from distill_tui.ui import messages as m
from distill_tui.ui.command_palette import keys_by_id
from distill_tui.ui.repaint import RepaintScheduler
from distill_tui.ui.run_store import RunStore
from distill_tui.ui.screens.base import DEMO_KEY, BaseScreen
from distill_tui.ui.screens.run_controller import REQUEST_KEYS, UNDO, RunController
from distill_tui.ui.screens.training.event_log import EventLog
from distill_tui.ui.screens.training.overview import Overview
from distill_tui.ui.screens.training.view_tabs import VIEWS, ViewTabs
from distill_tui.ui.screens.training.views import Views
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.empty_note import EmptyNote
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.knobs import Knobs
from distill_tui.ui.widgets.status import StatusHead

NUMBERS_SECONDS, DESK_SECONDS, VIEW_SECONDS = 0.5, 2.0, 3.0
"""How often new metrics repaint the overview's numbers, what only a large terminal shows, and a view."""

EMPTY = """No run yet.

Press 1 to choose a folder of sounds and start training.
Without sounds at hand:  d runs the demo."""


class TrainingScreen(BaseScreen):
    """One run: its losses, codebooks, knobs and previews."""

    CSS_PATH = "training.tcss"
    MODE = "training"
    TITLE_TEXT = "Training"
    HELP_TEXT = (
        "One run as it trains, in a process of its own: it goes on when you leave the app. "
        "Losses are drawn over steps, with the minimum and maximum of each point, on a log scale once they span much. "
        "Faint curves, up to the dotted line, are the warm-up without a quantizer; the percentage is the change of the "
        "last minute. In the table, 'used' is the share of codes in use, 'perplexity' how many would do if all were "
        "used evenly, 'dead' those unused, 'churn' the share of codes replaced in a step. "
        "Live settings show what is set, what is active, and since which step. "
        + sound_quality.HELP
        + " "
        + quality.HELP
    )
    AUTO_FOCUS = "Knobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        *REQUEST_KEYS,
        DEMO_KEY,
        Binding("k", "request('checkpoint')", "Checkpoint", id="training.checkpoint", tooltip="Save a checkpoint now"),
        Binding("p", "request('preview')", "Preview", id="training.preview", tooltip="Make a preview now"),
        UNDO,
        Binding("L", "log", "Log", id="training.log", tooltip="What the worker printed: worker.log"),
        Binding("r", "app.go('runs')", "Runs", id="app.runs", tooltip="List the runs; enter watches one"),
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

    def __init__(self, home: Home, runs: RunStore, settings: Settings) -> None:
        super().__init__()
        self._home, self._runs, self._settings = home, runs, settings
        self.painter = RepaintScheduler(self)
        self.painter.add("numbers", self._paint_numbers, NUMBERS_SECONDS)
        # half of the work: a key that comes meanwhile waits for one of the halves only
        self.painter.add(
            "curves",
            lambda: self.query_one(Overview).show_curves(),
            NUMBERS_SECONDS,
            is_shown=lambda: self.view == "overview",
        )
        self.painter.add(
            "desk",
            lambda: self.query_one(Overview).show_desk(),
            DESK_SECONDS,
            is_shown=lambda: self.view == "overview" and self.has_class("-huge") and self.has_class("-high"),
        )
        self.painter.add("view", self._paint_view, VIEW_SECONDS, is_shown=lambda: self.view != "overview")
        self.controller = RunController(self, home, runs, lambda: self.painter.repaint("numbers"))
        self.view = "overview"
        self._seen = 0
        self._unseen = 0

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        yield EmptyNote(EMPTY, id="empty")
        with Vertical(id="desk"):
            yield StatusHead(id="status")
            yield ViewTabs(id="tabs")
            yield Overview(self.controller, id="panes")
            yield Views(self._home, self._runs, lambda: self.painter.mark("view"), id="views")
        yield from self.footer()

    def on_mount(self) -> None:
        self.set_class(self.controller.run is None, "-empty")
        # its panels are composed by then, which its first messages are for
        self.call_after_refresh(self.controller.start)

    def on_key(self) -> None:
        self.painter.key_pressed()

    def on_resize(self) -> None:
        # its classes of size come after this
        self.call_after_refresh(self.painter.mark)
        self.call_after_refresh(self._settle_overview)

    # messages about the run

    @on(m.RunChosen)
    def _run_chosen(self, message: m.RunChosen) -> None:
        self.set_class(False, "-empty")
        self._seen, self._unseen = seen_until(message.run), 0
        # none of them is there while the app leaves
        for log in self.query(EventLog):
            log.clear()
        for head in self.query(StatusHead):
            head.show_reading(0.0)
        self.refresh_bindings()

    @on(m.LogRead)
    def _log_read(self, message: m.LogRead) -> None:
        for head in self.query(StatusHead):
            head.show_reading(message.share)

    @on(m.EventsReceived)
    def _events_received(self, message: m.EventsReceived) -> None:
        for log in self.query(EventLog):
            log.add(message.lines)
        self._count_warnings(message.rose)

    @on(m.MetricsReceived)
    @on(ScreenResume)
    def _have_repainted(self) -> None:
        self.painter.mark()

    @on(m.RunStateChanged)
    @on(m.ControlChanged)
    def _repaint(self) -> None:
        self._count_warnings()
        self.painter.repaint()

    # painting

    def _paint_numbers(self) -> None:
        """Show the state, and in the overview all but the charts."""
        state, hints = self.controller.state, keys_by_id(self)
        if self.controller.run is None:
            return
        if not self.query_one(Overview).is_whole:
            self.call_after_refresh(self.painter.mark)
            return
        self.set_class(state.state in ("failed", "crashed"), "-failed")
        self.set_class(not state.is_active, "-ended")
        self.set_class(not state.series, "-blank")
        self.set_class(not has_codebooks(state), "-no-codes")
        self.bar.show(state.name)
        ahead = outlook.upcoming(state, self.controller.recipe)
        self.query_one(StatusHead).show(
            state, self.controller.pending(), self._unseen, ahead, cost_text(state, self._settings)
        )
        keys = hints.get("training.view", "v"), hints.get("training.seen", "a")
        self.query_one(ViewTabs).show(self.view, *keys, self._unseen, ahead[0].text if ahead else "")
        if self.view == "overview":
            self.query_one(Overview).show(hints, self._seen)
            if self.focused is None:
                self.call_after_refresh(self._settle_overview)
        self.refresh_bindings()

    def _paint_view(self) -> None:
        if self.controller.run is not None:
            self.query_one(Views).show(self.controller.run, self.controller.state)

    def _settle_overview(self) -> None:
        # a small terminal hides the knobs, and what is hidden loses the focus
        if self.controller.run is not None and self.view == "overview":
            self.query_one(Overview).settle_focus()

    # views and warnings

    def help_title(self) -> str:
        return f"{self.TITLE_TEXT}: {self.view}"

    def help_text(self) -> str:
        view = self.query_one(Views).here
        return self.HELP_TEXT if view is None else view.HELP_TEXT

    def action_view(self, name: str) -> None:
        """Show the overview or one of the views."""
        if self.controller.run is None:
            return
        self.view = name
        views = self.query_one(Views)
        self.query_one(Overview).display = name == "overview"
        views.display = name != "overview"
        if name == "overview":
            views.leave()
            self.query_one(Knobs).focus()
        else:
            views.go(name)
        self.painter.repaint()

    def action_next_view(self) -> None:
        names = [name for name, _ in VIEWS]
        self.action_view(names[(names.index(self.view) + 1) % len(names)])

    def _count_warnings(self, rose: bool = False) -> None:
        """Tell the app how many warnings wait to be seen, if that has changed."""
        before, self._unseen = self._unseen, unseen_warnings(self.controller.state, self._seen)
        if self.controller.run is not None and (self._unseen != before or rose):
            self.post_message(m.WarningsWaited(self.controller.run, self._unseen, rose))

    def action_seen(self) -> None:
        assert self.controller.run is not None
        begin(self, "seen", self._mark_seen, self.controller.run)

    async def _mark_seen(self, run: RunFolder) -> None:
        state = self.controller.state
        seen = await self.in_thread(lambda: mark_seen(run, state))
        if seen is not None and run == self.controller.run:
            self._seen = seen
            self._count_warnings()
            self.painter.repaint("numbers")

    def action_log(self) -> None:
        from distill_tui.ui.dialogs.log import LogDialog

        run = self.controller.run
        assert run is not None
        self.app.push_screen(LogDialog(run.worker_log, log_lines(run)))

    # requests

    def copyable(self) -> str:
        """The file of the chosen preview, or the folder of the run."""
        run = self.controller.run
        if run is None or self.view == "overview":
            return str(run.path) if run is not None else ""
        return self.query_one(Views).copyable()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Actions that make sense now; the footer and the palette show those."""
        run = self.controller.run
        if action == "request":
            return self.controller.can(str(parameters[0]))
        if action == "seen":
            return self._unseen > 0
        if action == "log":
            return run is not None and has_log(run)
        if action in ("view", "next_view"):
            return run is not None and (action != "view" or parameters != (self.view,))
        return super().check_action(action, parameters)

    def action_request(self, name: str) -> None:
        self.controller.request(name)

    @on(Knobs.Turned)
    def _knob_turned(self, message: Knobs.Turned) -> None:
        self.controller.tune(message.key, message.value)

    @on(Knobs.ExactAsked)
    def _exact_asked(self, message: Knobs.ExactAsked) -> None:
        self.controller.ask_exact(message.knob)
