"""A table under a filter that is hidden until it is asked for: sorted by one column or another, some rows marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from distill_tui.ui.widgets.table import ListColumn, Row, RowTable, cells_of, fitting

T = TypeVar("T")


@dataclass(frozen=True)
class _Text(Generic[T]):
    """What a row says of an item, and how many cells each of its texts takes."""

    item: T
    cells: tuple[str, ...]
    widths: tuple[int, ...]
    colors: tuple[str, ...]
    searched: str


class FilteredList(Vertical, Generic[T]):
    """Items by key; a subclass says what their columns, colours and order are."""

    SORTS: ClassVar[Sequence[str]] = ()
    MOST_MARKS: ClassVar[int] = len(ascii_lowercase)
    PLACEHOLDER: ClassVar[str] = ""
    DEFAULT_CSS = """
    FilteredList RowTable { height: auto; max-height: 100%; }
    FilteredList Input { margin-bottom: 1; }
    """

    @dataclass
    class Filled(Message):
        """The rows were made anew: so many of all items are shown."""

        shown: int
        total: int

    def __init__(self, table: RowTable, *, id: str) -> None:
        super().__init__(id=id)
        self._filter = Input(placeholder=self.PLACEHOLDER, compact=True, id="filter")
        self._filter.cursor_blink = False
        self.table = table
        self._items: dict[str, T] = {}
        self._texts: dict[str, _Text[T]] = {}
        self._marked: list[str] = []
        self._sort = 0
        self.titles: dict[str, str] = {}
        """Titles of the columns of those SORTS that are called otherwise."""

    # what a subclass says

    def columns(self) -> Sequence[ListColumn]:
        """Every column that there is, the one that names an item first."""
        raise NotImplementedError

    def cells(self, item: T) -> tuple[str, ...]:
        """Text of each column."""
        raise NotImplementedError

    def cell_colors(self, item: T) -> tuple[str, ...]:
        """Variables of the theme for each cell, '' for the usual one; () for what is wrong, in the colour of errors."""
        raise NotImplementedError

    def searched(self, item: T) -> str:
        """Text in lower case that the filter looks in."""
        raise NotImplementedError

    def sort_key(self, item: T, by: str) -> Any:
        """Key of an item in the order `by`, one of SORTS."""
        raise NotImplementedError

    # what is shown

    def compose(self) -> ComposeResult:
        self._filter.display = False
        yield self._filter
        yield self.table

    def on_resize(self) -> None:
        if self._items:
            # the classes of a size come after it
            self.call_after_refresh(self.fill)

    def show(self, items: Mapping[str, T], choose: str | None = None) -> None:
        """List these; the cursor goes to the one of the key `choose`."""
        self._items = dict(items)
        self._marked = [key for key in self._marked if key in self._items]
        self.fill(choose)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to list, filter or not."""
        return not self._items

    @property
    def paths(self) -> list[str]:
        """Keys of the items that are listed, in order."""
        return self.table.keys

    @property
    def chosen(self) -> T | None:
        """The item under the cursor."""
        return self._items.get(self.table.chosen or "")

    @property
    def has_marks(self) -> bool:
        return bool(self._marked)

    def marked(self) -> list[T]:
        """The marked items in the order in which they were marked; without marks the chosen one."""
        keys = self._marked or ([self.table.chosen] if self.table.chosen else [])
        return [self._items[key] for key in keys]

    def pair(self) -> list[T]:
        """The two items to compare: those that are marked, or one of them and the chosen one."""
        here = self.table.chosen
        return [self._items[key] for key in dict.fromkeys([*self._marked, *([here] if here else [])])][:2]

    def fill(self, choose: str | None = None) -> None:
        """Make the rows anew: those that the filter lets through, in order, with the columns there is room for."""
        wanted = self._filter.value.lower().split()
        shown = [
            (key, one)
            for key, one in self._items.items()
            if all(word in self._text(key, one).searched for word in wanted)
        ]
        by = self.SORTS[self._sort]
        shown.sort(key=lambda pair: self.sort_key(pair[1], by))
        columns, texts = self.columns(), [self._text(key, one) for key, one in shown]
        widths = [max(column) for column in zip(*(one.widths for one in texts), strict=True)] or [0] * len(columns)
        # a scrollbar takes one
        room = self.content_size.width - 1
        there = fitting(columns, widths, room)
        title = self.titles.get(by, by)
        is_seen = any(columns[number].title == title for number in there)
        self.border_subtitle = Content("" if is_seen else f"by {title}")
        heads = [_head(columns[number], title, width) for number, width in there.items()]
        rows = [
            Row(
                key,
                tuple(text.cells[i] for i in there),
                "text" if text.colors else "error",
                tuple(text.colors[i] for i in there) if text.colors else (),
            )
            for (key, _), text in zip(shown, texts, strict=True)
        ]
        self.table.fill(heads, rows, choose, [widths[number] for number in there])
        self._show_marks()
        self.post_message(self.Filled(len(shown), len(self._items)))

    def _text(self, key: str, item: T) -> "_Text[T]":
        """Words of an item, made anew only if it has changed: each key of a filter fills the list."""
        known = self._texts.get(key)
        if known is None or known.item != item:
            cells = self.cells(item)
            widths = tuple(map(cells_of, cells))
            known = _Text(item, cells, widths, self.cell_colors(item), self.searched(item))
            self._texts[key] = known
        return known

    def _show_marks(self) -> None:
        self.table.mark(dict(zip(self._marked, ascii_lowercase, strict=False)))

    # what the keys do

    def open_filter(self) -> None:
        self._filter.display = True
        self._filter.focus()

    @property
    def is_filtered(self) -> bool:
        """True while the filter is there."""
        return bool(self._filter.display)

    @on(Input.Changed, "#filter")
    @on(Input.Submitted, "#filter")
    def _filtered(self, event: Input.Changed | Input.Submitted) -> None:
        if isinstance(event, Input.Submitted):
            self.table.focus()
        else:
            self.fill()

    def clear_filter(self) -> None:
        self._filter.value = ""
        self._filter.display = False
        self.table.focus()

    def sort_by_next(self) -> None:
        self.table.focus()
        self._sort = (self._sort + 1) % len(self.SORTS)
        self.fill()

    def toggle_mark(self) -> None:
        """Mark the chosen item, in place of the oldest mark if there are too many; or take its mark away."""
        self.table.focus()
        key = self.table.chosen
        if key is None:
            return
        if key in self._marked:
            self._marked.remove(key)
        else:
            self._marked = [*self._marked[-(self.MOST_MARKS - 1) :], key]
        self._show_marks()

    def clear_marks(self) -> None:
        self._marked = []
        self._show_marks()


def _head(column: ListColumn, sort: str, width: int) -> ListColumn:
    """A column of this width, marked if the list is sorted by it."""
    mark = " ↓" if column.title == sort else ""
    return ListColumn(column.title + mark, column.right, column.rank, max(width, len(column.title + mark)))
