"""Two models side by side, in lines: what they are, where their recipes differ, their curves, their distances."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.widget import Widget

from distill_tui.reporting import formatting
from distill_tui.reporting.comparison import Distances, compare, of_model
from distill_tui.reporting.recipe_text import flat
from distill_tui.text import printable
from distill_tui.ui.screens.library.loss_curves import draw_curves, loss_curve
from distill_tui.ui.screens.library.model_details import Shown
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


def side_text(widget: Widget, pair: tuple[Shown, Shown], measured: Sequence[Distances | None], width: int) -> Text:
    """The lines for `width` cells. `measured` are the distances of both on the same sounds, None while not known."""
    text = Text(no_wrap=True, overflow="crop")
    dim, plain = theme_style(widget, "dim"), theme_style(widget, "foreground")
    styles = [theme_style(widget, name) for name in STYLES]
    label = LABEL if width > 60 else 13
    column = max(8, (width - label - 2) // 2)

    def head(title: str) -> None:
        text.append(f"\n{title}\n", theme_style(widget, "dim"))

    one, two = pair[0].card, pair[1].card
    assert one is not None
    assert two is not None
    both = (one, two)
    text.append(_cell("", label))
    for letter, card, style, dots in zip("ab", both, styles, ("⠒⠒", "⠂⠐"), strict=True):
        text.append(_cell(f"{letter} {dots} {card.name}", column) + ("  " if letter == "a" else "\n"), style)
    section = ""
    subjects = [of_model(card.name, card, flat(card.recipe), one) for card, one in zip(both, measured, strict=True)]
    for row in compare(subjects):
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
        curves = [loss_curve(card, name, style) for card, style in zip(both, styles, strict=True)]
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
