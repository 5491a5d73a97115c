"""The loss curves of models, from the histories in their cards: several over one another on one pair of axes."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from distill_tui.library.card import Card
from distill_tui.reporting import code_bits
from distill_tui.reporting.axis import scale_for
from distill_tui.reporting.series import SeriesReducer, card_quantizer_start, card_series, split_at
from distill_tui.runs.series import Series
from distill_tui.ui.widgets.braille_canvas import BrailleCanvas


@dataclass(frozen=True)
class LossCurve:
    """A loss of a card; what was measured before the step `start` is of a net without its quantizer."""

    series: Series
    start: float
    ink: Style


def loss_curve(card: Card, name: str, ink: Style) -> LossCurve:
    """The loss `name` (train, val, ..., of a generator bits) of a card; empty when the card does not hold it."""
    key = code_bits.VAL if name == "bits" else f"loss/{name}"
    return LossCurve(card_series(card.history, key), card_quantizer_start(card.history), ink)


def draw_curves(curves: Sequence[LossCurve], faint: Style, width: int, height: int) -> list[Text]:
    """`height` lines of `width` cells, the warm-up `faint`.

    The first curve is solid and lies in front, the others are dotted, so that no colour is needed.
    """
    last = max([1.0, *(curve.series.steps[-1] for curve in curves if len(curve.series))])
    reduced = [SeriesReducer().points(curve.series, width * 2, 0.0, last) for curve in curves]
    scale = scale_for([(p.low, p.high) for points in reduced for p in points], height * 4)
    if scale is None or width < 1 or height < 1:
        return [Text(" " * max(0, width))] * max(0, height)
    canvas = BrailleCanvas(width, height)
    for number, (curve, points) in reversed(list(enumerate(zip(curves, reduced, strict=True)))):
        before, after = split_at(points, curve.start, 0.0, last, width * 2)
        for part, ink in ((before, faint), (after, curve.ink)):
            canvas.curve(part, scale, ink, dotted=number > 0)
    return [canvas.row(y) for y in range(height)]
