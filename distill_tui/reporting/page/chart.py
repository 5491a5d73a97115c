"""The frame of a drawing: axes whose words keep their size however wide the page is, and marks above it.

A drawing has a plane of 1000 by 1000 units that is stretched to its place; lines keep their width. Words stand beside
it in drawings of their own, placed by percentages.
"""

from collections.abc import Sequence
from typing import NamedTuple

from distill_tui.reporting.page.html import Child, Html, element, join

PLANE = 1000
"""Width and height of the plane."""
MOST_SIGNS = 400
"""Signs above a drawing; more are not to be told apart."""


class Tick(NamedTuple):
    """A label of an axis, `at` 0 (left, bottom) to 1."""

    at: float
    text: str


class Sign(NamedTuple):
    """A sign above a drawing and a line down from it, `at` 0 to 1; `class_` gives its colour, `title` its words.

    A `short` one is a tick at the lower edge, without a sign.
    """

    at: float
    text: str
    class_: str
    title: str
    short: bool = False


def frame(
    drawing: Child,
    across: Sequence[Tick],
    up: Sequence[Tick],
    label: str,
    *,
    signs: Sequence[Sign] = (),
    class_: str = "",
) -> Html:
    """A drawing with its axes.

    Args:
        drawing: what stands in the plane: elements of SVG, y downwards.
        across, up: labels of the horizontal and of the vertical axis.
        label: what it shows, for those who cannot see it.
        signs: marks, drawn over the grid.
        class_: of the whole; `small` for one of a few lines.
    """
    grid = [
        *(_line(0, PLANE * (1 - tick.at), PLANE, PLANE * (1 - tick.at), "grid") for tick in up),
        *(_line(PLANE * tick.at, 0, PLANE * tick.at, PLANE, "grid") for tick in across),
    ]
    plane = element(
        "svg",
        *grid,
        drawing,
        *map(_sign_line, signs[:MOST_SIGNS]),
        viewBox=f"0 0 {PLANE} {PLANE}",
        preserveAspectRatio="none",
        class_="plane",
        role="img",
        aria_label=label,
    )
    return surround(plane, across, up, signs=signs, class_=class_)


def surround(
    content: Html,
    across: Sequence[Tick],
    up: Sequence[Tick],
    *,
    signs: Sequence[Sign] = (),
    class_: str = "",
) -> Html:
    """Content that fills its place, with axes around it; as `frame`, for a picture as well."""
    tall = [sign for sign in signs[:MOST_SIGNS] if not sign.short]
    above = element("svg", *map(_sign, tall), class_="signs", aria_hidden="true") if tall else None
    left = element(
        "svg",
        *(element("text", tick.text, x="100%", y=f"{100 - 100 * tick.at:.1f}%", dy="0.32em") for tick in up),
        class_="up",
        aria_hidden="true",
    )
    below = element(
        "svg",
        *(element("text", tick.text, x=f"{100 * tick.at:.2f}%", y="1em", class_=_anchor(tick.at)) for tick in across),
        class_="across",
        aria_hidden="true",
    )
    return element("div", above, left, content, below, class_=f"chart {class_}".rstrip())


def polyline(points: Sequence[tuple[float, float]], class_: str) -> Html:
    """A line through points (x, y) of the plane."""
    if not points:
        return Html()
    return element("polyline", points=_points(points), class_=class_)


def area(points: Sequence[tuple[float, float, float]], class_: str) -> Html:
    """The area between two lines of the plane, (x, y, other y)."""
    if len(points) < 2:
        return Html()
    outline = [(x, y) for x, y, _ in points] + [(x, y) for x, _, y in reversed(points)]
    return element("polygon", points=_points(outline), class_=class_)


def legend(entries: Sequence[tuple[str, str, str]]) -> Html:
    """Names of curves and signs: (sign or "" for a line, class, words)."""
    if not entries:
        return Html()
    items = (
        element("li", element("span", sign, class_=f"key {class_}" + (" line" if not sign else "")), join(" ", words))
        for sign, class_, words in entries
    )
    return element("ul", *items, class_="legend")


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str, title: str = "") -> Html:
    inner = element("title", title) if title else None
    return element("line", inner, x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def _sign_line(sign: Sign) -> Html:
    x = PLANE * min(1.0, max(0.0, sign.at))
    return _line(x, PLANE * 0.95 if sign.short else 0, x, PLANE, f"sign {sign.class_}", sign.title)


def _sign(sign: Sign) -> Html:
    at = min(1.0, max(0.0, sign.at))
    title = element("title", sign.title)
    return element("text", title, sign.text, x=f"{100 * at:.2f}%", y="1em", class_=f"{_anchor(at)} {sign.class_}")


def _anchor(at: float) -> str:
    """The class of a word at the edge, which must not leave the drawing."""
    return "left" if at < 0.03 else "right" if at > 0.97 else "middle"
