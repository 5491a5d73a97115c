"""The Generate screen: what to make at the left, the takes as they come at the right."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.timer import Timer

from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.reporting import formatting, novelty
from distill_tui.takes import protocol as p
from distill_tui.takes.request import Request
from distill_tui.text import decode_path
from distill_tui.ui.command_palette import keys_by_id
from distill_tui.ui.repaint import RepaintScheduler
from distill_tui.ui.screens.base import BaseScreen
from distill_tui.ui.screens.generate.form import RequestForm
from distill_tui.ui.screens.generate.form_editor import FormEditor
from distill_tui.ui.screens.generate.models import ModelChoice, shown_name
from distill_tui.ui.screens.generate.open_set import OpenSet
from distill_tui.ui.screens.generate.request_panel import RequestPanel
from distill_tui.ui.screens.generate.set_actions import SetActions
from distill_tui.ui.screens.generate.take_actions import TAKE_KEYS, TakeActions
from distill_tui.ui.screens.generate.take_card import TakeCard
from distill_tui.ui.screens.generate.takes_list import TakesList
from distill_tui.ui.screens.generate.work import GenerateWork
from distill_tui.ui.screens.generate.work_line import WorkLine
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.empty_note import EmptyNote
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.panel import framed

EMPTY = """No model yet.

Press 1 to choose a folder of sounds and train one on it: its sounds
can be blended and walked through at once. A prior for it, which makes
sounds of its own, is trained from the Library (3).

