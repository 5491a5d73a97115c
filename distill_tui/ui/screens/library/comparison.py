"""Two models side by side, in lines: what they are, where their recipes differ, their curves, their distances."""

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.widget import Widget

from distill_tui.files import printable
from distill_tui.library.card import Card
from distill_tui.reporting import formatting
from distill_tui.ui.screens.library.card import LOSSES, local_day
from distill_tui.ui.screens.library.loss_curves import draw_curves, loss_curve
from distill_tui.ui.screens.library.model_details import Shown
from distill_tui.ui.widgets.text_widget import theme_style

LABEL = 24
CURVE_ROWS = 4
MOST_CURVE = 100
STYLES = ("series-train", "series-recon")
BETTER = "◂ better"
NOT_COMPARED = ("version", "automatic", "name", "data.paths", "train.start_from")
"""Keys of a recipe that say nothing about the model."""

Distances = dict[str, Any]
"""What `distill-tui models evaluate --json` prints."""


def side_text(widget: Widget, pair: tuple[Shown, Shown], measured: Sequence[Distances | None], width: int) -> Text:
    """The lines for `width` cells. `measured` are the distances of both on the same sounds, None while not known."""
    text = Text(no_wrap=True, overflow="crop")
    dim, plain = theme_style(widget, "dim"), theme_style(widget, "foreground")
    styles = [theme_style(widget, name) for name in STYLES]
    label = LABEL if width > 60 else 13
    column = max(8, (width - label - 2) // 2)

    def row(name: str, one: str, two: str, better: int | None = None) -> None:
        text.append(_cell(name, label), dim)
        for number, value in enumerate((one, two)):
            mark = f"  {BETTER}" if better == number else ""
            text.append(_cell(value + mark, column) + ("  " if number == 0 else "\n"), plain)

    def head(title: str) -> None:
        text.append(f"\n{title}\n", theme_style(widget, "dim"))

    one, two = pair[0].card, pair[1].card
    assert one is not None
    assert two is not None
    both = (one, two)
    text.append(_cell("", label))
    for letter, card, style, dots in zip("ab", (one, two), styles, ("⠒⠒", "⠂⠐"), strict=True):
        text.append(_cell(f"{letter} {dots} {card.name}", column) + ("  " if letter == "a" else "\n"), style)
    for name, show in (
        ("created", lambda c: local_day(c.created)),
        ("bit rate", lambda c: f"{c.kbps or 0:.2f} kbps"),
        ("parameters", lambda c: formatting.short_count(c.parameters)),
        ("trained", lambda c: f"{c.epoch:,} epochs, {c.step:,} steps"),
        ("for", lambda c: formatting.duration(c.seconds_trained)),
        ("codes used", _used),
    ):
        row(name, show(one), show(two))
    if one.started_from or two.started_from:
        row("started from", _start(one), _start(two))
    head("losses")
    for name in LOSSES:
        values = [card.losses.get(name) for card in (one, two)]
        if any(value is not None for value in values):
            # the others count other things when the recipes differ
            better = _less(values) if name == "val" and _same_loss(one, two) else None
            row(f"  {name}", formatting.number(values[0]), formatting.number(values[1]), better)
    _distances(measured, row, head)
    head("recipe: what differs")
    differing = differences(one.recipe, two.recipe)
    for key, first, second in differing:
        row(f"  {key}", first, second)
    if not differing:
        text.append("  nothing\n", plain)
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


def _distances(measured: Sequence[Distances | None], row: Any, head: Any) -> None:
    if not any(measured):
        return
    head("distances on the same sounds")
    for part, title in (("held_out", "held out"), ("trained_on", "trained on")):
        files = [int((one or {}).get(part, {}).get("files") or 0) for one in measured]
        if not any(files):
            continue
        row(f"  {title}", *(formatting.plural(count, "sound") for count in files))
        for key, name, sign in (("mel", "log-mel", 1), ("stft", "STFT", 1), ("si_sdr", "SI-SDR dB", -1)):
            values = [(one or {}).get(part, {}).get(key) for one in measured]
            judged = [None if value is None else sign * value for value in values]
            row(f"    {name}", *(formatting.number(value) for value in values), _less(judged))


def differences(one: dict[str, Any], two: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(key, value, value) where two nested recipes differ, in their order."""
    first, second = _flat(one), _flat(two)
    found = []
    for key in dict.fromkeys([*first, *second]):
        values = [side.get(key) for side in (first, second)]
        if key not in NOT_COMPARED and values[0] != values[1]:
            found.append((key, *(formatting.MISSING if v is None else formatting.setting(v) for v in values)))
    return [(key, one, two) for key, one, two in found]


def _flat(recipe: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in recipe.items():
        found.update(
            {f"{key}.{word}": inner for word, inner in value.items()} if isinstance(value, dict) else {key: value}
        )
    return found


def _start(card: Card) -> str:
    return f"model {card.started_from}" if card.started_from else "scratch"


def _used(card: Card) -> str:
    """The share of its codes that each level uses."""
    return " ".join(formatting.percent(level.get("utilization")) for level in card.health) or formatting.MISSING


def _same_loss(one: Card, two: Card) -> bool:
    """Whether the losses of both are made of the same parts of the same spectrograms."""
    return one.rate == two.rate and one.recipe.get("loss") == two.recipe.get("loss")


def _less(values: Sequence[float | None]) -> int | None:
    """Which of two is less, None when that cannot be said."""
    one, two = values
    if one is None or two is None or one == two:
        return None
    return 0 if one < two else 1


def _cell(text: str, width: int) -> str:
    text = printable(text)
    if cell_len(text) > width:
        return set_cell_size(text, max(0, width - 1)) + "…"
    return set_cell_size(text, width)
