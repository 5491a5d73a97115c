"""The Library screen: the models, the chosen one's card, and what can be done with it."""

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll

from distill_tui.errors import DistillError
from distill_tui.library.index import Entry, fill, keep_filled
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.reporting import formatting, quality, sound_quality
from distill_tui.ui.screens.base import DEMO_KEY, BaseScreen
from distill_tui.ui.screens.library.actions import ModelActions
from distill_tui.ui.screens.library.card import CardView
from distill_tui.ui.screens.library.compare_dialog import CompareDialog
from distill_tui.ui.screens.library.keys import (
    DAMAGED_TOO,
    LIST_KEYS,
    MODEL_KEYS,
    NO_MODEL,
    NOT_OF_A_GENERATOR,
    OF_A_CODEC,
)
from distill_tui.ui.screens.library.model_details import Shown, look_at
from distill_tui.ui.screens.library.model_list import ModelList
from distill_tui.ui.screens.library.model_sounds import SoundPair, can_make, make_pair, pair_of
from distill_tui.ui.screens.library.sound_panel import SoundPanel
from distill_tui.ui.services.audio_player import AudioPlayer
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.empty_note import EmptyNote
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.panel import framed
from distill_tui.ui.widgets.table import RowTable

PAGE = 64
"""Older files that are read at a time for what their summaries do not have."""
EMPTY = """No models yet.

A run puts its model here when it finishes or is stopped.
Press 1 to choose a folder of sounds and train one; d runs the demo.
i imports the file of a model, X restores a deleted one."""


