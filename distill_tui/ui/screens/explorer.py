"""The Explorer screen: what a codebook does, seen while its knobs are turned."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from distill_tui.errors import DistillError
from distill_tui.files import printable
from distill_tui.paths import Home
from distill_tui.runs.codemap import DEADNESS, CodeMap, read_map
from distill_tui.runs.folder import RunFolder
from distill_tui.ui import words
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.explorer import subject
from distill_tui.ui.explorer.cells import Allowance
from distill_tui.ui.explorer.mapview import MapView
from distill_tui.ui.explorer.notes import CodePane, ExplorerHead, HealthLines
from distill_tui.ui.explorer.pictures import PicturesView
from distill_tui.ui.screens.base import RunWanted
from distill_tui.ui.screens.steering import STEERING, UNDO, SteeringScreen
from distill_tui.ui.widgets.keyline import KeyLine
from distill_tui.ui.widgets.knobs import Knob, Knobs
from distill_tui.ui.widgets.losses import LOSSES, LossCurves
from distill_tui.ui.widgets.topbar import TopBar
from distill_tui.ui.work import begin

MOST_WEIGHT = 2.0
"""The knobs of the losses go so far here."""
MAP_RATE, PICTURES_RATE, NOTES_RATE = 4500.0, 2000.0, 1000.0
"""Bytes a second that the map, the pictures and the codes' numbers may take of the line."""
VIEWS = ("desk", "map", "pictures")
EMPTY = """No run of the Explorer yet.

n  starts one: the pictures of the folder used last, or figures that are drawn
r  looks at the codebooks of any run or model of yours

With MNIST's files at hand:  distill-tui explore --data FOLDER"""
TRAIN, VAL, RECON, COMMIT = LOSSES
CODEBOOK = ("loss/codebook", "codebk", "series-val")
KL = ("loss/kl", "kl", "series-commit")


