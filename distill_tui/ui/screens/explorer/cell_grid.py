"""A widget that is a grid of characters: of a picture that moves, little more goes down the line than what changed."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from distill_tui.ui.terminal.compositor import PartialRender, Span
from distill_tui.ui.widgets.text_widget import theme_style

Cell = tuple[str, Style | None]
"""A character and its style; the character after one that is two wide is ''."""
BLANK: Cell = (" ", None)
BETWEEN = 6
"""So many characters that have not changed are sent again rather than a place to go on from."""


class CellGrid(PartialRender):
    """Draws what `grid()` gives for its size."""

    DEFAULT_CSS = "CellGrid { height: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._grid: list[list[Cell]] = []
        self._base = Style()
        self._inks: dict[tuple[str, bool], Style] = {}

    def grid(self) -> list[list[Cell]]:
        """The rows for the widget's present size; what is missing is blank, what is too much is cut off."""
        raise NotImplementedError

    def ink(self, variable: str, bold: bool = False) -> Style:
        """The style of a theme's variable; the same object each time, so that grids are compared fast."""
        found = self._inks.get((variable, bold))
        if found is None:
            found = self._inks[variable, bold] = theme_style(self, variable, bold)
        return found

    def repaint(self) -> int:
        """Draw what has changed since the last time; how many characters are sent for it."""
        size = self.size
        if not self.is_attached or not size.width:
            return 0
        old, self._grid = self._grid, self.grid()
        if len(old) != len(self._grid):
            self._draw_all()
            return size.area
        regions = [
            Region(left, y, right - left, 1)
            for y, (before, row) in enumerate(zip(old, self._grid, strict=True))
            for left, right in changed(before, row)
        ]
        if regions:
            self.refresh(*regions)
        return sum(region.width for region in regions)

    def _draw_all(self) -> None:
        self.refresh(layout=self.styles.height is not None and self.styles.height.is_auto)

    def watch_has_focus(self, has_focus: bool) -> None:
        # not in `on_focus`, which Textual calls before it says that the focus is here
        super().watch_has_focus(has_focus)
        if self.can_focus:
            self.repaint()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._again())

    def _again(self) -> None:
        self._inks, self._grid = {}, []
        self.repaint()

    def on_resize(self) -> None:
        self._grid = self.grid()
        self._draw_all()

    def pieces(self, spans: Sequence[Span]) -> list[Strip]:
        base, paper, filters = self.rich_style, self.background_colors[1], self.get_line_filters()
        found = []
        for y, left, right in spans:
            strip = self._strip(y, left, right, base)
            for one in filters:
                strip = strip.apply_filter(one, paper)
            found.append(strip)
        return found

    def render_lines(self, crop: Region) -> list[Strip]:
        # the style of all its lines, which takes Textual as long as all else of a line
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        return self._strip(y, 0, self.size.width, self._base)

    def _strip(self, y: int, left: int, right: int, base: Style) -> Strip:
        """A part of a line, on what it stands on."""
        if y >= len(self._grid):
            return Strip.blank(right - left, base)
        segments = [Segment(text, base + ink if ink else base) for text, ink in _runs(self._grid[y][left:right])]
        return Strip(segments).adjust_cell_length(right - left, base)


def _runs(row: list[Cell]) -> Iterator[Cell]:
    """Neighbours of one style together."""
    text, style = "", None
    for char, ink in row:
        if ink is not style:
            if text:
                yield text, style
            text, style = "", ink
        text += char
    if text:
        yield text, style


def changed(old: list[Cell], new: list[Cell]) -> list[tuple[int, int]]:
    """Where a row is not what it was: first columns, and those after the last. A short row is blank behind its end."""
    if old == new:
        return []
    found: list[tuple[int, int]] = []
    for x, (one, two) in enumerate(zip_longest(old, new, fillvalue=BLANK)):
        if one is two or one == two:
            continue
        # the two halves of what is two wide go together
        first = x - 1 if x and "" in (one[0], two[0]) else x
        after = x + 2 if new[x + 1 : x + 2] and not new[x + 1][0] else x + 1
        if found and first - found[-1][1] <= BETWEEN:
            found[-1] = found[-1][0], after
        else:
            found.append((first, after))
    return found


class RateLimiter:
    """How soon something may be drawn again that cost so much to send: `rate` bytes a second, and never sooner than
    after `least` seconds, nor later than after MOST."""

    MOST = 4.0
    BYTES_A_CELL = 20
    """About what a changed character takes with its colour and its place, measured."""

    def __init__(self, rate: float, least: float) -> None:
        self._rate, self._least = rate, least
        self._next = 0.0

    def is_due(self, now: float) -> bool:
        """Whether it may be drawn at the moment `now`, in seconds."""
        return now >= self._next

    def spend(self, now: float, cells: int) -> None:
        """So many characters were drawn at the moment `now`."""
        self._next = now + min(self.MOST, max(self._least, cells * self.BYTES_A_CELL / self._rate))
