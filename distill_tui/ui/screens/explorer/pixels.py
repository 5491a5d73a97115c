"""Images in a terminal: a character is four dots in two greys, or eight dots if the terminal picks the colours."""

import functools

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color
from textual.geometry import Size

from distill_tui.runs.codebook_map import CodebookMap, Picture
from distill_tui.ui.screens.explorer.cell_grid import CellGrid
from distill_tui.ui.widgets.braille_canvas import DOTS, Cell

QUARTERS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""Characters by the sum of their filled quarters: 1 top left, 2 top right, 4 bottom left, 8 bottom right."""
DITHER = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))
"""Ordered dithering: the least of 16 shades from which on a dot is set, by its position."""
GREYS = 7
"""Shades of grey: few, because every change of one sends twenty bytes."""
MOST_WIDE, BESIDE_MAPS = 28, 18
"""The most characters of an image's width, in a view of their own and beside the maps."""
LEAST_WIDE, LEAST_HIGH = 7, 3
"""The smallest image that is drawn, in characters."""


class PicturesView(CellGrid):
    """Inputs, each above its reconstruction."""

    DEFAULT_CSS = "PicturesView { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._map: CodebookMap | None = None

    def show(self, found: CodebookMap | None) -> int:
        """Show the images of this map. Returns about how many bytes are sent."""
        self._map = found
        return self.repaint()

    @property
    def count(self) -> int:
        """The number of pairs."""
        return 0 if self._map is None else min(len(self._map.inputs), len(self._map.outputs))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        # the height of eight beside each other, but the rest needs room too
        wide = min(max(10, (viewport.height - 14) // 2), BESIDE_MAPS, (width - 7) // 8)
        return 1 + 2 * ((wide + 1) // 2) if wide >= LEAST_WIDE else 0

    def grid(self) -> list[list[Cell]]:
        width, height = self.size
        dim = self.style_of("dim")
        if self._map is None or not self.count or height < 3:
            return []
        count = self.count
        while count > 1 and arrangement(count, width, height)[2] < LEAST_HIGH:
            count = (count + 1) // 2
        bands, wide, high = arrangement(count, width, height)
        a_band = -(-count // bands)
        greys = self._greys()
        step = f"step {self._map.pictures_step:,}"
        some = f"{count} of {self.count} " if count < self.count else ""
        words = ("inputs, and below each its reconstruction", "inputs, reconstructions", "pairs")
        head = next((h for what in words if len(h := f"{some}{what}; {step}") <= width), step)
        rows: list[list[Cell]] = [[(char, dim) for char in head]]
        for first in range(0, count, a_band):
            for pictures in (self._map.inputs, self._map.outputs):
                shown = pictures[first : min(first + a_band, count)]
                block = [image_cells(picture, wide, high, greys) for picture in shown]
                for row in range(high):
                    line: list[Cell] = []
                    for picture in block:
                        line += ([(" ", None)] if line else []) + picture[row]
                    rows.append(line)
        return rows

    def _greys(self) -> tuple[str, ...]:
        """Return the shades from the background to the text's side of grey; () if the terminal chooses the colours."""
        if self.app.current_theme.ansi:
            return ()
        background = self.background_colors[1]
        text = Color.parse(self.app.theme_variables["foreground"].split()[0])
        full = Color.parse("#ffffff") if text.brightness > background.brightness else Color.parse("#000000")
        return tuple(background.blend(full, i / (GREYS - 1)).hex for i in range(GREYS))


def arrangement(count: int, width: int, height: int) -> tuple[int, int, int]:
    """Return the number of bands in which `count` pairs are largest, and an image's width and height in characters."""

    def size(bands: int) -> tuple[int, int]:
        a_band = -(-count // bands)
        wide = min(MOST_WIDE, (width - (a_band - 1)) // a_band)
        high = min((height - 1) // bands // 2, (wide + 1) // 2)
        return max(1, min(wide, high * 2)), max(1, high)

    best = max((1, 2, 4), key=lambda bands: (size(bands)[1], -bands))
    return best, *size(best)


def image_cells(picture: Picture, wide: int, high: int, greys: tuple[str, ...]) -> list[list[Cell]]:
    """Draw an image in `wide` by `high` characters."""
    return _cells(picture.pixels, picture.width, picture.height, wide, high, greys)


@functools.lru_cache(maxsize=128)
def _cells(pixels: bytes, width: int, height: int, wide: int, high: int, greys: tuple[str, ...]) -> list[list[Cell]]:
    if not greys:
        return _dithered(_reduced(pixels, width, height, wide * 2, high * 4, 17))
    small = _reduced(pixels, width, height, wide * 2, high * 2, len(greys))
    found = []
    for y in range(0, high * 2, 2):
        upper, lower = small[y], small[y + 1]
        found.append([_cell((upper[x], upper[x + 1], lower[x], lower[x + 1]), greys) for x in range(0, wide * 2, 2)])
    return found


def _dithered(shades: list[list[int]]) -> list[list[Cell]]:
    """Draw shades of 0 to 16 as dots in braille."""
    found: list[list[Cell]] = []
    for top in range(0, len(shades), 4):
        row: list[Cell] = []
        for left in range(0, len(shades[top]), 2):
            dots = 0
            for y in range(4):
                for x in range(2):
                    if shades[top + y][left + x] > DITHER[y][(left + x) % 4]:
                        dots |= DOTS[y][x]
            row.append((chr(0x2800 + dots) if dots else " ", None))
        found.append(row)
    return found


@functools.lru_cache(maxsize=4096)
def _cell(quarters: tuple[int, int, int, int], greys: tuple[str, ...]) -> Cell:
    """Return the character whose two shades come nearest to the four of its quarters."""
    low, high = min(quarters), max(quarters)
    if low == high:
        return " ", _shade(None, low, greys)
    bright = [quarter * 2 > low + high for quarter in quarters]
    above = [quarter for quarter, is_bright in zip(quarters, bright, strict=True) if is_bright]
    below = [quarter for quarter, is_bright in zip(quarters, bright, strict=True) if not is_bright]
    mask = sum(1 << i for i, is_bright in enumerate(bright) if is_bright)
    return QUARTERS[mask], _shade(round(sum(above) / len(above)), round(sum(below) / len(below)), greys)


@functools.lru_cache(maxsize=256)
def _shade(front: int | None, back: int, greys: tuple[str, ...]) -> Style | None:
    """Return the style of two shades; the darkest is the screen's own background."""
    if front is None and back == 0:
        return None
    return Style(
        color=None if front is None else RichColor.parse(greys[front]),
        bgcolor=None if back == 0 else RichColor.parse(greys[back]),
    )


def _reduced(pixels: bytes, width: int, height: int, wide: int, high: int, shades: int) -> list[list[int]]:
    """Resample an image to `wide` by `high` dots of so many shades; black if bytes are missing."""
    if width < 1 or height < 1 or len(pixels) < width * height:
        return [[0] * wide for _ in range(high)]
    columns, rows = _taps(wide, width), _taps(high, height)
    found = []
    for taps in rows:
        line = [sum(weight * pixels[row * width + column] for row, weight in taps) for column in range(width)]
        found.append([round(sum(weight * line[x] for x, weight in of) * (shades - 1) / 255) for of in columns])
    return found


@functools.lru_cache(maxsize=64)
def _taps(count: int, size: int) -> list[list[tuple[int, float]]]:
    """Return for each of `count` positions along `size` pixels the pixels it mixes, and their weights."""
    found = []
    for place in range(count):
        if count <= size:
            first, last = place * size // count, (place + 1) * size // count
            found.append([(index, 1 / (last - first)) for index in range(first, last)])
        else:
            middle = min(size - 1.0, max(0.0, (place + 0.5) * size / count - 0.5))
            index = min(int(middle), max(0, size - 2))
            share = middle - index
            found.append([(index, 1 - share), (index + 1, share)] if size > 1 else [(0, 1.0)])
    return found
