"""The overview of the Training screen: losses and live settings, codebook health, notes and the event log."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from distill_tui.reporting.metrics import (
    COMMIT,
    PRIOR,
    RECON,
    TRAIN,
    VAL,
    Loss,
    levels_of_prior,
    losses_of_run,
)
from distill_tui.ui.screens.run_controller import RunController
from distill_tui.ui.screens.training.event_log import EventLog
from distill_tui.ui.screens.training.machine import MachinePanel
from distill_tui.ui.screens.training.previews import PreviewsView
from distill_tui.ui.widgets.health import HealthNote, HealthTable
from distill_tui.ui.widgets.knobs import Knobs
from distill_tui.ui.widgets.losses import LossCurves
from distill_tui.ui.widgets.notes import Notes
from distill_tui.ui.widgets.sound_numbers import SoundNumbers


class Overview(Horizontal):
    """Panels that show a run at a glance; a larger terminal shows more of them."""

    def __init__(self, controller: RunController, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._controller = controller
        self._has_lent_focus = False
        self._charted: tuple[Loss, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(id="left"):
            yield LossCurves(id="losses")
            yield Vertical(id="charts")
            yield Knobs(id="knobs")
        with Vertical(id="right"):
            yield HealthTable(id="health")
            yield HealthNote(id="health-note")
            yield SoundNumbers(id="sound")
            yield MachinePanel(id="machine")
            yield Notes(id="notes")
            yield EventLog(id="events")

    def show(self, hints: dict[str, str], seen: int) -> None:
        """Show the run as it is now. `hints` and `seen` are those of `Notes.show`."""
        run, state = self._controller.run, self._controller.state
        assert run is not None
        self.query_one(LossCurves).show(state, losses_of_run(state))
        self.query_one(HealthTable).show(state)
        self.query_one(HealthNote).show(state, self._controller.recipe.train.quantizer_warmup_fraction)
        is_tunable = self._controller.is_tunable
        self.query_one(SoundNumbers).show(state)
        title = "settings" if state.is_active or not is_tunable else "when it goes on"
        self.query_one(Knobs).show(self._controller.knobs(), state.is_active or is_tunable, title)
        self.query_one(Notes).show(run, state, hints, seen)

    def show_charts(self) -> None:
        """Show the run's charts and its newest preview."""
        # plotext is imported by those who have room for it
        from distill_tui.ui.screens.training.chart import LossChart

        run, state, charts = self._controller.run, self._controller.state, self.query_one("#charts")
        if run is None:
            return
        if self._charted != (kind := levels_of_prior(state) if state.is_prior else ()):
            # another kind of run has other numbers
            self._charted = kind
            charts.remove_children()
            self.call_after_refresh(self.show_charts)
            return
        if not charts.children:
            if state.is_prior:
                of_all = LossChart(PRIOR, "bits a frame, held out and trained", id="chart")
                charts.mount(of_all, LossChart(kind, "held-out bits a frame by level", id="chart-commit"))
            else:
                charts.mount(
                    LossChart((RECON, TRAIN, VAL), "train, validation and reconstruction loss", id="chart"),
                    LossChart((COMMIT,), "commitment loss", id="chart-commit"),
                )
            if self.query("#glimpse"):
                self.call_after_refresh(self.show_charts)
                return
            glimpse = PreviewsView(id="glimpse")
            glimpse.can_focus = False
            self.query_one("#right").mount(glimpse)
            self.call_after_refresh(self.show_charts)
            return
        self.query_one("#glimpse", PreviewsView).show(run, state)
        for chart in charts.query(LossChart):
            chart.show(state)

    def settle_focus(self) -> None:
        """Focus the knobs; where they are hidden, the notes, which there say how a run failed."""
        knobs, notes, focused = self.query_one(Knobs), self.query_one(Notes), self.screen.focused
        if knobs.focusable and (focused is None or self._has_lent_focus):
            self._has_lent_focus = False
            knobs.focus()
        elif focused is None and notes.display:
            self._has_lent_focus = True
            notes.focus()
