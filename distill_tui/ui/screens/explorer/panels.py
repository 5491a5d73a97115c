"""Everything that is seen of a source: head, map, losses, health, live settings, the selected code, and images."""

import dataclasses

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from distill_tui.errors import RequestError
from distill_tui.paths import Home
from distill_tui.reporting.metrics import losses_of
from distill_tui.runs.codebook_map import DEADNESS
from distill_tui.text import printable
from distill_tui.ui.repaint import RepaintScheduler
from distill_tui.ui.screens.explorer.code_pane import CodePane
from distill_tui.ui.screens.explorer.head import ExplorerHead, about_run
from distill_tui.ui.screens.explorer.health_panel import HealthLines
from distill_tui.ui.screens.explorer.loader import SourceLoader
from distill_tui.ui.screens.explorer.map_view import MapView
from distill_tui.ui.screens.explorer.pixels import PicturesView
from distill_tui.ui.screens.explorer.sources import ImageRun, Source
from distill_tui.ui.screens.run_controller import RunController
from distill_tui.ui.services.audio_player import AudioPlayer
from distill_tui.ui.services.excerpts import Excerpt, cut
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.knobs import Knob, Knobs
from distill_tui.ui.widgets.losses import LossCurves
from distill_tui.ui.widgets.panel import framed

MOST_WEIGHT = 2.0
"""The upper bound of the weights of the codebook losses on this screen."""


class ExplorerPanels(Vertical):
    """The panels of the Explorer. They show a source and, of a run on images, how that run is doing."""

    def __init__(
        self,
        home: Home,
        loader: SourceLoader,
        controller: RunController,
        painter: RepaintScheduler,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._home, self._loader, self._controller, self._painter = home, loader, controller, painter
        self._log_scale: bool | None = None
        self._shown: Source | None = None
        self._player = AudioPlayer(self)
        # bytes a second are what a panel may take of a slow line
        painter.add("map", self._show_map, 0.5, bytes_per_second=4500)
        painter.add("code", self._show_code, 1.0, bytes_per_second=1000)
        painter.add("images", self._show_images, 0.5, bytes_per_second=2000)

    def compose(self) -> ComposeResult:
        yield ExplorerHead(id="explorer-head")
        with Horizontal(id="explorer-panes"):
            yield framed(MapView(id="explorer-map"), "Latent plane")
            with Vertical(id="explorer-side"):
                yield framed(LossCurves(id="explorer-losses"), "Losses")
                yield framed(HealthLines(id="explorer-health"), "Codebooks", "health")
                yield framed(Knobs(id="explorer-knobs"), "Live settings", "recipe")
                yield framed(CodePane(id="explorer-code"), "Code", "sound")
        yield framed(PicturesView(id="explorer-pictures"), "Pictures", "sound")

    @property
    def map_view(self) -> MapView:
        return self.query_one(MapView)

    @property
    def has_images(self) -> bool:
        """True if there are images to show."""
        return self.query_one(PicturesView).count > 0

    def toggle(self, option: str) -> str:
        """Switch an option of the map, or the `scale` of the losses, over. Returns a notice, or ''."""
        options = self.map_view.options
        if option == "scale":
            self._log_scale = {None: True, True: False, False: None}[self._log_scale]
            return f"Loss scale: { {None: 'auto', True: 'log', False: 'linear'}[self._log_scale] }."
        options.toggle(option)
        return f"Dead: {DEADNESS[options.deadness]}." if option == "deadness" else ""

    # painting

    def show_numbers(self, deadness_key: str) -> None:
        """Show head, health, losses and settings; `deadness_key` changes the definition of dead codes."""
        source, state = self._loader.source, self._controller.state
        head = [] if source is None else source.head
        if isinstance(source, ImageRun):
            head = about_run(state, self._controller.pending(), source.note)
            self.query_one(LossCurves).show(state, losses_of(self._controller.recipe.model), self._log_scale)
            self.query_one(Knobs).show(explorer_knobs(self._controller), live=state.is_active)
        self.query_one(ExplorerHead).show([(self._loader.work, "accent")] if self._loader.work else head)
        health, found = self.query_one(HealthLines), None if source is None else source.map
        nats = [] if found is None else found.kl
        if isinstance(source, ImageRun) and not self._controller.recipe.model.quantizer_facts.has_codes:
            health.show_kl(state.numbers.get("latent/kl"), nats)
        elif nats:
            health.show_kl(sum(nats), nats)
        else:
            health.display = found is not None or not self._loader.work
            health.show(found, self.map_view.options, deadness_key)

    def _show_map(self) -> int:
        source = self._loader.source
        if source is not self._shown:
            self._shown = source
            self.map_view.forget()
        if isinstance(source, ImageRun) and source.has_newer_map:
            source.read_map()
            self._painter.mark("numbers", "code", "images")
        return self.map_view.show(None) if source is None else self.map_view.show(source.map, source.placeholder)

    def _show_code(self) -> int:
        view, pane = self.map_view, self.query_one(CodePane)
        pane.show(view.scene, view.options, view.selection)
        return 5 * pane.size.area

    def _show_images(self) -> int:
        source = self._loader.source
        return self.query_one(PicturesView).show(None if source is None else source.map)

    # what its parts ask for

    @on(MapView.SelectionChanged)
    def _selection_changed(self) -> None:
        self.map_view.repaint()
        selection = self.map_view.selection
        # what is chosen takes the place of what is not asked for now, where there is no room for both
        self.set_class(selection.code is not None or selection.point is not None, "-chosen")
        self._show_code()

    @on(MapView.ListenRequested)
    def _listen(self, message: MapView.ListenRequested) -> None:
        begin(self, "playing", self._play, message.excerpt, message.to_hear)

    async def _play(self, excerpt: Excerpt, to_hear: bool) -> None:
        try:
            path = await cut(self._home, excerpt)
        except RequestError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return
        about = f"{excerpt.text} of\n{printable(str(excerpt.path))}\n\ncut out as\n{printable(str(path))}"
        if to_hear:
            await self._player.play(path, about, title=excerpt.text)
        else:
            self._player.explain(about, path)

    def stop_playing(self) -> None:
        self._player.stop()

    @on(Knobs.Turned)
    def _knob_turned(self, message: Knobs.Turned) -> None:
        self._controller.tune(message.key, message.value)

    @on(Knobs.ExactAsked)
    def _exact_asked(self, message: Knobs.ExactAsked) -> None:
        self._controller.ask_exact(message.knob)


def explorer_knobs(controller: RunController) -> list[Knob]:
    """Return the live settings, with weights of the codebook losses up to MOST_WEIGHT."""
    knobs = controller.knobs()
    for knob in knobs:
        if knob.field.key in ("loss.commitment_weight", "loss.codebook_weight"):
            knob.field = dataclasses.replace(knob.field, le=MOST_WEIGHT)
    return knobs
