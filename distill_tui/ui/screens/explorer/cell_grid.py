"""A widget drawn character by character, such as a map or images: only lines that changed are sent to the terminal."""

import functools
from collections.abc import Iterator
from itertools import zip_longest

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from distill_tui.ui.widgets.braille_canvas import Cell
from distill_tui.ui.widgets.text_widget import again_in_another_theme, theme_style

BLANK: Cell = (" ", None)
BYTES_PER_RUN = 26
"""Bytes sent for the colours of neighbours of one style, in 256 colours, beside a byte or so a character (measured)."""


class CellGrid(Widget):
    """Draws the cells of `grid()`."""

    DEFAULT_CSS = "CellGrid { height: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._grid: list[list[Cell]] = []
        self._base = Style()
        self._styles: dict[tuple[str, bool], Style] = {}

    def grid(self) -> list[list[Cell]]:
        """Return the rows for the present size; missing cells are blank, surplus ones are cut off."""
        raise NotImplementedError

    def style_of(self, variable: str, bold: bool = False) -> Style:
        """Return the style of a theme variable, always the same object, so that grids compare fast."""
        found = self._styles.get((variable, bold))
        if found is None:
            found = self._styles[variable, bold] = theme_style(self, variable, bold)
        return found

    def repaint(self) -> int:
        """Draw the lines that changed. Returns about how many bytes are sent for them."""
        if not self.is_attached or not self.size.width:
            return 0
        old, self._grid = self._grid, self.grid()
        if len(old) != len(self._grid):
            self._draw_all()
            return sum(_bytes(row) for row in self._grid)
        # Textual sends a line of a widget from its left edge on
        ends = [changed_until(before, row) for before, row in zip(old, self._grid, strict=True)]
        if any(ends):
            self.refresh(*(Region(0, y, end, 1) for y, end in enumerate(ends) if end))
        return sum(_bytes(row[:end]) for row, end in zip(self._grid, ends, strict=True))

    def _draw_all(self) -> None:
        self.refresh(layout=self.styles.height is not None and self.styles.height.is_auto)

    def watch_has_focus(self, has_focus: bool) -> None:
        # not in `on_focus`, which Textual calls before `has_focus` is set
        super().watch_has_focus(has_focus)
        if self.can_focus:
            self.repaint()

    def on_mount(self) -> None:
        again_in_another_theme(self, self._draw_in_new_theme)

    def _draw_in_new_theme(self) -> None:
        self._styles, self._grid = {}, []
        self.repaint()

    def on_resize(self) -> None:
        self._grid = self.grid()
        self._draw_all()

    def render_lines(self, crop: Region) -> list[Strip]:
        # computed once for all lines: it takes Textual as long as all the rest of a line
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self._base
        if y >= len(self._grid):
            return Strip.blank(width, base)
        segments = [Segment(text, base + style if style else base) for text, style in runs(self._grid[y][:width])]
        return Strip(segments).adjust_cell_length(width, base)


def runs(row: list[Cell]) -> Iterator[Cell]:
    """Join neighbours of one style, and blanks to the run before them where its style looks the same on a blank."""
    text, style = "", None
    for char, of_char in row:
        if of_char is not style and not (char == " " and text and _on_blank(of_char) == _on_blank(style)):
            if text:
                yield text, style
            text, style = "", of_char
        text += char
    if text:
        yield text, style


@functools.lru_cache(maxsize=1024)
def _on_blank(style: Style | None) -> tuple[object, ...]:
    """Return what is seen of a style on a blank."""
    if style is None:
        return None, None, None
    return style.bgcolor, style.underline or None, (style.color or style) if style.reverse else None


def _bytes(row: list[Cell]) -> int:
    return len(row) + BYTES_PER_RUN * sum(1 for _ in runs(row))


def changed_until(old: list[Cell], new: list[Cell]) -> int:
    """Return the column after the last cell that differs, 0 if none does. A short row is blank behind its end."""
    if old == new:
        return 0
    end = 0
    for x, (one, two) in enumerate(zip_longest(old, new, fillvalue=BLANK)):
        if one is not two and one != two:
            end = x + 1
    # both halves of a double-width character are sent together
    return end + (not new[end][0] if 0 < end < len(new) else 0)
