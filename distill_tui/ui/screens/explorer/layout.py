"""How the Explorer is laid out and painted: what is shown, each part as often as the line can bear."""

import time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.files import printable
from distill_tui.paths import Home
from distill_tui.runs.codebook_map import CodebookMap, read_map
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.screens.explorer import sources
from distill_tui.ui.screens.explorer.cell_grid import RateLimiter
from distill_tui.ui.screens.explorer.code_pane import CodePane
from distill_tui.ui.screens.explorer.health_panel import ExplorerHead, HealthLines, about_map, losses_of
from distill_tui.ui.screens.explorer.map_view import MapView
from distill_tui.ui.screens.explorer.pixels import PicturesView
from distill_tui.ui.screens.explorer.sources import SoundRun
from distill_tui.ui.screens.run_screen import SteeringScreen
from distill_tui.ui.widgets.footer import AppFooter
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.knobs import Knobs
from distill_tui.ui.widgets.losses import LossCurves

RATES = {"map": (4500.0, 0.5), "notes": (1000.0, 1.0), "pictures": (2000.0, 0.5)}
"""Bytes a second that the map, the codes' numbers and the pictures may take of the line, and how soon they may be drawn
again, in seconds."""
BREATH_SECONDS = 0.03
"""Between two large parts that are drawn for new numbers: a key that waits is answered first."""
VIEWS = ("desk", "map", "pictures")
EMPTY = """No run of the Explorer yet.

n  starts one: the pictures of the folder used last, or figures that are drawn
r  looks at the codebooks of any run or model of yours

With MNIST's files at hand:  distill-tui explore --data FOLDER"""


