"""The colours of a chart's curves: those of a run's metrics, and those of other runs that are laid over them."""

from collections.abc import Iterable

from distill_tui.reporting.metrics import LOSSES, pane_name

COLORS = ("series-train", "series-val", "series-recon", "series-commit", "success", "warning", "error", "primary")
RUN_COLORS = (
    ("#d78700", "#af5f00"),
    ("#5faf00", "#008700"),
    ("#af87ff", "#5f00d7"),
    ("#00afd7", "#0087af"),
    ("#ff5f87", "#d70087"),
    ("#d7d75f", "#5f5f00"),
    ("#5fd7af", "#00875f"),
    ("#d7afaf", "#875f5f"),
)
"""Eight hues, on a dark and on a light background; all lie on the 256-colour palette."""
OTHER_RUNS = (
    ("#00ff00", "#005f00"),
    ("#ff00ff", "#d70000"),
    ("#00ffff", "#0000ff"),
    ("#afff00", "#00005f"),
    ("#ffffaf", "#5f0000"),
    ("#0087ff", "#5f5faf"),
    ("#878700", "#8700ff"),
    ("#ff0000", "#0000af"),
)
"""For other runs that are laid over the chart: far from the colours of the run's own losses, and from each other."""
RUN_LETTERS = "ABCDEFGH"
"""What marks the curve of another run, by its colour: colours alone would not do for everybody."""

_LOSS_COLORS = {loss.key: loss.color for loss in LOSSES}


def color_name(key: str, known: Iterable[str]) -> str:
    """The theme variable of a number; the same for as long as the run has the same numbers."""
    if key in _LOSS_COLORS:
        return _LOSS_COLORS[key]
    others = sorted(k for k in known if k not in _LOSS_COLORS and pane_name(k) == pane_name(key))
    return COLORS[others.index(key) % len(COLORS)] if key in others else "foreground"


def run_color(id: str, taken: Iterable[int]) -> int:
    """Which of OTHER_RUNS a run has: by its id, so that it is the same tomorrow, unless another shown one has it."""
    start = sum((i + 1) * byte for i, byte in enumerate(id.encode())) % len(OTHER_RUNS)
    used = set(taken)
    for by in range(len(OTHER_RUNS)):
        if (start + by) % len(OTHER_RUNS) not in used:
            return (start + by) % len(OTHER_RUNS)
    return start