Or try:  distill-tui demo"""
REST_SECONDS = 0.6
"""Delay before a chosen model is loaded, so that stepping through the models loads none on the way."""


class GenerateScreen(BaseScreen):
    """Asks a warm process for takes, and shows the set of takes that is open."""

    CSS_PATH = "generate.tcss"
    MODE = "generate"
    TITLE_TEXT = "Generate"
    HELP_TEXT = (
        "Makes new sounds with a model. A generator draws from its prior; any codec can blend the codes of two of its "
        "sounds, or walk through them. The arrows choose a row at the left and change it, enter types it. Takes come "
        "at the right, each with its length, its loudness and how new it is. They are files in a set, which opens "
        "again the next time. " + novelty.HELP
    )
    AUTO_FOCUS = "#request, #takes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g,ctrl+s", "make", "Generate", key_display="g", id="generate.make", tooltip="Make takes by the form"),
        Binding("S,escape", "cancel", "Stop", key_display="S", id="generate.cancel", tooltip="End the making of takes"),
        *TAKE_KEYS,
        Binding("r", "set('pick')", "Sets", id="generate.sets", tooltip="Open an older set of takes"),
        Binding("n", "set('start_new')", "New set", id="generate.new-set", tooltip="Begin another set of takes"),
        Binding("v", "next_view", "View", id="generate.view", tooltip="The next view: form, takes"),
    ]

    def __init__(self, home: Home) -> None:
        super().__init__()
        self.home = home
        self.form, self.takes = RequestForm(), OpenSet()
        self.models = ModelChoice(Library(home))
        self.list = framed(TakesList(self.takes, id="takes"), "Takes")
        self.painter = RepaintScheduler(self)
        self.painter.add("work", self._paint_work, 0.2)
        self.painter.add("takes", self.show_takes, 0.3)
        self.work = GenerateWork(home, lambda: self.painter.mark("work"), self._take_made)
        self._panel = framed(RequestPanel(self.form, id="request"), "New sounds", "recipe")
        self._card = framed(TakeCard(self.takes, id="take-card"), "Take", "sound")
        self._editor = FormEditor(self, self.form, self._form_changed)
        self._actions = TakeActions(self)
        self.sets = SetActions(self)
        self._opening: Timer | None = None
        self._bound: tuple[object, ...] = ()
        self._look_at = ""

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        yield EmptyNote(EMPTY, id="empty")
        yield WorkLine(id="work-narrow")
        with Horizontal(id="generate-panes"):
            yield self._panel
            with Vertical(id="takes-pane"):
                yield WorkLine(id="work")
                with Container(id="takes-body"):
                    yield self.list
                    yield self._card
        yield from self.footer()

    # what is there

    def on_screen_resume(self) -> None:
        begin(self, "look", self.refresh_all)
        self.painter.mark()

    def on_screen_suspend(self) -> None:
        self._actions.stop_playing()

    def on_unmount(self) -> None:
        self.work.process.close()

    def on_key(self) -> None:
        self.painter.key_pressed()

    async def refresh_all(self) -> None:
        """Read again which models and takes there are, and show them; the chosen model is loaded meanwhile."""
        if await self.in_thread(self.models.read) is None:
            return
        await self.sets.look()
        before = self.form.values["model"]
        self.form.values["model"] = self.models.choose(before)
        if before and before not in self.models.entries:
            self.notify(f"The model {shown_name(before)} is gone.", severity="warning")
        self.form.models = {path: entry.name for path, entry in self.models.entries.items()}
        self.set_class(not self.models and not self.takes.shown, "-empty")
        self.show_form()
        self.show_takes()
        if self.models and (before != self.form.values["model"] or not self.work.is_started):
            self._open_model()
        self._settle_focus()

    # showing

    def show_form(self, row: str = "") -> None:
        """Show the form as it is now, with the cursor on `row` if one is given."""
        path, ready = self.form.values["model"], self.work.ready
        self.form.has_prior = self.models.has_prior(path)
        is_loaded = ready is not None and decode_path(ready.model) == path
        self.form.labels = tuple(ready.labels) if ready is not None and is_loaded else self.models.labels(path)
        self._panel.choose(row or self._panel.chosen.key)
        self.refresh_bindings()

    def show_takes(self, choose: str = "") -> None:
        """Show the takes as they are now, with the cursor on the one whose file is `choose`."""
        self.form.next_seed = self.takes.next_seed
        self.list.nothing = self._nothing()
        look_at, self._look_at = choose or self._look_at, ""
        self.list.show(look_at)
        self._settle_focus()
        self._panel.repaint()
        shown = self.takes.shown
        kept = sum(take.kept is True for take in shown)
        name = self.takes.path.name if self.takes.path else ""
        marks = f", {kept} kept" if kept else ""
        self.bar.show(f"{name}: {formatting.plural(len(shown), 'take')}{marks}" if shown else name)

    def _nothing(self) -> str:
        key = keys_by_id(self).get("generate.make", "g")
        text = f"No takes yet: {key} makes {formatting.plural(self.form.values['count'], 'new sound')}."
        if not self.form.has_prior:
            text += "\n\nThis model has no prior: blends and walks work at once. T in the Library (3) trains one."
        return text

    @on(TakesList.Highlighted)
    def _highlighted(self) -> None:
        self._card.show(self.list.chosen)
        self.refresh_bindings()

    def _paint_work(self) -> None:
        work = self.work
        said = work.describe(keys_by_id(self).get("generate.make", "g"))
        for line in self.query(WorkLine):
            line.show(said)
        bound = (work.ready, work.is_busy)
        if bound != self._bound:
            # what the loaded model offers, and whether there is something to cancel
            self._bound = bound
            self.show_form()

    def _take_made(self, folder: Path, event: p.TakeMade, is_first: bool) -> None:
        self.list.put_picture(folder / event.take.path, event.picture)
        if folder == self.takes.path:
            self.takes.add(event.take)
            if is_first:
                # it is looked at; who walks about when the others come stays where he is
                self._look_at = event.take.path
            self.painter.mark("takes")

    # the form

    @on(RequestPanel.Changed)
    def _row_changed(self, message: RequestPanel.Changed) -> None:
        self._form_changed(message.key)

    @on(RequestPanel.EditAsked)
    def _edit(self, message: RequestPanel.EditAsked) -> None:
        self._editor.edit(message.setting)

    def _form_changed(self, key: str) -> None:
        if key == "model":
            if self._opening is not None:
                self._opening.stop()
            self._opening = self.set_timer(REST_SECONDS, self._open_model)
            self.form.values["label"] = ""
        self.show_form(key)
        if not self.takes.shown:
            self.show_takes()

    def _open_model(self) -> None:
        if model := self.form.values["model"]:
            self.work.open(Path(model))

    # keys

    def copyable(self) -> str:
        """The file of the chosen take, or the folder of the set."""
        take, folder = self.list.chosen, self.takes.path
        if folder is None:
            return ""
        return str(self.takes.file(take) if take is not None else folder)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "take" if parameters == ("undo",):
                return self.takes.path is not None
            case "take":
                return self.is_mounted and self.list.chosen is not None
            case "make":
                return bool(self.models)
            case "cancel":
                return self.work.is_busy
            case "set" if parameters == ("start_new",):
                return bool(self.takes.shown)
            case "next_view":
                return self.has_class("-narrow")
        return super().check_action(action, parameters)

    def action_take(self, name: str) -> None:
        """Do one of the `TakeActions`."""
        getattr(self._actions, name)()

    def action_set(self, name: str) -> None:
        """Do one of the `SetActions`."""
        getattr(self.sets, name)()

    def action_next_view(self) -> None:
        """Show the takes instead of the form, or the form again, where there is room for one of them."""
        self._show_view(not self.has_class("-view-takes"))

    def _show_view(self, takes: bool) -> None:
        self.set_class(takes, "-view-takes")
        shown = self.list if takes else self._panel
        self.call_after_refresh(lambda: self.set_focus(shown if shown.focusable else None))

    def action_cancel(self) -> None:
        self.work.cancel()

    def action_make(self) -> None:
        self.make(self.form.request, self.form.values["model"])
        if self.has_class("-narrow"):
            self._show_view(takes=True)

    def make(self, request: Callable[[], Request], model: str) -> None:
        """Have takes made by a request, in the open set or a new one; what is wrong with it is shown."""

        def folder(asked: Request) -> Path:
            path = self.sets.path_for(Path(model).stem)
            self.takes.ask(asked.seed, asked.count)
            return path

        self.work.make(Path(model), folder, request)
        self.form.next_seed = self.takes.next_seed
        self._panel.repaint()
        self.painter.repaint("work")
