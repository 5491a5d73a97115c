"""The Explorer screen: what a codebook does, seen while its knobs are turned."""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from distill_tui.errors import DistillError
from distill_tui.files import printable
from distill_tui.paths import Home
from distill_tui.runs.codebook_map import DEADNESS
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.screens.base import RunWanted
from distill_tui.ui.screens.explorer import sources
from distill_tui.ui.screens.explorer.layout import VIEWS, MapScreen
from distill_tui.ui.screens.explorer.listening import Listening
from distill_tui.ui.screens.explorer.map_view import MapView
from distill_tui.ui.screens.explorer.pixels import PicturesView
from distill_tui.ui.screens.explorer.sources import SoundRun
from distill_tui.ui.screens.run_screen import STEERING, UNDO
from distill_tui.ui.services.control_writer import Request
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.knobs import Knob

MOST_WEIGHT = 2.0
"""The knobs of the losses go so far here."""
CHECKPOINT_SECONDS = 1.0
"""How often a newer checkpoint of a run of sounds is looked for."""


class ExplorerScreen(MapScreen):
    """Follows a run of pictures with its map, or shows the map of another run or model."""

    TITLE_TEXT = "Explorer"
    HELP_TEXT = (
        "For each level a map: letters are data (of a run of pictures the digit, else the folder or file), filled "
        "diamonds are codes in use, hollow ones are dead. What enters a level is what the codes of the levels before "
        "left over (residuals). The arrows choose a code; escape lets go of it. Tab leads to the knobs, which act "
        "within a second. Sounds are shown along the two directions in which their latents differ most, what is left "
        "of them along its own two; there enter plays where a code is used most, and p goes on to the next such place."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *STEERING,
        Binding("n", "start", "New", id="explorer.new", tooltip="Start a run: the folder used last, or figures"),
        Binding("x", "reset", "Reset", id="explorer.reset", tooltip="New weights, same recipe and knobs"),
        UNDO,
        Binding("r", "look", "Runs", id="explorer.look", tooltip="Look at another run or model"),
        Binding("k", "renew", "Renew", id="explorer.renew", tooltip="Ask the run for a checkpoint, and map that"),
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
        self._listening = Listening(self, home)

    def on_mount(self) -> None:
        self.set_interval(CHECKPOINT_SECONDS, self._look_for_checkpoint)

    # what is looked at

    def action_look(self) -> None:
        begin(self, "look", self._offer)

    async def _offer(self) -> None:
        from distill_tui.ui.screens.config.recipe_sources import COLUMNS, FILE, origins

        try:
            rows = [row for row in await asyncio.to_thread(origins, self._home) if row.key != FILE]
        except DistillError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return
        names = {row.key: row.cells[0] for row in rows}

        def answered(key: str | None) -> None:
            if key is None:
                return
            self.workers.cancel_group(self, "making")
            kind, _, which = key.partition(":")
            run, title = RunFolder(self._home.runs / which), f"{kind} {printable(names[key])}"
            if kind == "run" and run.pictures.is_file():
                self.watch_run(run)
            elif kind == "run":
                self._look_at_sounds(run, title)
            else:
                begin(self, "making", self._try, self._make_map, which, title)

        self.app.push_screen(
            PickDialog("Look at", COLUMNS, rows, take="look at it", empty="There is no run and no model yet."), answered
        )

    async def _try(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        """What is made beside the screen, one thing at a time; tells what went wrong."""
        try:
            await work(*arguments)
        except DistillError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            if self.map is None:
                self.sounds = None
        finally:
            self._busy = ""
            if self.is_attached:
                self.set_class(self.is_blank, "-empty")
                self._repaint()

    def _say_busy(self, text: str) -> None:
        self._busy = text
        self.set_class(False, "-empty")
        self._repaint()

    async def _make_map(self, wanted: str, title: str) -> None:
        self._say_busy(f"making the map of {title} …")
        found = await sources.make_map(self._home, wanted)
        self.sounds = None
        self.show_map(found, title)

    # a run of sounds, by its newest checkpoint

    def _look_at_sounds(self, run: RunFolder, title: str) -> None:
        self.leave_run(title)
        self.sounds = SoundRun(run, title)
        self._repaint()
        self.call_after_refresh(self._look_for_checkpoint)

    def _look_for_checkpoint(self) -> None:
        """Make the map when there is a newer checkpoint; a run that has none yet is asked for one, once."""
        sounds = self.sounds
        if sounds is None or self._busy or not self.is_current:
            return
        # in this order: what a worker leaves as it ends is seen
        sounds.look()
        if sounds.newest != sounds.shown and (sounds.newest or not sounds.is_alive):
            begin(self, "making", self._try, self._map_sounds, sounds)
        elif not sounds.newest and not sounds.has_asked:
            sounds.has_asked = True
            begin(self, "ask", self._ask_for_checkpoint, sounds)

    async def _ask_for_checkpoint(self, sounds: SoundRun, said: str = "") -> None:
        if await self.in_thread(sounds.ask) and said:
            self.notify(said, timeout=3)
        self._repaint()

    async def _map_sounds(self, sounds: SoundRun) -> None:
        sounds.shown = sounds.newest
        self._say_busy(f"making the map of {sounds.title} …")
        found = await sources.make_map(self._home, sounds.run.id)
        if sounds is self.sounds:
            self.renew_map(found)

    def action_renew(self) -> None:
        assert self.sounds is not None
        begin(self, "ask", self._ask_for_checkpoint, self.sounds, "Asked for a checkpoint: its map comes with it.")

    # listening

    @on(MapView.Asked)
    def _listen(self, message: MapView.Asked) -> None:
        if message.to_hear:
            self._listening.play(message.stretch)
        else:
            self._listening.tell(message.stretch)

    def on_screen_suspend(self) -> None:
        self._listening.stop()

    # keys

    def knobs(self) -> list[Knob]:
        """The live settings; the weights of the losses go to MOST_WEIGHT here."""
        found = super().knobs()
        for knob in found:
            if knob.field.key in ("loss.commitment_weight", "loss.codebook_weight"):
                knob.field = dataclasses.replace(knob.field, le=MOST_WEIGHT)
        return found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "start":
            return not self._busy
        if action == "renew":
            return self.sounds is not None and self.sounds.is_alive and self.map is not None
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
        self.go(views[(views.index(self.view) + 1) % len(views)] if self.view in views else "desk")

    def action_back(self) -> None:
        if not self.maps.choose_none():
            self.go("desk")

    # runs

    def action_start(self) -> None:
        begin(self, "making", self._try, self._start, "starting a run …", partial(sources.start_run, self._home))

    def action_reset(self) -> None:
        run = self.run_folder
        assert run is not None
        settings = {knob.field.key: knob.wanted for knob in self.knobs()}
        start = partial(sources.start_again, self._home, run, settings)
        stop = self._ask(wanted="stopped") if self.is_steerable else None
        begin(self, "making", self._try, self._start_again, stop, start)

    async def _start_again(self, stop: Request | None, start: Callable[[], RunFolder]) -> None:
        if stop is None or await self._is_written(stop):
            await self._start("new weights …", start)

    async def _start(self, said: str, start: Callable[[], RunFolder]) -> None:
        self._say_busy(said)
        self.watch_run(await asyncio.to_thread(start))
