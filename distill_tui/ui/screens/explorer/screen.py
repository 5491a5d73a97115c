"""The Explorer screen: what a codebook does, seen while its settings are changed."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from distill_tui.paths import Home
from distill_tui.ui import messages as m
from distill_tui.ui.command_palette import keys_by_id
from distill_tui.ui.repaint import RepaintScheduler
from distill_tui.ui.run_store import RunStore
from distill_tui.ui.screens.base import BaseScreen, RunWanted
from distill_tui.ui.screens.explorer.loader import SourceLoader
from distill_tui.ui.screens.explorer.panels import ExplorerPanels, explorer_knobs
from distill_tui.ui.screens.explorer.sources import ImageRun, SoundRun
from distill_tui.ui.screens.run_controller import REQUEST_KEYS, UNDO, RunController
from distill_tui.ui.widgets.empty_note import EmptyNote
from distill_tui.ui.widgets.header import AppHeader

POLL_SECONDS = 0.5
"""Interval of looking for a newer map, or for a newer checkpoint of a run on sounds."""
VIEWS = ("overview", "map", "pictures")
EMPTY = """No run of the Explorer yet.

n  starts one: the pictures of the folder used last, or figures that are drawn
r  looks at the codebooks of any run or model of yours

With MNIST's files at hand:  distill-tui explore --data FOLDER"""


