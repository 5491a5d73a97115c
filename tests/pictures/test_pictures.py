"""The committed pictures are small, name no place of the machine that made them, and fetch nothing."""

import re
from pathlib import Path

import pytest

from tests.pictures.__main__ import MOVING
from tests.pictures.cells import Frame, Piece, read_export
from tests.pictures.drawing import write_svg
from tests.pictures.pages import PAGES
from tests.pictures.stills import STILLS

FOLDER = Path(__file__).parent
PICTURES = sorted([*FOLDER.glob("*.svg"), *FOLDER.glob("*.png")])
MOST_BYTES = {".png": 150_000, ".svg": 200_000}
MOST_MOVING_BYTES = 500_000
PLACES = re.compile(r"/(tmp|home|root|work|Users|var)/|@font-face|url\(|href=|<script")


def test_all_are_there() -> None:
    names = {picture.name for picture in PICTURES}
    assert names >= {f"{MOVING}.svg", *(f"{name}-120x35.svg" for name in STILLS), *(f"{name}.png" for name in PAGES)}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_small_and_of_no_machine(picture: Path) -> None:
    most = MOST_MOVING_BYTES if picture.name == f"{MOVING}.svg" else MOST_BYTES[picture.suffix]
    assert picture.stat().st_size <= most
    if picture.suffix == ".svg":
        assert not PLACES.findall(picture.read_text())


def test_what_frames_share_is_written_once() -> None:
    def frame(*texts: str) -> Frame:
        pieces = tuple(Piece(row, 2, len(text), "fill:#ffffff", text) for row, text in enumerate(texts))
        return Frame(20, 4, "#000000", ((Piece(0, 0, 3, "#222222"),), (), pieces))

    svg = write_svg([frame("same", "a < b"), frame("same", "other")], "two", (1.0, 3.0))
    assert [svg.count(f">{text}</text>") for text in ("same", "a &lt; b", "other")] == [1, 1, 1]
    assert "animation:4s step-end infinite" in svg
    assert "@keyframes k2{0.00%{visibility:hidden}25.00%{visibility:visible}}" in svg
    assert "animation" not in write_svg([frame("still")], "one")


def test_an_export_is_read_as_cells() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg"><style>.t-r1 { fill: #aaaaaa;font-weight: bold }</style>'
        '<g clip-path="url(#t-clip-terminal)"><rect fill="#111111" x="0" y="1.5" width="122" height="24.65"/>'
        '<rect fill="#222222" x="0" y="25.9" width="12.2" height="24.65"/>'
        '<text class="t-r1" x="12.2" y="44.4" textLength="122">/x&#160;&#160;a&#160;b▂▂▀</text></g></svg>'
    )
    frame = read_export(svg, (10, 2), lambda text: text.replace("/x", "~ "))
    style = "fill:#aaaaaa;font-weight:bold"
    assert frame.layers == (
        (Piece(1, 0, 1, "#222222"),),
        (Piece(1, 8, 2, "#aaaaaa", top=6, height=2), Piece(1, 10, 1, "#aaaaaa", top=0, height=4)),
        (Piece(1, 1, 1, style, "~"), Piece(1, 5, 3, style, "a b")),
    )
