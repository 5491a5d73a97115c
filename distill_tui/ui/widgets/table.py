"""A list of rows with columns that draws only what is seen: ten thousand rows cost what twenty do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from distill_tui.text import printable
from distill_tui.ui.widgets.text_widget import theme_style

GAP = 2
"""Cells between two columns."""
MARGIN = 3
"""Cells before the first column: where the cursor and the marks stand."""
LEAST_FIRST = 10
"""The first column gives way to the others down to this width."""
SPARE = 10
"""Columns from this rank on are there only where those before them need not be cut."""
MOST_CELLS = 200
"""A longer cell is cut before it is measured: a name may have any length."""


@dataclass(frozen=True)
class Column:
    """A column's title; numbers go to the right."""

    title: str
    right: bool = False


@dataclass(frozen=True)
class Row:
    """The text of each column. `key` is the caller's; `style` a component class: `text`, `error`.

    `colors` are variables of the theme for the cells of a row without the cursor, '' for those of the style.
    """

    key: str
    cells: tuple[str, ...]
    style: str = "text"
    colors: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListColumn(Column):
    """A column that a list has where there is room: those of a low `rank` are kept longest.

    It takes at most `most` cells, and where there is little room down to `least` (0: as many as its longest text).
    """

    rank: int = 0
    most: int = MOST_CELLS
    least: int = 0


def cells_of(text: str) -> int:
    """Cells that a text takes in a row."""
    return cell_len(printable(text[:MOST_CELLS]))


def fitting(columns: Sequence[ListColumn], widths: Sequence[int], room: int) -> dict[int, int]:
    """Numbers and cells of the columns that `room` cells have room for, in order: by rank, the first one always.

    `widths` are the cells of each column's longest text; a column of which nothing is known is left out.
    """
    found: dict[int, int] = {}
    left = room - MARGIN + GAP
    wanted = [min(c.most, max(width, cell_len(c.title))) for c, width in zip(columns, widths, strict=True)]

    def widen() -> None:
        nonlocal left
        for number in found:
            more = min(max(0, left), wanted[number] - found[number])
            found[number] += more
            left -= more

    for number in sorted(range(len(columns)), key=lambda number: columns[number].rank):
        if columns[number].rank >= SPARE:
            widen()
        # the first gives way to the others
        least = columns[number].least if number else LEAST_FIRST + 6
        width = min(wanted[number], max(least, cell_len(columns[number].title)) if least else wanted[number])
        if number and (not widths[number] or width + GAP > left):
            continue
        left -= width + GAP
        found[number] = width
    widen()
    return dict(sorted(found.items()))


def _keys(rows: Sequence[Row]) -> list[str]:
    return [row.key for row in rows]


