"""Frames as one SVG, still or moving: no font is fetched, and pieces that several frames share are written once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from tests.pictures.cells import EIGHTHS, Frame, Piece

WIDTH, HEIGHT, SIZE = 9, 17, 15
"""Pixels of a cell, and of the font: 0.6 and 1.13 of it, at which the lines of DejaVu, Menlo and SF Mono meet."""
BASELINE = 13.5
MARGIN = 12
FONTS = "ui-monospace,'SF Mono',SFMono-Regular,Menlo,'DejaVu Sans Mono','Cascadia Mono',Consolas,monospace"


def write_svg(frames: Sequence[Frame], title: str, seconds: Sequence[float] = ()) -> str:
    """One picture of the frames, each shown for its `seconds`, over and over; of one frame, a picture that is still."""
    first = frames[0]
    width, height = first.columns * WIDTH + 2 * MARGIN, first.rows * HEIGHT + 2 * MARGIN
    always = (1 << len(frames)) - 1
    styles: dict[str, str] = {}
    body, masks = [], set()
    for layer in zip(*(frame.layers for frame in frames), strict=True):
        for mask, pieces in _by_frames(layer).items():
            drawn = _drawn(pieces, styles)
            body.append(drawn if mask == always else f'<g class="f f{mask}">{drawn}</g>')
            masks.add(mask)
    rules = [f"text{{font:{SIZE}px {FONTS};white-space:pre}}", "path{shape-rendering:crispEdges}"]
    rules += [f".{name}{{{style}}}" for style, name in styles.items()]
    if len(frames) > 1:
        rules.append(f".f{{animation:{sum(seconds):g}s step-end infinite}}")
        rules += [_keyframes(mask, seconds) for mask in masks - {always}]
        rules.append("@media (prefers-reduced-motion:reduce){.f{animation:none!important}}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>{escape(title)}</title><style>{''.join(rules)}</style>"
        f'<rect width="{width}" height="{height}" rx="8" fill="{first.ground}"/>'
        f'<g transform="translate({MARGIN},{MARGIN})">{"".join(body)}</g></svg>\n'
    )


def _by_frames(layer: Iterable[Iterable[Piece]]) -> dict[int, list[Piece]]:
    """The pieces of a layer by the frames that have them, a bit each."""
    masks: dict[Piece, int] = defaultdict(int)
    for number, pieces in enumerate(layer):
        for piece in pieces:
            masks[piece] |= 1 << number
    groups: dict[int, list[Piece]] = defaultdict(list)
    for piece, mask in masks.items():
        groups[mask].append(piece)
    return groups


def _drawn(pieces: Iterable[Piece], styles: dict[str, str]) -> str:
    """Texts, and the rectangles of each colour as one path; the class of each style comes into `styles`."""
    paths: dict[str, list[str]] = defaultdict(list)
    texts = []
    for p in pieces:
        x, y, width = p.column * WIDTH, p.row * HEIGHT, p.width * WIDTH
        if p.text:
            name = styles.setdefault(p.style, f"s{len(styles)}")
            # without it a font of another width would move what follows
            length = f' textLength="{width}"' if p.width > 1 else ""
            texts.append(f'<text class="{name}" x="{x}" y="{y + BASELINE:g}"{length}>{escape(p.text)}</text>')
        else:
            top = round(p.top * HEIGHT / EIGHTHS)
            bottom = round((p.top + p.height) * HEIGHT / EIGHTHS)
            paths[p.style].append(f"M{x} {y + top}h{width}v{bottom - top}h-{width}z")
    return "".join([*(f'<path fill="{fill}" d="{"".join(d)}"/>' for fill, d in paths.items()), *texts])


def _keyframes(mask: int, seconds: Sequence[float]) -> str:
    """Rules that show a group during the frames of its mask alone; without animation, in the last frame."""
    whole, at, steps, before = sum(seconds), 0.0, [], -1
    for number, length in enumerate(seconds):
        on = mask >> number & 1
        if on != before:
            steps.append(f"{100 * at / whole:.2f}%{{visibility:{'visible' if on else 'hidden'}}}")
        before, at = on, at + length
    last = "visible" if mask >> (len(seconds) - 1) & 1 else "hidden"
    return f".f{mask}{{animation-name:k{mask};visibility:{last}}}@keyframes k{mask}{{{''.join(steps)}}}"
