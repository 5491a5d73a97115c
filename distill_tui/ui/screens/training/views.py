"""The views of the Training screen beside its overview: each made when it is first looked at."""

from collections.abc import Callable

from textual import on
from textual.containers import Vertical

from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.reporting.metrics import pane_name, short_name
from distill_tui.runs.annotations import title_of
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui import messages as m
from distill_tui.ui.dialogs.choose import ChooseDialog
from distill_tui.ui.run_store import RunStore, WatchedRun
from distill_tui.ui.screens.training.chart_view import ChartView
from distill_tui.ui.screens.training.codebooks import CodebooksView
from distill_tui.ui.screens.training.previews import PreviewsView
from distill_tui.ui.services.audio_player import AudioPlayer
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.panel import Hue, framed

MOST_RUNS = 200
MOST_OTHERS = 8

View = ChartView | CodebooksView | PreviewsView
KINDS: dict[str, type[View]] = {"chart": ChartView, "codebooks": CodebooksView, "previews": PreviewsView}
FRAMES: dict[str, tuple[str, Hue]] = {
    "chart": ("Chart", "data"),
    "codebooks": ("Codebooks", "health"),
    "previews": ("Previews", "sound"),
}
"""Titles of the views' frames, and what they are about."""


class Views(Vertical):
    """Shows one of its views, and does what they ask for."""

    def __init__(self, home: Home, runs: RunStore, mark: Callable[[], object], *, id: str | None = None) -> None:
        """`mark` is called when what is shown is stale."""
        super().__init__(id=id)
        self._home, self._runs, self._mark = home, runs, mark
        self._run: RunFolder | None = None
        self._state = RunState()
        self._others: dict[RunFolder, WatchedRun] = {}
        self._player = AudioPlayer(self)
        self._made: dict[str, View] = {}
        self.here: View | None = None

    def go(self, name: str) -> View:
        """Bring a view to the front, with what was shown last."""
        view = self._made.get(name)
        if view is None:
            view = self._made[name] = framed(KINDS[name](id=f"view-{name}"), *FRAMES[name])
            self.mount(view)
        for other in self._made.values():
            other.display = other is view
        self.here = view
        self.call_after_refresh(self._draw)
        view.focus()
        return view

    def leave(self) -> None:
        """Show none of them; what plays falls silent."""
        self.here = None
        self._player.stop()

    def show(self, run: RunFolder, state: RunState) -> None:
        """Show this state of the run."""
        if run != self._run:
            self._run = run
            self._leave_other(run)
        self._state = state
        self._draw()

    def _draw(self) -> None:
        if self._run is None or self.here is None:
            return
        if isinstance(self.here, PreviewsView):
            self.here.show(self._run, self._state)
            return
        if isinstance(self.here, ChartView):
            for run, other in self._others.items():
                if run not in self.here.others or other.state.is_active:
                    self.here.lay_over(run, other.state)
        self.here.show(self._state)

    def copyable(self) -> str:
        """The file of the chosen preview, or the folder of the run."""
        if isinstance(self.here, PreviewsView) and (paths := self.here.paths()):
            return str(paths[1])
        return str(self._run.path) if self._run is not None else ""

    # the chart

    @on(ChartView.CurvesAsked)
    def _choose_curves(self, message: ChartView.CurvesAsked) -> None:
        chart = self.query_one(ChartView)
        measured = (key for key in self._state.series if not key.endswith("/frames"))
        keys = sorted(measured, key=lambda key: (pane_name(key) != "loss", pane_name(key), key))
        options = [(f"{short_name(key):<16}{_more_of(key)}", key) for key in keys]

        def answered(chosen: list[str] | None) -> None:
            if chosen is not None:
                chart.choose(chosen)

        self.app.push_screen(ChooseDialog("Curves", options, message.chosen, "No numbers yet."), answered)

    @on(ChartView.RunsAsked)
    def _choose_runs(self) -> None:
        runs = {run.id: run for run in list_runs(self._home)[:MOST_RUNS] if run != self._run}

        def answered(chosen: list[str] | None) -> None:
            if chosen is None:
                return
            for run in [run for run in self._others if run.id not in chosen]:
                self._leave_other(run)
            for id in chosen[:MOST_OTHERS]:
                if runs[id] not in self._others:
                    self._others[runs[id]] = self._runs.watch(runs[id], self)
            if len(chosen) > MOST_OTHERS:
                self.notify(f"The first {MOST_OTHERS} are shown.", severity="warning", timeout=5)

        options = [(printable(formatting.shorten(title_of(run), 54)), id) for id, run in runs.items()]
        self.app.push_screen(
            ChooseDialog(
                "Other runs on the chart", options, [run.id for run in self._others], "There is no other run."
            ),
            answered,
        )

    def _leave_other(self, run: RunFolder) -> None:
        if run in self._others:
            del self._others[run]
            self._runs.leave(run, self)
            self.query_one(ChartView).take_away(run)

    @on(m.MetricsReceived)
    def _other_goes_on(self) -> None:
        self._mark()

    @on(m.RunStateChanged)
    def _other_changed(self, message: m.RunStateChanged) -> None:
        """Another run was read, or has ended."""
        if message.run in self._others:
            self.query_one(ChartView).lay_over(message.run, message.state)

    # the previews

    @on(PreviewsView.ListenAsked)
    def _listen(self, message: PreviewsView.ListenAsked) -> None:
        begin(self, "playing", self._player.play, message.path)

    @on(PreviewsView.FetchAsked)
    def _fetch(self, message: PreviewsView.FetchAsked) -> None:
        files = "\n".join(printable(str(path)) for path in message.paths)
        self._player.explain(f"The files:\n\n{files}", message.paths[0].parent)


def _more_of(key: str) -> str:
    """What a number is called in files, where its short name does not say so; there levels count from 0."""
    return "" if key == short_name(key) or key.startswith("codebook/") else key
