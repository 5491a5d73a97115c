"""What the app exports as SVG, read back as cells.

Rich's export names a font that is fetched, and clips every line: `tests.pictures.drawing` writes another one.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from xml.etree import ElementTree

WIDTH, HEIGHT = 12.2, 24.4
"""Of a cell in rich's export."""
EIGHTHS = 8
"""A cell is so many of them high."""
BLOCKS = {"▀": (0, 4), "█": (0, 8)} | {char: (7 - n, n + 1) for n, char in enumerate("▁▂▃▄▅▆▇")}
"""Characters that are rectangles, as wide as their cell: their top and height in eighths."""
_STYLE = re.compile(r"\.[\w-]+-(r\d+) \{([^}]*)\}")
_FILL = re.compile(r"fill:(#\w+)")
_RUNS = re.compile(rf"([{''.join(BLOCKS)}])\1*|[^\s{''.join(BLOCKS)}]+(?: [^\s{''.join(BLOCKS)}]+)*")
_SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Piece:
    """A text of one style, or a rectangle of one colour; in cells, its top and height in eighths of one."""

    row: int
    column: int
    width: int
    style: str
    text: str = ""
    top: int = 0
    height: int = EIGHTHS

    @property
    def right(self) -> int:
        return self.column + self.width


@dataclass(frozen=True)
class Frame:
    """What one screen shows, in layers: each lies over those before it."""

    columns: int
    rows: int
    ground: str
    layers: tuple[tuple[Piece, ...], ...]


def read_export(svg: str, size: tuple[int, int], said: Callable[[str], str]) -> Frame:
    """The cells of an export of Textual; `said` changes a text, not its length."""
    styles = {name: _short(rules) for name, rules in _STYLE.findall(svg)}
    backs: list[Piece] = []
    blocks: list[Piece] = []
    texts: list[Piece] = []
    matrix = next(g for g in ElementTree.fromstring(svg).iter(f"{_SVG}g") if "clip-terminal" in g.get("clip-path", ""))
    for part in matrix.iter():
        column = round(float(part.get("x", 0)) / WIDTH)
        row = int(float(part.get("y", 0)) // HEIGHT)
        if part.tag == f"{_SVG}rect":
            backs.append(Piece(row, column, round(float(part.get("width", 0)) / WIDTH), part.get("fill", "")))
        elif part.tag == f"{_SVG}text" and part.text:
            width = round(float(part.get("textLength", 0)) / WIDTH)
            style = styles[part.get("class", "").rpartition("-")[2]]
            for piece in _parts(Piece(row, column, width, style, said(part.text.replace("\xa0", " ")))):
                (texts if piece.text else blocks).append(piece)
    ground = max({r.style for r in backs}, key=lambda fill: sum(r.width for r in backs if r.style == fill))
    backs = [back for back in backs if back.style != ground]
    return Frame(*size, ground, (tuple(_joined(backs)), tuple(_joined(blocks)), tuple(texts)))


def _short(rules: str) -> str:
    return ";".join(rule.strip().replace(": ", ":") for rule in rules.split(";") if rule.strip())


def _parts(piece: Piece) -> Iterable[Piece]:
    """A text without the spaces around it, in parts where there are two or more within; and its blocks."""
    if "underline" in piece.style or piece.width != len(piece.text):
        yield piece
        return
    fill = _FILL.search(piece.style)
    for found in _RUNS.finditer(piece.text):
        at, text = piece.column + found.start(), found[0]
        if text[0] in BLOCKS and fill:
            top, height = BLOCKS[text[0]]
            yield Piece(piece.row, at, len(text), fill[1], top=top, height=height)
        else:
            yield Piece(piece.row, at, len(text), piece.style, text)


def _joined(rects: Iterable[Piece]) -> Iterable[Piece]:
    """Neighbours of one colour and height as one."""
    last: Piece | None = None
    for rect in sorted(rects, key=lambda r: (r.row, r.column)):
        if last and replace(last, column=rect.column, width=rect.width) == rect and last.right == rect.column:
            last = replace(last, width=last.width + rect.width)
            continue
        if last:
            yield last
        last = rect
    if last:
        yield last
