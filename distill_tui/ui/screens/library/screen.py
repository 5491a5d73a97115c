"""The Library screen: the models, the chosen one's card, and what can be done with it."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from distill_tui.library.index import Entry
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.reporting import formatting, quality, sound_quality
from distill_tui.ui.screens.base import BaseScreen
from distill_tui.ui.screens.library.actions import (
    DAMAGED_TOO,
    LIST_KEYS,
    MODEL_KEYS,
    NO_MODEL,
    NOT_OF_A_GENERATOR,
    OF_A_CODEC,
    ModelActions,
)
from distill_tui.ui.screens.library.card import CardView
from distill_tui.ui.screens.library.compare_dialog import CompareDialog
from distill_tui.ui.screens.library.model_details import Shown, look_at
from distill_tui.ui.screens.library.model_list import ModelList
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.table import RowTable

EMPTY = """No models yet.

A run puts its model here when it finishes or is stopped.
Press 1 to choose a folder of sounds and train one, or try:  distill-tui demo
i imports the file of a model, X restores a deleted one."""


class LibraryScreen(BaseScreen):
    """The models of this home."""

    CSS_PATH = "library.tcss"
    MODE = "library"
    TITLE_TEXT = "Library"
    HELP_TEXT = (
        "The models that were trained or imported here. The chosen one's card is shown beside the list or below it; "
        "tab goes there to scroll. Space marks a model; two marked ones are compared side by side. "
        "Deleted models go to the trash and can be restored. " + sound_quality.HELP + " " + quality.HELP
    )
    AUTO_FOCUS = "#models"
    BINDINGS: ClassVar[list[BindingType]] = [*LIST_KEYS, *MODEL_KEYS]

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home
        self._library = Library(home)
        self._shown: Shown | None = None
        self.models = ModelList(id="models-pane")
        self._actions = ModelActions(self, home, self._library)

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        yield Static(EMPTY, id="empty", markup=False)
        with Horizontal(id="library-panes"):
            yield self.models
            with VerticalScroll(id="card-pane", classes="pane"):
                yield CardView(id="card")
        yield from self.footer()

    # showing

    def on_screen_resume(self) -> None:
        self.reload()

    def reload(self, choose: str | None = None) -> None:
        """Read the library again; `choose` is the path of the entry to choose."""
        begin(self, "list", self._reload, choose)

    async def _reload(self, choose: str | None) -> None:
        entries = await self.in_thread(self._library.list) or []
        self.set_class(not entries, "-empty")
        self.models.show(entries, choose)
        self.refresh_bindings()

    def on_model_list_filled(self, message: ModelList.Filled) -> None:
        of = f"{message.shown:,} of " if message.shown != message.total else ""
        self.bar.show(of + formatting.plural(message.total, "model") if message.total else "")
        if not message.shown:
            self.query_one(CardView).show(None, "Nothing matches the filter." if message.total else "")

    @on(RowTable.Highlighted)
    def _highlighted(self) -> None:
        self.refresh_bindings()
        entry = self.models.chosen
        if entry is None:
            self._shown = None
        elif self._shown is None or self._shown.entry != entry:
            begin(self, "card", self._look, entry)

    async def _look(self, entry: Entry) -> None:
        self._shown = await self.in_thread(lambda: look_at(self._home, entry))
        self.query_one("#card-pane").scroll_home(animate=False)
        if self._shown is not None and self.models.chosen == self._shown.entry:
            self.query_one(CardView).show(self._shown)

    # keys

    def copyable(self) -> str:
        """The file of the chosen model."""
        entry = self.models.chosen if self.is_mounted else None
        return str(entry.path) if entry is not None else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("filter", "sort", "clear_filter"):
            return not self.models.is_empty
        if action == "compare":
            return self.models.has_marks
        if action == "mark" or (action == "model" and parameters not in NO_MODEL):
            entry = self.models.chosen if self.is_mounted else None
            if entry is None or (entry.summary is None and parameters not in DAMAGED_TOO):
                return False
            if parameters == ("generate",):
                return entry.kind in ("codec", "generator")
            if parameters in OF_A_CODEC:
                return entry.kind == "codec"
            return entry.kind != "generator" or parameters not in NOT_OF_A_GENERATOR
        return super().check_action(action, parameters)

    def action_model(self, name: str) -> None:
        """Do one of the `ModelActions`."""
        getattr(self._actions, name)()

    def action_filter(self) -> None:
        self.models.open_filter()

    def action_clear_filter(self) -> None:
        self.models.clear_filter()

    def action_sort(self) -> None:
        self.models.sort_by_next()

    def action_mark(self) -> None:
        self.models.toggle_mark()
        self.refresh_bindings()

    def action_compare(self) -> None:
        pair = self.models.pair()
        if len(pair) < 2:
            self.notify("Mark two models with space, or go to the second one.", markup=False)
        elif any(entry.summary is None for entry in pair):
            self.notify("A damaged model cannot be compared.", severity="warning", markup=False)
        else:
            begin(self, "compare", self._compare, pair)

    async def _compare(self, pair: list[Entry]) -> None:
        both = await self.in_thread(lambda: [look_at(self._home, entry) for entry in pair])
        if both is not None:
            self.app.push_screen(CompareDialog(self._home, both[0], both[1]))
