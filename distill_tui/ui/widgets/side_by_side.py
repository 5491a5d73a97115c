"""Two runs or models side by side, in lines: what they are, how their recipes differ, curves, distances."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from distill_tui.reporting import formatting
from distill_tui.reporting.comparison import Subject, compare
from distill_tui.text import printable
from distill_tui.ui.widgets.loss_curves import LossCurve, draw_curves
from distill_tui.ui.widgets.text_widget import theme_style

LABEL = 24
CURVE_ROWS = 4
MOST_CURVE = 100
STYLES = ("series-train", "series-recon")
BETTER = "◂ better"
HEADS = {
    "losses": "losses",
    "distances": "mean distances on the same sounds",
    "codebooks": "codebooks",
    "recipe": "recipes: what differs",
}
"""What stands above each section of a comparison."""


@dataclass(frozen=True)
class Side:
    """One of the two: what is compared, and the curve of a loss by its name, in the style it is to be drawn in."""

    name: str
    subject: Subject
    curve: Callable[[str, Style], LossCurve]


def side_text(widget: Widget, pair: tuple[Side, Side], width: int) -> Text:
    """The lines for `width` cells."""
    text = Text(no_wrap=True, overflow="crop")
    dim, plain = theme_style(widget, "dim"), theme_style(widget, "foreground")
    styles = [theme_style(widget, name) for name in STYLES]
    label = LABEL if width > 60 else 13
    column = max(8, (width - label - 2) // 2)

    def head(title: str) -> None:
        text.append(f"\n{title}\n", theme_style(widget, "dim"))

    for letter, side, style, dots in zip("ab", pair, styles, ("⠒⠒", "⠂⠐"), strict=True):
        text.append(_cell(f"{letter} {dots} {side.name}", column) + ("  " if letter == "a" else "\n"), style)
    section = ""
    for row in compare([side.subject for side in pair]):
        if row.section != section:
            section = row.section
            head(HEADS[section])
        text.append(_cell("  " * bool(section) + row.title, label), dim)
        for number, value in enumerate(row.values):
            mark = f"  {BETTER}" if row.better == number else ""
            text.append(_cell(value + mark, column) + ("  " if number == 0 else "\n"), plain)
    if section != "recipe":
        head("recipes: no difference")
    for name in ("val", "train", "recon", "commit"):
        curves = [side.curve(name, style) for side, style in zip(pair, styles, strict=True)]
        reached = [value for curve in curves for value in curve.series.values]
        if reached:
            span = f"{formatting.number(max(reached))} to {formatting.number(min(reached))}"
            head(f"{name} loss, {span}, by steps: a solid, b dotted")
            for line in draw_curves(curves, theme_style(widget, "faint"), min(MOST_CURVE, width - 2), CURVE_ROWS):
                text.append("  ")
                text.append_text(line)
                text.append("\n")
    text.rstrip()
    return text


def _cell(text: str, width: int) -> str:
    text = printable(text)
    if cell_len(text) > width:
        return set_cell_size(text, max(0, width - 1)) + "…"
    return set_cell_size(text, width)
