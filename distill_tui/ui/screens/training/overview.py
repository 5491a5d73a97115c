"""The overview of the Training screen: losses and live settings, codebook health, notes and the event log.

From 200x50 on it is a desk: the large chart, the codebooks over time and the newest preview are on it as well.
"""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from distill_tui.reporting import outlook
from distill_tui.reporting.metrics import losses_of_run
from distill_tui.reporting.verdicts import is_measured
from distill_tui.ui.screens.run_controller import RunController
from distill_tui.ui.screens.training.codebooks import CodebooksView
from distill_tui.ui.screens.training.event_log import EventLog
from distill_tui.ui.screens.training.machine import MachinePanel
from distill_tui.ui.screens.training.previews import PreviewsView
from distill_tui.ui.widgets.health import HealthNote, HealthTable
from distill_tui.ui.widgets.hint import Hint
from distill_tui.ui.widgets.knobs import Knobs
from distill_tui.ui.widgets.losses import LossCurves
from distill_tui.ui.widgets.notes import Notes
from distill_tui.ui.widgets.panel import framed, retitle
from distill_tui.ui.widgets.sound_numbers import SoundNumbers

CURVES_HINT = "The curves begin with the first step."


class Overview(Horizontal):
    """Panels that show a run at a glance; a larger terminal shows more of them."""

    def __init__(self, controller: RunController, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._controller = controller
        self._has_lent_focus = False
        self._panels: list[Widget] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="left"):
            with framed(Vertical(id="losses-panel"), "Losses"):
                yield LossCurves(id="losses")
                yield Hint(CURVES_HINT, id="no-curves")
                yield Vertical(id="charts")
            with framed(Vertical(id="strips-panel"), "Codebooks over time", "health"):
                yield Hint(id="no-codes")
            with Horizontal(id="controls"):
                yield framed(Knobs(id="knobs"), "Live settings", "recipe")
                yield framed(MachinePanel(id="machine"), "Machine", "machine")
        with Vertical(id="right"):
            with framed(Vertical(id="health-panel"), "Codebooks", "health"):
                yield HealthTable(id="health")
                yield HealthNote(id="health-note")
            yield framed(SoundNumbers(id="sound"), "Held-out sounds", "sound")
            with framed(Vertical(id="glimpse-panel"), "Newest preview", "sound"):
                yield Hint(id="no-preview")
            yield framed(Notes(id="notes"), "Notes")
            yield framed(EventLog(id="events"), "Log", "log")

    @property
    def is_whole(self) -> bool:
        """True once all of its panels are there: those within others are composed later, and leave sooner."""
        kinds = (LossCurves, HealthTable, Knobs, MachinePanel, Notes)
        if not self._panels:
            # looked for once: this is asked at each repaint
            found = [panel for kind in kinds for panel in self.query(kind) if panel.is_mounted]
            self._panels = found if len(found) == len(kinds) else []
        return bool(self._panels) and all(panel.is_attached for panel in self._panels)

    def show_curves(self) -> None:
        """Show the losses as they are now."""
        if self._controller.run is not None and self.is_whole:
            state = self._controller.state
            self.query_one(LossCurves).show(state, losses_of_run(state))
            self.query_one("#no-curves", Hint).show(CURVES_HINT if state.is_active else "No step was trained.")

    def show(self, hints: dict[str, str], seen: int) -> None:
        """Show the run as it is now, but for its losses. `hints` and `seen` are those of `Notes.show`."""
        run, state, recipe = self._controller.run, self._controller.state, self._controller.recipe
        assert run is not None
        self.query_one(HealthTable).show(state)
        self.query_one(HealthNote).show(state, recipe)
        self.query_one(SoundNumbers).show(state)
        is_tunable = self._controller.is_tunable
        knobs = self.query_one(Knobs)
        if state.is_active:
            retitle(knobs, "Live settings")
        elif is_tunable:
            retitle(knobs, "Settings for resume")
        else:
            retitle(knobs, "Settings", "run finished: fixed")
        knobs.show(self._controller.knobs(), state.is_active or is_tunable)
        self.query_one(MachinePanel).show(state)
        self.query_one(Notes).show(run, state, hints, seen)

    def show_desk(self) -> None:
        """Show what only a large terminal has room for: the chart, the codebooks over time and the newest preview."""
        run, state = self._controller.run, self._controller.state
        if run is None or not self.is_whole:
            return
        if not self.query("#chart"):
            self._mount_desk()
            self.call_after_refresh(self.show_desk)
            return
        from distill_tui.ui.screens.training.chart import DeskChart

        self.query_one(DeskChart).show(state)
        strips, glimpse = self.query_one("#strips", CodebooksView), self.query_one("#glimpse", PreviewsView)
        if self._swap("#no-codes", strips, is_measured(state.health)):
            strips.show(state)
        else:
            self.query_one("#no-codes", Hint).show(outlook.codebooks_text(state, self._controller.recipe))
        if self._swap("#no-preview", glimpse, bool(state.previews)):
            glimpse.show(run, state)
        else:
            self.query_one("#no-preview", Hint).show(self._when_previewed())

    def _swap(self, hint: str, view: Widget, is_there: bool) -> bool:
        """Show the view if there is something to show, or else the hint in its place."""
        view.display, self.query_one(hint).display = is_there, not is_there
        return is_there

    def _mount_desk(self) -> None:
        # imported and made by those who have room for it
        from distill_tui.ui.screens.training.chart import DeskChart

        strips, glimpse = CodebooksView(id="strips"), PreviewsView(id="glimpse")
        strips.can_focus = glimpse.can_focus = False
        self.query_one("#charts").mount(DeskChart(id="chart"))
        retitle(self.query_one("#losses-panel"), "Losses", "↓ ↑ in the last minute")
        self.query_one("#strips-panel").mount(strips)
        self.query_one("#glimpse-panel").mount(glimpse)

    def _when_previewed(self) -> str:
        """A hint of what will be where no preview is yet."""
        state, recipe = self._controller.state, self._controller.recipe
        if not state.is_active:
            return "No preview was made."
        ahead = next((one.text for one in outlook.upcoming(state, recipe) if one.what == outlook.PREVIEW), "")
        return f"Original and reconstruction come here: {ahead}." if ahead else "Original and reconstruction come here."

    def settle_focus(self) -> None:
        """Focus the knobs; where they are hidden, the notes, which there say how a run failed."""
        knobs, notes, focused = self.query_one(Knobs), self.query_one(Notes), self.screen.focused
        if knobs.focusable and (focused is None or self._has_lent_focus):
            self._has_lent_focus = False
            knobs.focus()
        elif focused is None and notes.display:
            self._has_lent_focus = True
            notes.focus()
