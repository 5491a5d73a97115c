"""A model's card in words."""

from collections.abc import Iterator

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.library.card import Card
from distill_tui.reporting import formatting
from distill_tui.reporting.lines import Line, line
from distill_tui.reporting.measured import measured_text
from distill_tui.reporting.model_list import heard
from distill_tui.reporting.model_report import TITLE, closing_lines, facts, head_lines, health_lines, sound_lines
from distill_tui.reporting.quality import quality_line
from distill_tui.text import printable
from distill_tui.ui.screens.library.model_details import Shown
from distill_tui.ui.widgets.loss_curves import draw_curves, loss_curve
from distill_tui.ui.widgets.text_widget import again_in_another_theme, text_of, theme_style

LABEL = 19
"""Cells before a curve: the loss's name and its last value."""
CURVE = (12, 48)
"""The least and the most cells of a curve."""
CURVE_ROWS = 2
COLORS = {"bits": "recon"}
"""Of curves that are called otherwise than their colour."""
LOSSES = ("train", "val", "recon", "commit")


class CardView(Static):
    """The card of a model, drawn for the width that there is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._model: Shown | None = None
        self._drawn: Text | None = None

    def show(self, shown: Shown | None, instead: str = "") -> None:
        """Show this model; without one, `instead`."""
        self._model, self._drawn = shown, None
        if shown is None:
            self.update(instead)
        else:
            self._draw()

    def on_mount(self) -> None:
        again_in_another_theme(self, self._draw)

    def on_resize(self) -> None:
        # what is laid out just now would keep the height of the old words
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self._model is not None and self.size.width:
            text = card_text(self, self._model, self.size.width)
            if text != self._drawn:
                self._drawn = text
                self.update(text)


def card_text(widget: Widget, shown: Shown, width: int) -> Text:
    """Everything that a person wants to know of a model, in lines for `width` cells."""
    card = shown.card
    if card is None:
        return Text(printable(f"✗ {shown.problem}"), theme_style(widget, "error"))
    told = facts(card, shown.entry.size, shown.state.state if shown.run is not None else "")
    parts = [
        text_of(widget, [*_own(shown), *head_lines(card, told)[1:], *sound_lines(card)], width),
        Text(" "),
        *_losses(widget, card, max(CURVE[0], min(CURVE[1], width - LABEL))),
        text_of(widget, [*health_lines(card, narrow=True), *closing_lines(card), *_previews(shown)], width),
    ]
    return Text("\n").join(part for part in parts if part.plain)


def _own(shown: Shown) -> Iterator[Line]:
    """Its name, quality, note, tags, and what was measured of it last."""
    entry, given = shown.entry, shown.entry.annotation
    yield line(entry.name, "strong", "name")
    if given.note:
        yield from (line(text, "accent", "given-note") for text in given.note.split("\n"))
    if given.tags:
        yield line(" ".join(f"#{tag}" for tag in given.tags), "accent", "tags")
    if shown.card is not None:
        quality = heard(shown.card)
        if quality is not None and quality.percent is None:
            yield Line(((f"{'quality':{TITLE}}", "dim"), (", ".join(quality.words), "fair")), "quality", TITLE)
        else:
            yield from quality_line(quality, "quality", TITLE - 1)
    if given.measured is not None:
        yield Line(((f"{'measured':{TITLE}}", "dim"), (measured_text(given.measured), "plain")), "measured", TITLE)


def _losses(widget: Widget, card: Card, width: int) -> Iterator[Text]:
    """The course of each loss, its name and last value before it."""
    yield Text("losses", theme_style(widget, "dim"))
    for name in ("train", "val", "bits") if card.task == "prior" else LOSSES:
        if name not in card.losses:
            continue
        curve = loss_curve(card, name, theme_style(widget, f"series-{COLORS.get(name, name)}"))
        for row, drawn in enumerate(draw_curves([curve], theme_style(widget, "faint"), width, CURVE_ROWS)):
            value = "" if row else formatting.number(card.losses[name])
            yield Text.assemble(
                (f"  {'' if row else name:8}", theme_style(widget, "dim")),
                (f"{value:>7}  ", theme_style(widget, "foreground")),
                drawn,
            )


def _previews(shown: Shown) -> Iterator[Line]:
    made, folder = shown.previews, shown.preview_folder
    if made is None or folder is None:
        return
    yield line("")
    yield line(f"previews at step {made.step:,}: distance to the original", "dim", "previews")
    yield line("  " + "  ".join(formatting.number(distance) for _, _, distance in made.pairs))
    yield line(f"  {folder}", "dim")