class ExplorerScreen(SteeringScreen):
    """Follows a run of pictures with its map, or shows the map of another run or model."""

    MODE = "explorer"
    TITLE_TEXT = "Explorer"
    CSS_PATH = "../explorer.tcss"
    HELP_TEXT = (
        "For each level a map: letters are data (of a run of pictures the digit, else the folder or file), filled "
        "diamonds are codes in use, hollow ones are dead. What enters a level is what the codes of the levels before "
        "left over (residuals). The arrows choose a code; escape lets go of it. Tab leads to the knobs, which act "
        "within a second. Sounds are shown along the two directions in which their latents differ most."
    )
    AUTO_FOCUS = "MapView"
    BINDINGS: ClassVar[list[BindingType]] = [
        *STEERING,
        Binding("n", "start", "New", id="explorer.new", tooltip="Start a run: the folder used last, or figures"),
        Binding("x", "reset", "Reset", id="explorer.reset", tooltip="New weights, same recipe and knobs"),
        UNDO,
        Binding("r", "look", "Runs", id="explorer.look", tooltip="Look at another run or model"),
        Binding("e", "points('residuals')", "Residuals", id="explorer.residuals", tooltip="Residuals on and off"),
        Binding("s", "points('sums')", "Sums", id="explorer.sums", tooltip="The sums of the codes so far"),
        Binding("b", "toggle_cells", "Cells", id="explorer.cells", tooltip="The cells of the codes"),
        Binding("t", "toggle_trails", "Paths", id="explorer.trails", tooltip="The path of each code over time"),
        Binding("d", "deadness", "Dead", show=False, id="explorer.dead", tooltip="The other definition of a dead code"),
        Binding("g", "scale", "Log", show=False, id="explorer.scale", tooltip="Losses: logarithmic, linear, by itself"),
        Binding("w", "training", "Training", show=False, id="explorer.training", tooltip="Watch it on Training"),
        Binding("v", "next_view", "View", id="explorer.view", tooltip="The next view: map, pictures, all"),
        Binding("escape", "back", "Back", show=False, id="explorer.back", tooltip="Let go of the code; all views"),
    ]

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.view = "desk"
        self.map: CodeMap | None = None
        self._title = ""
        self._busy = ""
        self._note = ""
        self._stamp: tuple[int, int] | None = None
        self._log: bool | None = None
        self._due = {"map": Allowance(MAP_RATE, 0.5), "pictures": Allowance(PICTURES_RATE, 0.5)}
        self._due["notes"] = Allowance(NOTES_RATE, 1.0)
        self._waits: set[str] = set()

    def compose(self) -> ComposeResult:
        self.run_folder = self.run_folder or subject.newest(self._home)
        yield TopBar(self.MODE)
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
        yield KeyLine(id="explorer-keys")

    def on_screen_resume(self) -> None:
        if self.run_folder is None and self.map is None and (run := subject.newest(self._home)):
            self.watch_run(run)

    @property
    def maps(self) -> MapView:
        return self.query_one(MapView)

    # what is looked at

    def watch_run(self, run: RunFolder) -> None:
        """Follow this run of pictures from now on."""
        self._title = ""
        super().watch_run(run)

    def begin(self, run: RunFolder) -> None:
        self.map, self._stamp, self._title, self._busy = None, None, "", ""
        self.set_class(False, "-sound")
        self.set_class(False, "-unpictured")
        found = subject.pictures_of(run)
        self._note = "" if found is None else found.note or f"pictures of {printable(found.name)}"
        self.maps.forget()
        self._waits = {"map", "pictures", "notes"}

    def show_map(self, found: CodeMap, title: str) -> None:
        """Show a map that was made of a run or model."""
        self.workers.cancel_group(self, "follow")
        self.run_folder, self.map, self._title, self._busy = None, found, title, ""
        self.set_class(False, "-empty")
        self.set_class(True, "-sound")
        # the map of a model that learned pictures has them, as long as its run is kept
        self.set_class(not found.inputs, "-unpictured")
        if self.view == "pictures" and not found.inputs:
            self._go("desk")
        self.maps.forget()
        self.refresh_bindings()
        self._repaint()

    def action_look(self) -> None:
        begin(self, "look", self._offer)

    async def _offer(self) -> None:
        from distill_tui.ui.origins import COLUMNS, FILE, origins

        try:
            rows = [row for row in await asyncio.to_thread(origins, self._home) if row.key != FILE]
        except DistillError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return
        names = {row.key: row.cells[0] for row in rows}

        def answered(key: str | None) -> None:
            if key is None:
                return
            kind, _, which = key.partition(":")
            run = RunFolder(self._home.runs / which)
            if kind == "run" and run.pictures.is_file():
                self.watch_run(run)
            else:
                begin(self, "making", self._try, self._make_map, which, f"{kind} {printable(names[key])}")

        self.app.push_screen(
            PickDialog("Look at", COLUMNS, rows, take="look at it", empty="There is no run and no model yet."), answered
        )

    async def _try(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: str) -> None:
        """What is made beside the screen, one thing at a time; tells what went wrong."""
        try:
            await work(*arguments)
        except DistillError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
        finally:
            self._busy = ""
            if self.is_attached:
                self.set_class(self.run_folder is None and self.map is None, "-empty")
                self._repaint()

    def _say_busy(self, text: str) -> None:
        self._busy = text
        self.set_class(False, "-empty")
        self._repaint()

    async def _make_map(self, wanted: str, title: str) -> None:
        self._say_busy(f"making the map of {title} …")
        found = await subject.make_map(self._home, wanted)
        self.show_map(found, title)

    # painting

    def _repaint_if_changed(self) -> None:
        if self.is_current and self._look_at_map():
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
        self._waits = {"map", "pictures", "notes"}
        return True

    def on_resize(self) -> None:
        self._waits = {"map", "pictures", "notes"}

    def _repaint(self, at_once: bool = True) -> None:
        if not self.is_mounted or not len(self.query(MapView)):
            return
        self._dirty = False
        is_kl = self._recipe.model.bottleneck == "kl" and self.run_folder is not None
        self.bar.show(self.state.name if self.run_folder else self._title)
        head = self.query_one(ExplorerHead)
        if self._busy:
            head.show_text([(self._busy, "accent")])
        elif self.run_folder is not None:
            head.show_run(self.state, self.pending(), self._note)
        elif self.map is not None:
            head.show_text(self._about_map(self.map))
        health = self.query_one(HealthLines)
        if is_kl:
            health.show_kl(self.state.numbers.get("latent/kl"))
        else:
            health.show(self.map, self.maps.shows, self._key_of("deadness"))
        if self.run_folder is not None:
            self.query_one(LossCurves).show(self.state, self._losses(), self._log)
            self.query_one(Knobs).show(self.knobs(), live=self.state.is_active)
        self._paint_large(at_once)
        self.refresh_bindings()

    def _paint_large(self, at_once: bool) -> None:
        """Draw the map, the pictures and the codes, each as often as the line can bear."""
        if at_once:
            self._waits = {"map", "pictures", "notes"}
        now = time.monotonic()
        for part in sorted(self._waits):
            if not (at_once or self._due[part].is_due(now)):
                continue
            self._waits.discard(part)
            self._due[part].spend(now, self._paint_part(part))

    def _paint_part(self, part: str) -> int:
        if part == "map":
            nothing = self._busy or ("no map yet" if self.run_folder else "")
            return self.maps.show(self.map, nothing)
        if part == "pictures":
            return self.query_one(PicturesView).show(self.map)
        pane = self.query_one(CodePane)
        pane.show(self.maps.scene, self.maps.shows, self.maps.chosen)
        return pane.size.area // 4

    def _about_map(self, found: CodeMap) -> list[tuple[str, str]]:
        groups = words.plural(len(found.groups), "group")
        return [
            (f"map of {self._title}", "foreground"),
            (f"{words.plural(len(found.points), 'point')} in {groups}", "foreground"),
            # of a run that trains it is the newest checkpoint's, not that of now
            (f"as of step {found.step:,}", "foreground"),
            (f"plane holds {words.percent(found.explained)} of the variance", "dim"),
        ]

    def _losses(self) -> tuple[tuple[str, str, str], ...]:
        model = self._recipe.model
        if model.bottleneck == "kl":
            return TRAIN, RECON, KL, VAL
        return (TRAIN, RECON, COMMIT, CODEBOOK) if model.codebooks == "gradient" else (TRAIN, RECON, COMMIT, VAL)

    def _key_of(self, action: str) -> str:
        for active in self.active_bindings.values():
            if active.binding.action == action:
                return self.app.get_key_display(active.binding)
        return ""

    @on(MapView.Chose)
    def _chose(self) -> None:
        pane = self.query_one(CodePane)
        pane.show(self.maps.scene, self.maps.shows, self.maps.chosen)

    def knobs(self) -> list[Knob]:
        """The live settings; the weights of the losses go to MOST_WEIGHT here."""
        found = super().knobs()
        for knob in found:
            if knob.field.key in ("loss.commitment_weight", "loss.codebook_weight"):
                knob.field = dataclasses.replace(knob.field, le=MOST_WEIGHT)
        return found

    # keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "start":
            return not self._busy
        if action in ("reset", "training"):
            return self.run_folder is not None and not self._busy
        if action in ("points", "toggle_cells", "toggle_trails", "deadness"):
            return self.map is not None and bool(self.map.levels)
        if action == "scale":
            return self.run_folder is not None
        if action == "next_view":
            return self.run_folder is not None or self.map is not None
        return super().check_action(action, parameters)

    def action_points(self, what: str) -> None:
        """Draw this for the data, or encoder outputs alone if that is drawn."""
        shows = self.maps.shows
        shows.points = "outputs" if shows.points == what else "sums" if what == "sums" else "residuals"
        self._repaint()

    def action_toggle_cells(self) -> None:
        self.maps.shows.cells = not self.maps.shows.cells
        self._repaint()

    def action_toggle_trails(self) -> None:
        self.maps.shows.trails = not self.maps.shows.trails
        self._repaint()

    def action_deadness(self) -> None:
        shows = self.maps.shows
        shows.deadness = "total" if shows.deadness == "even" else "even"
        self.notify(f"Dead: {DEADNESS[shows.deadness]}.", timeout=4)
        self._repaint()

    def action_scale(self) -> None:
        self._log = {None: True, True: False, False: None}[self._log]
        said = {None: "as they span", True: "logarithmic", False: "linear"}[self._log]
        self.notify(f"Losses: {said}.", timeout=2)
        self._repaint()

    def action_training(self) -> None:
        assert self.run_folder is not None
        self.post_message(RunWanted(self.run_folder))

    def action_next_view(self) -> None:
        views = [view for view in VIEWS if view != "pictures" or self.query_one(PicturesView).count]
        self._go(views[(views.index(self.view) + 1) % len(views)] if self.view in views else "desk")

    def action_back(self) -> None:
        if not self.maps.choose_none():
            self._go("desk")

    def _go(self, view: str) -> None:
        self.view = view
        for name in VIEWS:
            self.set_class(name == view, f"-view-{name}")
        self.call_after_refresh(self._repaint)

    # runs

    def action_start(self) -> None:
        folder = subject.last_folder(self._home)
        begin(self, "making", self._try, self._start, "starting a run …", *(["--data", folder] if folder else []))

    def action_reset(self) -> None:
        run = self.run_folder
        assert run is not None
        flags = subject.same_again(run, self._recipe.train.seed, self.knobs())
        if not self.is_steerable or self._wish(wanted="stopped"):
            begin(self, "making", self._try, self._start, "new weights …", *flags)

    async def _start(self, said: str, *flags: str) -> None:
        self._say_busy(said)
        self.watch_run(await subject.begin_run(self._home, *flags))