class MapScreen(SteeringScreen):
    """A map with its losses, health, knobs and pictures.

    It is that of a run that is followed (`run_folder`), of a run of sounds by its newest checkpoint (`sounds`), or one
    that was made of a model.
    """

    MODE: ClassVar[str] = "explorer"
    CSS_PATH = "explorer.tcss"
    AUTO_FOCUS = "MapView"

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.view = "desk"
        self.map: CodebookMap | None = None
        self.sounds: SoundRun | None = None
        self._title = ""
        self._busy = ""
        self._note = ""
        self._stamp: tuple[int, int] | None = None
        self._log: bool | None = None
        self._due = {part: RateLimiter(*how) for part, how in RATES.items()}
        self._waits: set[str] = set()
        self._bound: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        self.run_folder = self.run_folder or sources.newest(self._home)
        yield AppHeader(self.MODE)
        yield Static(EMPTY, id="empty", markup=False)
        with Vertical(id="explorer-desk"):
            yield ExplorerHead(id="explorer-head")
            with Horizontal(id="explorer-panes"):
                yield MapView(id="explorer-map")
                with Vertical(id="explorer-side"):
                    yield LossCurves(id="explorer-losses")
                    yield HealthLines(id="explorer-health")
                    yield Knobs(id="explorer-knobs")
                    yield CodePane(id="explorer-code")
            yield PicturesView(id="explorer-pictures")
        yield AppFooter(id="explorer-keys")

    def on_screen_resume(self) -> None:
        if self.is_blank and (run := sources.newest(self._home)):
            self.watch_run(run)

    @property
    def maps(self) -> MapView:
        return self.query_one(MapView)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is looked at."""
        return self.run_folder is None and self.map is None and self.sounds is None

    # what is looked at

    def watch_run(self, run: RunFolder) -> None:
        """Follow this run of pictures from now on."""
        self._title = ""
        super().watch_run(run)

    def begin(self, run: RunFolder) -> None:
        self.map, self.sounds, self._stamp, self._title, self._busy = None, None, None, "", ""
        self.set_class(False, "-sound")
        self.set_class(False, "-unpictured")
        found = sources.pictures_of(run)
        self._note = "" if found is None else found.note or f"pictures of {printable(found.name)}"
        self.maps.forget()
        self._waits = set(RATES)

    def leave_run(self, title: str) -> None:
        """Look at something else than a run of pictures, whose map is yet to come."""
        self.workers.cancel_group(self, "follow")
        self.run_folder, self.map, self.sounds, self._title, self._busy = None, None, None, title, ""
        self.set_class(False, "-empty")
        self.set_class(True, "-sound")
        self.maps.forget()

    def show_map(self, found: CodebookMap, title: str) -> None:
        """Show a map that was made of a run or model, in place of what was shown."""
        sounds = self.sounds
        self.leave_run(title)
        self.sounds = sounds
        self.renew_map(found)

    def renew_map(self, found: CodebookMap) -> None:
        """Show a newer map of what is looked at; what is chosen stays."""
        self.map, self._busy = found, ""
        # the map of a model that learned pictures has them, as long as its run is kept
        self.set_class(not found.inputs, "-unpictured")
        if self.view == "pictures" and not found.inputs:
            self.go("desk")
        self.refresh_bindings()
        self._repaint()

    def go(self, view: str) -> None:
        """Show this view."""
        self.view = view
        for name in VIEWS:
            self.set_class(name == view, f"-view-{name}")
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        """Keys go to what this view shows."""
        self._settle_focus()
        self._repaint()

    # painting

    def _repaint_if_changed(self) -> None:
        if not self.rests and self.is_current and self._look_at_map():
            self._dirty = True
        self._dirty = self._dirty or bool(self._waits)
        super()._repaint_if_changed()

    def _look_at_map(self) -> bool:
        """Read the run's map if it is a new one."""
        if self.run_folder is None:
            return False
        try:
            found = self.run_folder.map.stat()
        except OSError:
            return False
        stamp = found.st_mtime_ns, found.st_ino
        if stamp == self._stamp or not self._due["map"].is_due(time.monotonic()):
            return False
        self._stamp = stamp
        self.map = read_map(self.run_folder.map) or self.map
        self._waits = set(RATES)
        return True

    def on_resize(self) -> None:
        self._waits = set(RATES)

    def _repaint(self, at_once: bool = True) -> None:
        if not self.is_mounted or not len(self.query(MapView)):
            return
        self._dirty = False
        self.bar.show(self.state.name if self.run_folder else self._title)
        self._paint_head()
        self._paint_health()
        if self.run_folder is not None:
            self.query_one(LossCurves).show(self.state, losses_of(self._recipe.model), self._log)
            self.query_one(Knobs).show(self.knobs(), live=self.state.is_active)
        if at_once:
            self._waits = set(RATES)
            self._paint_large(at_once)
        elif self._waits:
            self.set_timer(BREATH_SECONDS, self._paint_more)
        bound = self._bound_by()
        if at_once or bound != self._bound:
            self._bound = bound
            self.refresh_bindings()

    def _bound_by(self) -> tuple[object, ...]:
        """What new numbers may change of the keys that apply: the line of keys is not worked out for each of them."""
        state, found = self.state, self.map
        return (
            state.state,
            state.started_at > 0,
            len(state.checkpoints),
            found is not None and bool(found.levels),
            self.maps.scene is not None,
        )

    def _paint_head(self) -> None:
        head = self.query_one(ExplorerHead)
        if self._busy:
            head.show_text([(self._busy, "accent")])
        elif self.run_folder is not None:
            head.show_run(self.state, self.pending(), self._note)
        elif self.map is not None:
            trains = self.sounds is not None and self.sounds.is_alive
            head.show_text(about_map(self.map, self._title, trains))
        elif self.sounds is not None:
            head.show_text([(f"waiting for a checkpoint of {self.sounds.title} …", "accent")])

    def _paint_health(self) -> None:
        health, found = self.query_one(HealthLines), self.map
        nats = found.kl if found is not None else []
        if self.run_folder is not None and self._recipe.model.bottleneck == "kl":
            health.show_kl(self.state.numbers.get("latent/kl"), nats)
        elif nats:
            health.show_kl(sum(nats), nats)
        else:
            health.display = found is not None or not self._busy
            health.show(found, self.maps.shows, self._key_of("deadness"))

    def _paint_large(self, at_once: bool) -> None:
        """Draw the map, the codes and the pictures, each as often as the line can bear, and not all in one breath."""
        if not at_once and self.rests:
            return
        now = self._drew_at = time.monotonic()
        for part in RATES:
            if part not in self._waits or not (at_once or self._due[part].is_due(now)):
                continue
            self._waits.discard(part)
            self._due[part].spend(now, self._paint_part(part))
            if self._waits and not at_once:
                self.set_timer(BREATH_SECONDS, self._paint_more)
                return

    def _paint_more(self) -> None:
        # a method: Textual works out the parameters of each new function that it is to call.
        # the timer may come when one has left, and the panes are gone
        if self.is_attached and self.query(PicturesView):
            self._paint_large(at_once=False)

    def _paint_part(self, part: str) -> int:
        if part == "map":
            return self.maps.show(self.map, self._nothing())
        if part == "pictures":
            return self.query_one(PicturesView).show(self.map)
        self.paint_choice()
        return self.query_one(CodePane).size.area // 4

    def _nothing(self) -> str:
        """What stands where the map will be."""
        if self._busy:
            return "the sounds go through the model"
        if self.sounds is not None:
            return "it was asked for a checkpoint, of which its map is made"
        return "no map yet" if self.run_folder else ""

    @on(MapView.Chose)
    def _chose(self) -> None:
        self.maps.repaint()
        self.paint_choice()
        self._send({self.maps, self.query_one(CodePane)})

    def _send(self, widgets: set[Widget]) -> None:
        """Send what was drawn of these at once: Textual's next frame may be 17 ms away."""
        if self.is_current and not self._layout_required:
            self._compositor.update_widgets(widgets)
            self._compositor_refresh()

    def paint_choice(self) -> None:
        """Tell of the code and the point that are chosen."""
        self.query_one(CodePane).show(self.maps.scene, self.maps.shows, self.maps.chosen)

    def _key_of(self, action: str) -> str:
        for active in self.active_bindings.values():
            if active.binding.action == action:
                return self.app.get_key_display(active.binding)
        return ""