class RowTable(ScrollView, can_focus=True):
    """The rows, one of them under the cursor; some may carry a mark of one character."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--header", "rows--text", "rows--dim", "rows--error", "rows--cursor"}
    DEFAULT_CSS = """
    RowTable {
        height: auto;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .rows--header { color: $dim; }
        & > .rows--text { color: $foreground; }
        & > .rows--dim { color: $dim; }
        & > .rows--error { color: $error; }
        & > .rows--cursor { color: $block-cursor-foreground; background: $block-cursor-background; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="rows.up"),
        Binding("down", "move(1)", "Down", show=False, id="rows.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="rows.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="rows.page-down"),
        Binding("home", "to(0)", "First", show=False, id="rows.first"),
        Binding("end", "to(-1)", "Last", show=False, id="rows.last"),
        Binding("enter", "pick", "Pick", show=False, id="rows.pick", tooltip="Take the chosen row"),
    ]

    @dataclass
    class Highlighted(Message):
        """The cursor came to another row; None when there is none."""

        key: str | None

    @dataclass
    class Picked(Message):
        """Enter was pressed on a row."""

        key: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: Sequence[Column] = ()
        self._rows: Sequence[Row] = ()
        self._widths: list[int] = []
        self._cursor = 0
        self.marks: dict[str, str] = {}

    @property
    def keys(self) -> list[str]:
        """The keys of the rows, in order."""
        return _keys(self._rows)

    @property
    def chosen(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._cursor < len(self._rows) else None

    def fill(
        self,
        columns: Sequence[Column],
        rows: Sequence[Row],
        choose: str | None = None,
        widths: Sequence[int] | None = None,
    ) -> None:
        """Show these; the cursor goes to the row `choose`, or else stays with the row that it is on.

        `widths` are the cells of each column's longest text, where that is known: `cells_of`.
        """
        before, old = choose or self.chosen, (self._columns, self._widths, self._rows)
        self._columns, self._rows = columns, rows
        if widths is None:
            widths = [max((cells_of(row.cells[i]) for row in rows), default=0) for i in range(len(columns))]
        self._widths = [
            min(getattr(column, "most", MOST_CELLS), max(width, cells_of(column.title)))
            for column, width in zip(columns, widths, strict=True)
        ]
        if before == self.chosen and old[:2] == (columns, self._widths) and _keys(old[2]) == _keys(rows):
            # only the numbers of some runs are others: their rows are all that is sent
            for number, (one, other) in enumerate(zip(old[2], rows, strict=True)):
                if one != other:
                    self._refresh_row(number)
            self.call_later(self._tell_chosen)
            return
        self._cursor = next((i for i, row in enumerate(rows) if row.key == before), 0)
        self.virtual_size = Size(0, len(rows) + 1)
        self.refresh(layout=True)
        self.call_after_refresh(self._show_cursor)
        self.call_later(self._tell_chosen)

    def _tell_chosen(self) -> None:
        """Post `Highlighted` as the table's own: one that its parent's handler posts ends with the parent."""
        self.post_message(self.Highlighted(self.chosen))

    def mark(self, marks: dict[str, str]) -> None:
        """Show these marks, by key."""
        self.marks = marks
        self.refresh()

    def action_move(self, by: int) -> None:
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        self._go(self._cursor + by * max(1, self.size.height - 2))

    def action_to(self, place: int) -> None:
        self._go(place % max(1, len(self._rows)))

    def action_pick(self) -> None:
        if self.chosen is not None:
            self.post_message(self.Picked(self.chosen))

    def _go(self, row: int) -> None:
        row = max(0, min(len(self._rows) - 1, row))
        if row == self._cursor or not self._rows:
            return
        before, self._cursor = self._cursor, row
        self._refresh_row(before)
        self._refresh_row(row)
        self._show_cursor()
        self.post_message(self.Highlighted(self.chosen))

    def _refresh_row(self, row: int) -> None:
        # the header keeps the first line
        y = row - self.scroll_offset.y + 1
        if 0 < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _show_cursor(self) -> None:
        top, height = self.scroll_offset.y, self.size.height - 1
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif height > 0 and self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False)

    def on_resize(self) -> None:
        self._show_cursor()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._refresh_row(self._cursor)

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self._rows) + 1

    @property
    def _room(self) -> int:
        """The cells of a line: the scrollbar takes one."""
        return self.scrollable_content_region.width

    def _fitting(self) -> list[int]:
        """The columns' widths: the first takes what the others leave."""
        if not self._widths:
            return []
        others = sum(self._widths[1:]) + GAP * len(self._widths[1:])
        first = min(self._widths[0], max(LEAST_FIRST, self._room - MARGIN - others))
        return [first, *self._widths[1:]]

    def render_line(self, y: int) -> Strip:
        width = self._room
        number = y - 1 + self.scroll_offset.y
        if y == 0:
            style = self.get_component_rich_style("rows--header")
            text = " " * MARGIN + (" " * GAP).join(self._cells([column.title for column in self._columns]))
            return Strip([Segment(text, style)]).adjust_cell_length(width, self.rich_style)
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[number]
        here = number == self._cursor
        cells = self._cells(row.cells)
        head = f"{'▸' if here else ' '}{self.marks.get(row.key, '') or ' '} "
        text = head + (" " * GAP).join(cells)
        if here and self.has_focus:
            style = self.get_component_rich_style("rows--cursor")
            return Strip([Segment(text, style)]).adjust_cell_length(width, style)
        first = self.get_component_rich_style(f"rows--{row.style}")
        rest = self.get_component_rich_style("rows--dim" if row.style == "text" else f"rows--{row.style}")
        segments = [Segment(head, first)]
        for number, cell in enumerate(cells):
            style = rest if number else first
            if number < len(row.colors) and row.colors[number]:
                style = style + theme_style(self, row.colors[number])
            segments.append(Segment(cell + " " * GAP, style))
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _cells(self, cells: Sequence[str]) -> list[str]:
        """Cells cut or filled up to the widths of their columns."""
        parts = []
        for cell, column, width in zip(cells, self._columns, self._fitting(), strict=True):
            text = printable(cell[:MOST_CELLS])
            if cell_len(text) > width:
                text = set_cell_size(text, max(0, width - 1)) + "…"
            space = " " * (width - cell_len(text))
            parts.append(space + text if column.right else text + space)
        return parts