class ExplorerScreen(BaseScreen):
    """Shows one source: a run on images as it trains, or the map of another run or model."""

    MODE = "explorer"
    CSS_PATH = "explorer.tcss"
    AUTO_FOCUS = "MapView"
    TITLE_TEXT = "Explorer"
    HELP_TEXT = (
        "For each level a map: letters are data (of a run of pictures the digit, else the folder or file), filled "
        "diamonds are codes in use, hollow ones are dead. What enters a level is what the codes of the levels before "
        "left over (residuals). The arrows choose a code; escape deselects it. Tab leads to the settings, which act "
        "within a second. Sounds are shown along the two directions in which their latents differ most, what is left "
        "of them along its own two; there enter plays where a code is used most, and . goes on to the next such "
        "place."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *REQUEST_KEYS,
        Binding("n", "start", "New", id="explorer.new", tooltip="Start a run: the folder used last, or figures"),
        Binding("N", "reset", "Reset", id="explorer.reset", tooltip="New weights, same recipe and settings"),
        UNDO,
        Binding("r", "look", "Runs", id="explorer.look", tooltip="Look at another run or model"),
        Binding("k", "renew", "Renew", id="explorer.renew", tooltip="Ask the run for a checkpoint, and map that"),
        Binding("f2", "switch('residuals')", "Residuals", id="explorer.residuals", tooltip="Residuals on and off"),
        Binding("f3", "switch('sums')", "Sums", id="explorer.sums", tooltip="The sums of the codes so far"),
        Binding("f4", "switch('cells')", "Cells", id="explorer.cells", tooltip="The cells of the codes"),
        Binding("f5", "switch('trails')", "Paths", id="explorer.trails", tooltip="The path of each code over time"),
        Binding(
            "j", "switch('deadness')", "Dead", show=False, id="explorer.dead", tooltip="The other definition of dead"
        ),
        Binding(
            "z", "switch('scale')", "Log", show=False, id="explorer.scale", tooltip="Loss scale: log, linear, auto"
        ),
        Binding("w", "training", "Training", show=False, id="explorer.training", tooltip="Watch it on Training"),
        Binding("v", "next_view", "View", id="explorer.view", tooltip="The next view: map, pictures, all"),
        Binding("escape", "back", "Back", show=False, id="explorer.back", tooltip="Deselect the code; show all views"),
    ]

    def __init__(self, home: Home, runs: RunStore) -> None:
        super().__init__()
        self.view = "overview"
        self._home = home
        self._bound: tuple[object, ...] = ()
        self.painter = RepaintScheduler(self)
        self.painter.add("numbers", self._paint_numbers, 0.5)
        self.controller = RunController(self, home, runs, self.repaint)
        self.loader = SourceLoader(self, home, self.controller, self.repaint)

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        yield EmptyNote(EMPTY, id="empty")
        yield ExplorerPanels(self._home, self.loader, self.controller, self.painter, id="explorer-panels")
        yield from self.footer()

    @property
    def panels(self) -> ExplorerPanels:
        return self.query_one(ExplorerPanels)

    def on_mount(self) -> None:
        self.loader.show_newest()
        self.controller.start()
        self.set_interval(POLL_SECONDS, self._poll)

    def on_screen_resume(self) -> None:
        self.loader.show_newest()
        self.painter.mark()

    def on_screen_suspend(self) -> None:
        self.panels.stop_playing()

    def on_key(self) -> None:
        self.painter.key_pressed()

    def on_resize(self) -> None:
        self.painter.mark()

    # painting

    def _poll(self) -> None:
        if self.is_current and self.loader.poll():
            self.painter.mark("map")

    @on(m.MetricsReceived)
    def _metrics_received(self) -> None:
        self.painter.mark("numbers")

    @on(m.RunChosen)
    @on(m.RunStateChanged)
    @on(m.ControlChanged)
    def repaint(self) -> None:
        """Show everything as it is now."""
        # what is begun before there are panels, or ends when they are gone, calls this too
        if self.is_attached and self.query(ExplorerPanels):
            self.painter.repaint()
            self.refresh_bindings()

    def _paint_numbers(self) -> None:
        source, state = self.loader.source, self.controller.state
        self.set_class(source is None and not self.loader.work, "-empty")
        self.set_class(source is not None and not isinstance(source, ImageRun), "-sound")
        self.set_class(source is not None and not source.has_images, "-unpictured")
        if self.view == "pictures" and self.has_class("-unpictured"):
            self.action_view("overview")
        self.bar.show(state.name if self.controller.run else "" if source is None else source.title)
        self.panels.show_numbers(keys_by_id(self).get("explorer.dead", "j"))
        # the footer is not worked out again for every new number
        bound = (
            state.state,
            state.started_at > 0,
            len(state.checkpoints),
            source and (source.map is None, source.has_codes),
        )
        if bound != self._bound:
            self._bound = bound
            self.refresh_bindings()

    # actions

    def copyable(self) -> str:
        """The sound file in which the chosen code is heard, or the folder of the run."""
        excerpt = self.panels.map_view.excerpt if self.is_mounted else None
        run = self.controller.run
        return str(excerpt.path) if excerpt is not None else str(run.path) if run is not None else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Actions that make sense now; the footer and the palette show those."""
        source, run, is_idle = self.loader.source, self.controller.run, not self.loader.work
        match action, *parameters:
            case "request", name:
                return self.controller.can(str(name))
            case "start", *_:
                return is_idle
            case "renew", *_:
                return isinstance(source, SoundRun) and source.is_alive and source.map is not None
            case (("reset" | "training"), *_):
                return run is not None and is_idle
            case "switch", "scale":
                return run is not None
            case "switch", _:
                return source is not None and source.has_codes
            case "next_view", *_:
                return run is not None or (source is not None and source.map is not None)
        return super().check_action(action, parameters)

    def action_request(self, name: str) -> None:
        self.controller.request(name)

    def action_switch(self, option: str) -> None:
        """Switch an option of the map, or the scale of the losses, over."""
        if notice := self.panels.toggle(option):
            self.notify(notice, timeout=4)
        self.repaint()

    def action_view(self, view: str) -> None:
        """Show all panels, the map alone, or the images alone."""
        self.view = view
        for name in VIEWS:
            self.set_class(name == view, f"-view-{name}")
        self.call_after_refresh(self._settle_focus)
        self.call_after_refresh(self.repaint)

    def action_next_view(self) -> None:
        views = [view for view in VIEWS if view != "pictures" or self.panels.has_images]
        self.action_view(views[(views.index(self.view) + 1) % len(views)] if self.view in views else "overview")

    def action_back(self) -> None:
        if not self.panels.map_view.deselect():
            self.action_view("overview")

    def action_training(self) -> None:
        assert self.controller.run is not None
        self.post_message(RunWanted(self.controller.run))

    def action_look(self) -> None:
        self.loader.pick()

    def action_renew(self) -> None:
        self.loader.renew()

    def action_start(self) -> None:
        self.loader.start_run()

    def action_reset(self) -> None:
        self.loader.reset_run(explorer_knobs(self.controller))
