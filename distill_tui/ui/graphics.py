"""Pictures in pixels, where the terminal has kitty's graphics protocol (sw.kovidgoyal.net/kitty/graphics-protocol).

Inside tmux and screen it does not get through: there, as everywhere else, half blocks serve.
"""

import base64
import functools
import itertools
import zlib
from collections.abc import Iterable, Mapping, Sequence

from rich.color import Color
from textual.geometry import Region
from textual.widget import Widget

TERMINALS = ("xterm-kitty", "xterm-ghostty")
"""What TERM says in terminals that are known to have it; it comes along over SSH."""
PIXELS = (4, 8)
"""Of a cell: across and down. The terminal scales them to what a cell has."""
CHUNK = 4096
"""The most characters that one command may carry."""

_numbers = itertools.count(1)


def has_pixels(environment: Mapping[str, str]) -> bool:
    """Whether the terminal that these variables tell of can show pixels."""
    return environment.get("TERM") in TERMINALS and not environment.get("TMUX") and not environment.get("STY")


@functools.cache
def colours(palette: tuple[int, ...]) -> tuple[bytes, ...]:
    """Red, green and blue for each of 256 values, along these numbers of the 256-colour palette."""
    ends = [Color.from_ansi(number).get_truecolor() for number in palette]
    found = []
    for value in range(256):
        place = value / 255 * (len(ends) - 1)
        index = min(int(place), len(ends) - 2)
        pairs = zip(ends[index], ends[index + 1], strict=True)
        found.append(bytes(round(a + (b - a) * (place - index)) for a, b in pairs))
    return tuple(found)


def placed(number: int, rows: Sequence[bytes], region: Region, palette: tuple[int, ...]) -> str:
    """What shows a picture over a region of the screen.

    Args:
        number: what the terminal knows the picture by.
        rows: its values, 0 to 255, from the top.
        palette: the colours from 0 to 255, in numbers of the 256-colour palette.
    """
    points = colours(palette)
    pixels = b"".join(points[value] for row in rows for value in row)
    text = base64.b64encode(zlib.compress(pixels)).decode()
    size = f"s={len(rows[0])},v={len(rows)},c={region.width},r={region.height}"
    keys = f"a=T,f=24,o=z,{size},i={number},p=1,C=1,q=2,"
    commands = []
    for start in range(0, len(text), CHUNK):
        more = int(start + CHUNK < len(text))
        commands.append(f"\x1b_G{'' if start else keys}m={more};{text[start : start + CHUNK]}\x1b\\")
    return f"\x1b7\x1b[{region.y + 1};{region.x + 1}H{''.join(commands)}\x1b8"


class Pixels:
    """The pictures that a widget has on the screen: shown again when they or their places change."""

    def __init__(self, widget: Widget, palette: tuple[int, ...]) -> None:
        self._widget, self._palette = widget, palette
        self._shown: dict[int, tuple[Sequence[bytes], Region]] = {}
        self._own: list[int] = []

    def show(self, pictures: Iterable[tuple[Sequence[bytes], Region]]) -> None:
        """Have these on the screen, each in its region, and no others."""
        wanted = list(pictures)
        while len(self._own) < len(wanted):
            self._own.append(next(_numbers))
        new = dict(zip(self._own, wanted, strict=False))
        for number in self._shown.keys() - new.keys():
            self._write(f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\")
        for number, (rows, region) in new.items():
            if self._shown.get(number) != (rows, region):
                self._write(placed(number, rows, region, self._palette))
        self._shown = new

    def forget(self) -> None:
        """The terminal has dropped what was on it, as it does when its size changes."""
        self._shown = {}

    def _write(self, text: str) -> None:
        # Textual has no other way to the terminal for what is not text
        if (driver := self._widget.app._driver) is not None:
            driver.write(text)
