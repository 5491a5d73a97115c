"""The Library screen: the models, the chosen one's card, and what can be done with it."""

import math
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Static

from distill_tui.library.index import Entry
from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.ui.dialogs.compare import CompareDialog
from distill_tui.ui.screens.library.actions import HANDLING, USE, HandlingScreen, library_key
from distill_tui.ui.screens.library.card import CardView
from distill_tui.ui.screens.library.model_details import Shown, look_at
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.table import Column, Row, RowTable

EMPTY = """No models yet.

A run puts its model here when it finishes or is stopped.
Press 1 to choose a folder of sounds and train one, or try:  distill-tui demo
A model from elsewhere: i imports its file, t brings back what was deleted."""

SORTS = ("created", "name", "val loss", "kbps", "parameters")
LETTERS = ("a", "b")
"""How the two models that are to be compared are marked."""


class LibraryScreen(HandlingScreen):
    """The models of this home."""

    CSS_PATH = "library.tcss"
    MODE = "library"
    TITLE_TEXT = "Library"
    HELP_TEXT = (
        "Every model that was trained or imported here. The chosen one's card stands beside the list, or below it; "
        "tab goes there to scroll. Space marks a model; two marked ones are compared side by side. "
        "Deleted models go to the trash, from where they can be taken back."
    )
    AUTO_FOCUS = "#models"
    BINDINGS: ClassVar[list[BindingType]] = [
        library_key("slash", "filter", "Filter", "filter", "Filter by name or run", True, "/"),
        library_key("s", "sort", "Sort", "sort", "Sort by the next column", True),
        USE,
        library_key("space", "mark", "Mark", "mark", "Mark the chosen model, to compare two", True),
        library_key("equals_sign", "compare", "Compare", "compare", "Compare the two marked models", True, "="),
        *HANDLING,
        library_key("escape", "clear_filter", "Clear filter", "clear", "Show every model again"),
    ]

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._entries: dict[str, Entry] = {}
        self._shown: Shown | None = None
        self._marked: list[str] = []
        self._sort = 0

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        yield Static(EMPTY, id="empty", markup=False)
        with Horizontal(id="library-panes"):
            with Vertical(id="models-pane"):
                box = Input(placeholder="filter by name or run", compact=True, id="filter")
                box.cursor_blink = False
                yield box
                yield RowTable(id="models")
            with VerticalScroll(id="card-pane", classes="pane"):
                yield CardView(id="card")
        yield self.footer()

    def on_mount(self) -> None:
        self.query_one("#filter").display = False

    def on_screen_resume(self) -> None:
        self.reload()

    def on_resize(self) -> None:
        if self._entries:
            self._fill()

    # showing

    def reload(self, choose: str | None = None) -> None:
        """Read the library again; `choose` is the path of the entry to choose."""
        begin(self, "list", self._reload, choose)

    async def _reload(self, choose: str | None) -> None:
        entries = await self.in_thread(self._library.list) or []
        self._entries = {str(entry.path): entry for entry in entries}
        self._marked = [path for path in self._marked if path in self._entries]
        self.set_class(not entries, "-empty")
        self._fill(choose)
        self.refresh_bindings()

    @property
    def _list(self) -> RowTable:
        return self.query_one("#models", RowTable)

    @property
    def chosen(self) -> Entry | None:
        """The entry under the cursor."""
        return self._entries.get(self._list.chosen or "")

    def _fill(self, choose: str | None = None) -> None:
        roomy = not self.has_class("-narrow")
        titles = ["name", "created", "kbps", "val loss", "parameters"] if roomy else ["name", "val loss"]
        columns = [Column(t + " ↓" * (t == SORTS[self._sort]), t not in ("name", "created")) for t in titles]
        wanted = self.query_one("#filter", Input).value.lower()
        shown = [entry for entry in self._entries.values() if wanted in _searched(entry)]
        shown.sort(key=lambda entry: _sort_key(entry, SORTS[self._sort]))
        self._list.fill(columns, [self.row(entry, titles) for entry in shown], choose)
        self._list.mark(dict(zip(self._marked, LETTERS, strict=False)))
        of = f"{len(shown):,} of " if len(shown) != len(self._entries) else ""
        self.bar.show(of + formatting.plural(len(self._entries), "model") if self._entries else "")
        if not shown:
            self.query_one(CardView).show(None, "Nothing matches the filter." if self._entries else "")

    def row(self, entry: Entry, titles: list[str]) -> Row:
        facts = entry.summary
        if facts is None:
            cells = {"name": entry.name, "created": "damaged"}
        else:
            cells = {
                "name": entry.name,
                "created": formatting.local_day(entry.created)[: None if self.has_class("-huge") else 10],
                "kbps": f"{facts.kbps:.2f}" if facts.kbps is not None else formatting.MISSING,
                "val loss": formatting.number(facts.losses.get("val")),
                "parameters": formatting.short_count(facts.parameters),
            }
        values = tuple(cells.get(title, formatting.MISSING) for title in titles)
        return Row(str(entry.path), values, "text" if facts else "error")

    @on(RowTable.Highlighted)
    def _highlighted(self) -> None:
        self.refresh_bindings()
        entry = self.chosen
        if entry is None:
            self._shown = None
        elif self._shown is None or self._shown.entry != entry:
            begin(self, "card", self._look, entry)

    async def _look(self, entry: Entry) -> None:
        self._shown = await self.in_thread(lambda: look_at(self._home, entry))
        self.query_one("#card-pane").scroll_home(animate=False)
        self._show_card()

    def _show_card(self) -> None:
        if self._shown is not None and self.chosen == self._shown.entry:
            self.query_one(CardView).show(self._shown)

    # looking for models

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("filter", "sort", "clear_filter"):
            return bool(self._entries)
        if action in ("rename", "delete", "verify", "export"):
            return self.is_mounted and self.chosen is not None
        if action in ("use", "mark", "begin", "continue", "go_on", "watch"):
            return self.is_mounted and self.chosen is not None and self.chosen.summary is not None
        if action == "compare":
            return bool(self._marked)
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    @on(Input.Changed, "#filter")
    def _filtered(self) -> None:
        self._fill()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self._list.focus()

    def action_clear_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.value = ""
        box.display = False
        self._list.focus()

    def action_sort(self) -> None:
        self._list.focus()
        self._sort = (self._sort + 1) % len(SORTS)
        self._fill()

    # two models

    def action_mark(self) -> None:
        # what acts on the list goes on there: the arrows may have scrolled the card
        self._list.focus()
        path = str(self.model.path)
        if path in self._marked:
            self._marked.remove(path)
        else:
            self._marked = [*self._marked[-1:], path]
        self._list.mark(dict(zip(self._marked, LETTERS, strict=False)))
        self.refresh_bindings()

    def action_compare(self) -> None:
        here = self._list.chosen
        pair = list(dict.fromkeys([*self._marked, *([here] if here else [])]))[:2]
        if len(pair) < 2:
            self.notify("Mark two models with space, or go to the second one.", markup=False)
            return
        entries = [self._entries[path] for path in pair]
        if any(entry.summary is None for entry in entries):
            self.notify("A damaged model cannot be compared.", severity="warning", markup=False)
            return
        begin(self, "compare", self._compare, entries)

    async def _compare(self, entries: list[Entry]) -> None:
        both = await self.in_thread(lambda: [look_at(self._home, entry) for entry in entries])
        if both is not None:
            self.app.push_screen(CompareDialog(self._home, both[0], both[1]))


def _searched(entry: Entry) -> str:
    return f"{entry.name} {entry.summary.run if entry.summary else ''}".lower()


def _sort_key(entry: Entry, by: str) -> Any:
    facts = entry.summary
    if by == "name":
        return entry.name.lower()
    if by == "created":
        # the newest first: the ISO form backwards
        return [-ord(c) for c in entry.created]
    value = None
    if facts is not None:
        value = {"val loss": facts.losses.get("val"), "kbps": facts.kbps, "parameters": facts.parameters}[by]
    return math.inf if value is None else value
