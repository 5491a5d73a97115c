"""A widget that is a grid of characters: of a picture that moves, little more goes down the line than what changed."""

from collections.abc import Iterator

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from distill_tui.ui.widgets.painted import theme_style

Cell = tuple[str, Style | None]
"""A character and its style; the character after one that is two wide is ''."""
TILES = 16


class Tile(Widget):
    """A part of a grid, from top to bottom. Textual sends a changed line of a widget from its first column on."""

    DEFAULT_CSS = "Tile { width: 1fr; height: 100%; }"
    _base = Style()

    def render_lines(self, crop: Region) -> list[Strip]:
        # the style of all its lines, which takes Textual as long as all else of a line
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        grid = self.parent
        assert isinstance(grid, Cells)
        return grid.strip(y, self.left, self.size.width, self._base)

    @property
    def left(self) -> int:
        """The column of the grid with which it begins."""
        return self.virtual_region.x


class Cells(Widget):
    """Draws what `grid()` gives for its size."""

    DEFAULT_CSS = "Cells { height: 1fr; layout: horizontal; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._grid: list[list[Cell]] = []
        self._tiles = [Tile() for _ in range(TILES)]
        self._inks: dict[tuple[str, bool], Style] = {}

    def compose(self) -> ComposeResult:
        yield from self._tiles

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
        """Draw what has changed since the last time; how many characters that were."""
        if not self.is_attached or not self.size.width:
            return 0
        old, self._grid = self._grid, self.grid()
        if len(old) != len(self._grid):
            self._draw_all()
            return self.size.area
        count = 0
        for tile in self._tiles:
            left, right = tile.left, tile.left + tile.size.width
            regions = []
            for y, row in enumerate(self._grid):
                if row is not old[y] and (width := _changed(old[y][left:right], row[left:right])):
                    regions.append(Region(0, y, width, 1))
                    count += width
            if regions:
                tile.refresh(*regions)
        return count

    def _draw_all(self) -> None:
        for tile in self._tiles:
            tile.refresh()
        if self.styles.height is not None and self.styles.height.is_auto:
            self.refresh(layout=True)

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._again())

    def _again(self) -> None:
        self._inks, self._grid = {}, []
        self.repaint()

    def on_resize(self) -> None:
        self._grid = self.grid()
        self._draw_all()

    def strip(self, y: int, left: int, width: int, base: Style) -> Strip:
        """A part of a line, on what it stands on."""
        if y >= len(self._grid):
            return Strip.blank(width, base)
        row = self._grid[y][left : left + width]
        segments = [Segment(text, base + style if style else base) for text, style in _runs(row)]
        return Strip(segments).adjust_cell_length(width, base)


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


def _changed(old: list[Cell], new: list[Cell]) -> int:
    """Up to which character a part of a row is not what it was; 0 for nowhere."""
    if old == new:
        return 0
    blank: Cell = (" ", None)
    for x in range(max(len(old), len(new)) - 1, -1, -1):
        if (old[x] if x < len(old) else blank) != (new[x] if x < len(new) else blank):
            return x + 1
    return 0


class Allowance:
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
