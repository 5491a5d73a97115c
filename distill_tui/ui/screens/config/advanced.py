"""The rarer fields of the recipe: folded away, in groups with headings, what was changed on top, filtered by typing."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Collapsible, Input, Static

from distill_tui.recipe.fields import GROUPS, fields
from distill_tui.text import printable
from distill_tui.ui.screens.config.fields import FieldRow
from distill_tui.ui.screens.config.form import RecipeForm, advanced_fields, basic_fields, matches

CHANGED = "changed"
HEADINGS = {CHANGED: "Changed", **GROUPS}
ORDER = list(fields())


class FilterInput(Input):
    """The words that are searched: escape clears them and leaves an empty field, enter goes to the first match."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_filter", "Clear", show=False, id="filter.clear", tooltip="Show all settings again"),
    ]

    def action_clear_filter(self) -> None:
        if self.value:
            self.value = ""
        else:
            self.screen.set_focus(None)


class Advanced(Collapsible, inherit_css=False):
    """The rows of the form's advanced fields.

    Textual's own style sheet tints a `Collapsible` while the focus is within, for which every key would style all that
    is in it anew, twice: it is not inherited.
    """

    DEFAULT_CSS = """
    Advanced { width: 1fr; height: auto; }
    Advanced.-collapsed > Contents { display: none; }
    Advanced .group { height: 1; width: 1fr; margin-top: 1; color: $primary; text-style: bold; }
    Advanced #filter-row { height: 1; }
    Advanced #filter { width: 1fr; height: 1; }
    Advanced #filter-label { width: 20; color: $dim; }
    Advanced #no-match { height: auto; color: $dim; }
    """

    def __init__(self, form: RecipeForm) -> None:
        super().__init__(title="Advanced", id="advanced")
        self._form = form
        self._changed: set[str] = set()

    @property
    def is_filled(self) -> bool:
        """True once there are rows: they are made when they are first wanted, so that the basic ones come at once."""
        return bool(self._contents.children)

    @property
    def _contents(self) -> Widget:
        return self.query_one(Collapsible.Contents)

    @property
    def _rows(self) -> list[FieldRow]:
        return [child for child in self._contents.children if isinstance(child, FieldRow)]

    async def fill(self) -> None:
        """Make the rows."""
        if not self.is_filled:
            await self._contents.mount(*self._parts())
            self.regroup()

    def _parts(self) -> ComposeResult:
        box = FilterInput(placeholder="type words of a setting", compact=True, id="filter")
        box.cursor_blink = False
        yield Horizontal(Static("Filter", id="filter-label", markup=False), box, id="filter-row")
        yield Static("", id="no-match", markup=False)
        for group, heading in HEADINGS.items():
            yield Static(heading, classes="group", name=group)
        for field in (field for group in advanced_fields().values() for field in group):
            yield FieldRow(field, self._form.texts[field.key])

    def regroup(self) -> None:
        """Put what differs from the preset on top; nothing moves while one of the fields has the focus."""
        if not self.is_filled or self._is_in_use:
            return
        self._changed = set(self._form.changes())
        self._contents.sort_children(key=self._place)
        self._show_matches()

    @property
    def _is_in_use(self) -> bool:
        focused = self.screen.focused
        return focused is not None and focused.parent in self._rows

    def _place(self, part: Widget) -> tuple[int, int]:
        """The place of a part: by its group, a heading first, then as the recipe declares its field."""
        group = self._group(part)
        number = ORDER.index(part.field.key) if isinstance(part, FieldRow) else -1
        return (1 + list(HEADINGS).index(group) if group else 0), number

    def _group(self, part: Widget) -> str:
        if isinstance(part, FieldRow):
            return CHANGED if part.field.key in self._changed else part.field.group
        return part.name or ""

    # the filter

    @property
    def _words(self) -> str:
        return self.query_one("#filter", Input).value.strip()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self._show_matches()

    @on(Input.Submitted, "#filter")
    def _to_match(self, event: Input.Submitted) -> None:
        event.stop()
        if first := next((row for row in self._rows if row.display), None):
            first.focus_field()

    def _show_matches(self) -> None:
        words, seen = self._words, set[str]()
        for row in self._rows:
            row.display = matches(row.field, words)
            if row.display:
                seen.add(self._group(row))
        for heading in self.query(".group"):
            heading.display = heading.name in seen
        note = self.query_one("#no-match", Static)
        above = [field.title for field in basic_fields() if matches(field, words)] if words else []
        told = [] if seen else [f"No setting here matches '{printable(words)}'; escape shows all."]
        told += [f"Above: {', '.join(above)}."] if above else []
        note.display = bool(told)
        note.update(" ".join(told))

    async def go_to_filter(self) -> None:
        """Unfold, and move to the filter."""
        self.collapsed = False
        await self.fill()
        self.screen.set_focus(None)
        self.regroup()
        self.query_one("#filter").focus(scroll_visible=False)
        # the matches stand below it
        self.call_after_refresh(self.scroll_visible, top=True, animate=False)

    async def reveal(self, key: str) -> None:
        """Make sure that an unfolded field can be moved to, clearing the filter that hides it."""
        if not self.collapsed:
            await self.fill()
            if any(row.field.key == key and not row.display for row in self._rows):
                self.query_one("#filter", Input).value = ""
                self._show_matches()