class LibraryScreen(BaseScreen):
    """The models of this home."""

    CSS_PATH = "library.tcss"
    MODE = "library"
    TITLE_TEXT = "Library"
    HELP_TEXT = (
        "The models that were trained or imported here. The chosen one's card is shown beside the list or below it; "
        "tab goes there to scroll. Enter plays what it makes of a sound, o the original. "
        "Space marks a model; two marked ones are compared side by side. "
        "Deleted models go to the trash and can be restored. " + sound_quality.HELP + " " + quality.HELP
    )
    AUTO_FOCUS = "#models"
    BINDINGS: ClassVar[list[BindingType]] = [*LIST_KEYS, *MODEL_KEYS, DEMO_KEY]

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home
        self._library = Library(home)
        self._shown: Shown | None = None
        self.models = ModelList(id="models-pane")
        self._actions = ModelActions(self, home, self._library)
        self._on_card: Path | None = None
        self._pair: SoundPair | None = None
        self._player = AudioPlayer(self)

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        yield EmptyNote(EMPTY, id="empty")
        with Vertical(id="library-panes"):
            yield framed(self.models, "Models")
            with Horizontal(id="model-panes"):
                yield framed(VerticalScroll(CardView(id="card"), id="card-pane"), "Card", "recipe")
                yield framed(SoundPanel(id="model-sound"), "Sound", "sound")
        yield from self.footer()

    # showing

    def on_screen_suspend(self) -> None:
        self._player.stop()

    def on_screen_resume(self) -> None:
        # its run may have gone on, or be gone
        self._shown = None
        self.reload()

    def reload(self, choose: str | None = None) -> None:
        """Read the library again; `choose` is the path of the entry to choose."""
        begin(self, "list", self._reload, choose)

    async def _reload(self, choose: str | None) -> None:
        entries = await self.in_thread(self._library.list) or []
        self.set_class(not entries, "-empty")
        self._list(entries, choose)
        if any(entry.summary is not None and entry.summary.data is None for entry in entries):
            await self._fill(entries)

    def _list(self, entries: list[Entry], choose: str | None = None) -> None:
        self.models.show({str(entry.path): entry for entry in entries}, choose)
        self.refresh_bindings()

    async def _fill(self, entries: list[Entry]) -> None:
        """Read what the summaries of older files do not have, some at a time, and keep it in the index."""
        for start in range(0, len(entries), PAGE):
            found = await asyncio.to_thread(fill, entries[start : start + PAGE])
            await asyncio.to_thread(keep_filled, self._home.models, found)
        self._list(await self.in_thread(self._library.list) or [])

    def on_filtered_list_filled(self, message: ModelList.Filled) -> None:
        of = f"{message.shown:,} of " if message.shown != message.total else ""
        self.bar.show(of + formatting.plural(message.total, "model") if message.total else "")

    @on(RowTable.Highlighted)
    def _highlighted(self) -> None:
        self.refresh_bindings()
        entry = self.models.chosen
        if entry is None:
            begin(self, "card", self._show_nothing)
        elif self._shown is None or self._shown.entry != entry:
            begin(self, "card", self._look, entry)

    async def _show_nothing(self) -> None:
        self._shown = self._pair = self._on_card = None
        self.query_one(CardView).show(None, "" if self.models.is_empty else "Nothing matches the filter.")
        self.query_one(SoundPanel).show(None, "")

    async def _look(self, entry: Entry) -> None:
        shown = await self.in_thread(lambda: look_at(self._home, entry))
        if shown is None or self.models.chosen != entry:
            return
        # the sound of the model before is not this one's
        self._shown, self._pair = shown, None
        if self._on_card != entry.path:
            self.query_one("#card-pane").scroll_home(animate=False)
        self._on_card = entry.path
        self.query_one(CardView).show(shown)
        await self._show_sound(shown)

    async def _show_sound(self, shown: Shown) -> None:
        self._pair = await asyncio.to_thread(pair_of, self._home, shown)
        instead = "Nothing to hear yet."
        if self._pair is None and shown.card is not None:
            can = await asyncio.to_thread(can_make, shown)
            enter = "Nothing to hear yet: enter reconstructs one of its sounds."
            other = "g makes sounds with it." if shown.card.task == "prior" else "U puts sounds through it."
            instead = enter if can else f"Its run and its sounds are not here any more. {other}"
        for panel in self.query(SoundPanel):
            panel.show(self._pair, instead)
        self.refresh_bindings()

    @on(RowTable.Picked)
    def _picked(self) -> None:
        self.listen(is_original=False)

    def listen(self, is_original: bool) -> None:
        """Play the reconstruction of the chosen model's pair, or the original; make the pair if there is none."""
        if self._shown is not None and self._shown.entry == self.models.chosen:
            begin(self, "listen", self._listen, self._shown, is_original)

    async def _listen(self, shown: Shown, is_original: bool) -> None:
        if self._pair is None:
            await self._show_sound(shown)
        if self._pair is None:
            if not await asyncio.to_thread(can_make, shown):
                self.notify("None of its sounds is here. U puts others through it.", severity="warning", markup=False)
                return
            for panel in self.query(SoundPanel):
                panel.show(None, "reconstructing a sound …")
            try:
                await make_pair(self._home, shown)
            except (DistillError, OSError) as error:
                self.notify(str(error), severity="error", timeout=10, markup=False)
            await self._show_sound(shown)
        pair = self._pair
        if pair is not None and self.models.chosen == shown.entry:
            path, title = (pair.original, pair.left) if is_original else (pair.made, pair.right)
            await self._player.play(path, f"{title}: {pair.about}", f"{title}: {shown.entry.name}")

    # keys

    def copyable(self) -> str:
        """The file of the chosen model."""
        entry = self.models.chosen if self.is_mounted else None
        return str(entry.path) if entry is not None else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("filter", "sort"):
            return not self.models.is_empty
        if action == "clear_filter":
            return self.models.is_filtered
        if action == "compare":
            return self.models.has_marks
        if action == "mark" or (action == "model" and parameters not in NO_MODEL):
            entry = self.models.chosen if self.is_mounted else None
            if entry is None or (entry.summary is None and parameters not in DAMAGED_TOO):
                return False
            if parameters == ("original",):
                return self._pair is not None
            if parameters == ("measure",):
                return entry.kind in ("codec", "generator")
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
        self.refresh_bindings()

    def action_clear_filter(self) -> None:
        self.models.clear_filter()
        self.refresh_bindings()

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
