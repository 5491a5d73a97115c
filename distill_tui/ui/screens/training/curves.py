"""Colours of the curves of a chart: a run's metrics, and other runs that are overlaid."""

from collections.abc import Iterable

from distill_tui.reporting.metrics import LOSSES, pane_name
from distill_tui.ui.widgets.palette import OTHER_RUNS

COLORS = ("series-train", "series-val", "series-recon", "series-commit", "success", "warning", "error", "primary")
RUN_LETTERS = "ABCDEFGH"
"""Letters of the curves of other runs, by their colour: not everybody can tell colours apart."""

_LOSS_COLORS = {loss.key: loss.color for loss in LOSSES}


def color_name(key: str, known: Iterable[str]) -> str:
    """The theme variable of a metric; the same for as long as the run has the same metrics."""
    if key in _LOSS_COLORS:
        return _LOSS_COLORS[key]
    others = sorted(k for k in known if k not in _LOSS_COLORS and pane_name(k) == pane_name(key))
    return COLORS[others.index(key) % len(COLORS)] if key in others else "foreground"


def run_color(id: str, taken: Iterable[int]) -> int:
    """The index in OTHER_RUNS of a run: by its id, so that it stays the same, unless one on the chart has it."""
    start = sum((i + 1) * byte for i, byte in enumerate(id.encode())) % len(OTHER_RUNS)
    used = set(taken)
    for by in range(len(OTHER_RUNS)):
        if (start + by) % len(OTHER_RUNS) not in used:
            return (start + by) % len(OTHER_RUNS)
    return start
