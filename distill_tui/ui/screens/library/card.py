"""A model's card in words."""

import datetime
from typing import Any

from rich.style import Style
from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.files import printable
from distill_tui.library.card import Card
from distill_tui.reporting import formatting
from distill_tui.reporting.verdicts import level_of
from distill_tui.ui.screens.library.loss_curves import draw_curves, loss_curve
from distill_tui.ui.screens.library.model_details import Shown
from distill_tui.ui.widgets.health import judged, window_text
from distill_tui.ui.widgets.text_widget import again_in_another_theme, theme_style

TITLE = 12
"""Cells of the titles that values stand behind."""
LABEL = 19
"""Cells before a curve: the loss's name and its last value."""
CURVE = (12, 48)
"""The least and the most cells of a curve."""
CURVE_ROWS = 2
HELD_OUT = "over held-out sound: too little of it for a verdict"
"""The window of cards from before they named one."""
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
    text = Text()
    card, entry = shown.card, shown.entry
    if card is None:
        return Text(printable(f"✗ {shown.problem}"), theme_style(widget, "error"))
    dim, plain, bold = (
        theme_style(widget, "dim"),
        theme_style(widget, "foreground"),
        theme_style(widget, "primary", bold=True),
    )

    def pair(word: str, value: str) -> None:
        text.append(f"{word:{TITLE}}", dim)
        lines = formatting.wrap(printable(value), width - TITLE) or [""]
        text.append(f"\n{'':{TITLE}}".join(lines) + "\n", plain)

    text.append(printable(entry.name) + "\n", bold)
    pair("created", f"{local_day(entry.created)}, {'finished' if card.finished else 'stopped early'}")
    pair("rate", f"{formatting.hertz(card.rate)}, {card.frame_rate or 0:.1f} frames a second")
    pair("bit rate", f"{card.kbps or 0:.2f} kbps")
    pair("size", f"{formatting.short_count(card.parameters)} parameters, {entry.size / 1e6:.1f} MB")
    how_far = f"{formatting.plural(card.epoch, 'epoch')}, {formatting.plural(card.step, 'step')}"
    pair("trained", f"{how_far}, {formatting.duration(card.seconds_trained)}")
    files, seconds = card.data.get("files"), card.data.get("seconds")
    if files is not None:
        pair("on", f"{formatting.plural(int(files), 'sound')}, {formatting.duration(seconds)}")
    pair("run", card.run or formatting.MISSING)
    if card.run:
        pair("its state", shown.state.state if shown.run is not None else "no longer in this home")
    if card.started_from:
        pair("started", f"from the weights of model {card.started_from}")
    pair("id", card.id)
    _losses(widget, card, text, max(CURVE[0], min(CURVE[1], width - LABEL)))
    _health(widget, card, text, width)
    _previews(shown, text, dim, plain)
    _recipe(card.recipe, text, dim)
    for note in card.notes:
        text.append(f"\n{printable(note)}", dim)
    text.rstrip()
    return text


def _losses(widget: Widget, card: Card, text: Text, width: int) -> None:
    text.append("\nlosses\n", theme_style(widget, "dim"))
    for name in LOSSES:
        if name not in card.losses:
            continue
        curve = loss_curve(card, name, theme_style(widget, f"series-{name}"))
        for row, line in enumerate(draw_curves([curve], theme_style(widget, "faint"), width, CURVE_ROWS)):
            text.append(f"  {name if row == 0 else '':8}", theme_style(widget, "dim"))
            value = formatting.number(card.losses[name]) if row == 0 else ""
            text.append(f"{value:>7}  ", theme_style(widget, "foreground"))
            text.append_text(line)
            text.append("\n")


def _previews(shown: Shown, text: Text, dim: Style, plain: Style) -> None:
    made, folder = shown.previews, shown.preview_folder
    if made is None or folder is None:
        return
    text.append(f"\npreviews of step {made.step:,}: distance to the original\n", dim)
    text.append("  " + "  ".join(formatting.number(distance) for _, _, distance in made.pairs) + "\n", plain)
    text.append(printable(f"  {folder}") + "\n", dim)


def _health(widget: Widget, card: Card, text: Text, width: int) -> None:
    if not card.health:
        return
    text.append("\nlevel   used  perplex.   dead\n", theme_style(widget, "dim"))
    size = card.recipe.get("model", {}).get("codebook_size")
    size = size if isinstance(size, int) else 0
    levels = [level_of(entry, number) for number, entry in enumerate(card.health)]
    for level in levels:
        word, color = judged(level, size)
        text.append(
            f"{level.level + 1:>5}{formatting.percent(level.utilization):>7}"
            f"{formatting.number(level.perplexity)[:6]:>10}{formatting.count(level.dead):>7}  ",
            theme_style(widget, "foreground"),
        )
        text.append(word + "\n", theme_style(widget, color))
    window = window_text(levels, size, card.health_window) if card.health_window else HELD_OUT
    for line in formatting.wrap(printable(window), width):
        text.append(line + "\n", theme_style(widget, "dim"))


def _recipe(recipe: dict[str, Any], text: Text, dim: Style) -> None:
    if not recipe:
        return
    text.append("\nrecipe\n", dim)
    automatic = set(recipe.get("automatic", []))
    text.append(f"  {'preset':20}", dim)
    text.append(f"{recipe.get('preset', formatting.MISSING)}\n")
    for section, keys in (
        ("model", ("rvq_levels", "codebook_size", "channels", "latent_dim", "stride")),
        ("loss", ("commitment_weight",)),
        ("train", ("epochs", "learning_rate", "batch_size", "seed")),
    ):
        for key in keys:
            if key in recipe.get(section, {}):
                auto = " (auto)" if f"{section}.{key}" in automatic else ""
                text.append(f"  {key:20}", dim)
                text.append(f"{formatting.setting(recipe[section][key])}{auto}\n")


def local_day(created: str) -> str:
    """ISO 8601 in UTC as the local date and time; '-' when there is none."""
    try:
        moment = datetime.datetime.fromisoformat(created)
    except ValueError:
        return formatting.MISSING
    return formatting.day(moment.timestamp())
