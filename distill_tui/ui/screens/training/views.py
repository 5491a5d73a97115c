"""The views of the Training screen beside its overview: each made when it is first looked at."""

import asyncio
import time
from pathlib import Path

from textual import on
from textual.containers import Vertical

from distill_tui.files import printable
from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.state import RunState
from distill_tui.ui.dialogs.choose import ChooseDialog
from distill_tui.ui.dialogs.help import HelpDialog
from distill_tui.ui.run_store import Follower
from distill_tui.ui.screens.training.chart_view import ChartView
from distill_tui.ui.screens.training.codebooks import CodebooksView
from distill_tui.ui.screens.training.previews import PreviewsView
from distill_tui.ui.services.audio_player import Playing, fetch_command, player
from distill_tui.ui.widgets.curves import pane_name, short_name

LIVE_SECONDS = 3.0
"""A picture of this size is drawn anew for new numbers no oftener; keys are answered at once."""
OTHERS_SECONDS = 1.0
MOST_RUNS = 200
MOST_OTHERS = 8

View = ChartView | CodebooksView | PreviewsView
KINDS: dict[str, type[View]] = {"chart": ChartView, "codebooks": CodebooksView, "previews": PreviewsView}


class Views(Vertical):
    """Shows one of its views, and does what they ask for."""

    def __init__(self, home: Home, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._home = home
        self._run: RunFolder | None = None
        self._state = RunState()
        self._drawn_at = 0.0
        self._others: dict[RunFolder, Follower] = {}
        self._playing = Playing()
        self._made: dict[str, View] = {}
        self.here: View | None = None

    def go(self, name: str) -> View:
        """Bring a view to the front, with what was shown last."""
        view = self._made.get(name)
        if view is None:
            view = self._made[name] = KINDS[name](id=f"view-{name}")
            self.mount(view)
        for other in self._made.values():
            other.display = other is view
        self.here, self._drawn_at = view, 0.0
        self.call_after_refresh(self.draw)
        view.focus()
        return view

    def leave(self) -> None:
        """Show none of them; what plays falls silent."""
        self.here = None
        self._playing.stop()

    def show(self, run: RunFolder, state: RunState, at_once: bool) -> bool:
        """Show this state; whether it was drawn, which for new numbers alone happens every LIVE_SECONDS only."""
        if run != self._run:
            self._run = run
            self._others.pop(run, None)
        self._state = state
        if not at_once and time.monotonic() - self._drawn_at < LIVE_SECONDS:
            return False
        self.draw()
        return True

    def draw(self) -> None:
        if self._run is None or self.here is None:
            return
        self._drawn_at = time.monotonic()
        if isinstance(self.here, PreviewsView):
            self.here.show(self._run, self._state)
        else:
            self.here.show(self._state)

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
        chart = self.query_one(ChartView)
        runs = {run.id: run for run in list_runs(self._home)[:MOST_RUNS] if run != self._run}

        def answered(chosen: list[str] | None) -> None:
            if chosen is None:
                return
            for run in [run for run in self._others if run.id not in chosen]:
                del self._others[run]
                chart.take_away(run)
            for id in chosen[:MOST_OTHERS]:
                if runs[id] not in self._others:
                    self._others[runs[id]] = Follower(runs[id], lambda _: None)
            if len(chosen) > MOST_OTHERS:
                self.notify(f"The first {MOST_OTHERS} are shown.", severity="warning", timeout=5)
            self.run_worker(self._follow_others(), group="others", exclusive=True)

        options = [(printable(formatting.shorten(id, 54)), id) for id in runs]
        self.app.push_screen(
            ChooseDialog(
                "Other runs on the chart", options, [run.id for run in self._others], "There is no other run."
            ),
            answered,
        )

    async def _follow_others(self) -> None:
        chart = self.query_one(ChartView)
        while self._others:
            for run, follower in list(self._others.items()):
                await follower.step()
                if run in self._others and (run not in chart.others or follower.state.is_active):
                    chart.lay_over(run, follower.state)
            await asyncio.sleep(OTHERS_SECONDS)

    # the previews

    @on(PreviewsView.ListenAsked)
    def _listen(self, message: PreviewsView.ListenAsked) -> None:
        command = player()
        if command is None:
            self._tell_how_to_fetch([message.path], "Nothing can be heard on this machine.")
            return

        async def play() -> None:
            try:
                code = await self._playing.play(command, message.path)
            except OSError as error:
                self.notify(f"{command[0]}: {error.strerror}", severity="error", markup=False)
                return
            if code > 0:
                self.notify(f"{command[0]} could not play it (exit code {code}).", severity="error", markup=False)

        self.run_worker(play(), group="playing", exclusive=True)

    @on(PreviewsView.FetchAsked)
    def _fetch(self, message: PreviewsView.FetchAsked) -> None:
        self._tell_how_to_fetch(message.paths, "The files:")

    def _tell_how_to_fetch(self, paths: list[Path], why: str) -> None:
        files = "\n".join(str(path) for path in paths)
        text = f"{why}\n\n{files}\n\nTo fetch this preview, type where you listen:\n\n{fetch_command(paths[0].parent)}"
        self.app.push_screen(HelpDialog("Listen", printable_lines(text), [], wide=True))


def _more_of(key: str) -> str:
    """What a number is called in files, where its short name does not say so; there levels count from 0."""
    return "" if key == short_name(key) or key.startswith("codebook/") else key


def printable_lines(text: str) -> str:
    """`text` without control characters, but with its lines."""
    return "\n".join(printable(line) for line in text.split("\n"))
