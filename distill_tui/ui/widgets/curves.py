"""What a chart of a run can show: its numbers by name, the panes they belong in, their colours, places and marks."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase, digits

from distill_tui.reporting import formatting
from distill_tui.runs.state import RunState, Series
from distill_tui.ui.widgets.losses import LOSSES

FIRST_CHOSEN = tuple(key for key, _, _ in LOSSES)
ALONG = ("step", "epoch", "time")
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

_SHORT = {key: title for key, title, _ in LOSSES}
_LOSS_COLORS = {key: color for key, _, color in LOSSES}


def short_name(key: str) -> str:
    """`train` for loss/train, `use 3` for codebook/2/utilization: people count levels from 1."""
    if key in _SHORT:
        return _SHORT[key]
    parts = key.split("/")
    if parts[0] == "codebook" and len(parts) == 3:
        level = str(int(parts[1]) + 1) if parts[1].isdecimal() else parts[1]
        return f"{'use' if parts[2] == 'utilization' else parts[2]} {level}"
    return key.removeprefix("loss/")


def pane_name(key: str) -> str:
    """Numbers of one kind share an axis. The commitment loss has one of its own: it is far smaller than the others."""
    if key == "loss/commit":
        return "commitment loss"
    if key.startswith(("loss/", "epoch/")):
        return "loss"
    parts = key.split("/")
    return parts[2] if parts[0] == "codebook" and len(parts) == 3 else key


def letters(keys: Iterable[str]) -> dict[str, str]:
    """A letter for each number that marks its curve, another for each in one pane: `t` for train, `2` for level 2."""
    found: dict[str, str] = {}
    taken: dict[str, set[str]] = {}
    for key in keys:
        used, name = taken.setdefault(pane_name(key), set()), short_name(key)
        if key.startswith("codebook/") and (level := name.rpartition(" ")[2]).isdecimal():
            name = (digits + ascii_lowercase)[int(level) % 36] + name
        found[key] = next((char for char in name.lower() + ascii_lowercase if char.isalnum() and char not in used), "*")
        used.add(found[key])
    return found


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


def places(state: RunState, series: Series, along: str) -> "tuple[array[float], float, float]":
    """Where the points of a series are: an array, and the factor and shift that make it `along`'s unit.

    `array * factor + shift` is in steps, epochs or seconds since the start.
    """
    if along == "time":
        return series.times, 1.0, -state.started_at
    if along == "epoch":
        an_epoch = state.prepared.steps_per_epoch if state.prepared else 0
        return series.steps, 1.0 / max(1, an_epoch), 0.0
    return series.steps, 1.0, 0.0


def place_of_step(state: RunState, step: float, along: str) -> float:
    """A step in the unit of `along`: its time is that of the nearest numbers."""
    series = max(state.series.values(), key=len, default=Series())
    if along != "time":
        _, factor, shift = places(state, series, along)
        return step * factor + shift
    if not len(series):
        return 0.0
    index = min(len(series) - 1, bisect_left(series.steps, step))
    return series.times[index] - state.started_at


def place_text(value: float, along: str) -> str:
    """A place on the axis, short: `1,200`, `24.5`, `1:05:00`."""
    if along == "step":
        return f"{value:,.0f}" if value < 1e6 else f"{value / 1e6:.6g}M"
    if along == "epoch":
        return f"{value:.4g}" if value < 1e4 else f"{value:,.0f}"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


@dataclass(frozen=True)
class Mark:
    """Something that happened at a place of the chart."""

    at: float
    sign: str
    color: str
    text: str


def marks(state: RunState, along: str) -> list[Mark]:
    """Checkpoints, previews, knobs and the best epoch; the more important last, so that it is drawn over the others."""
    found = [
        Mark(place_of_step(state, saved.step, along), "c", "dim", f"checkpoint at step {saved.step:,}")
        for saved in state.checkpoints
    ]
    found += [
        Mark(place_of_step(state, made.step, along), "p", "series-recon", f"preview at step {made.step:,}")
        for made in state.previews
    ]
    found += [
        Mark(
            place_of_step(state, knob.step, along),
            "◆",
            "accent",
            f"{knob.key.rpartition('.')[2]} {formatting.setting(knob.old)} → {formatting.setting(knob.new)}",
        )
        for knob in state.knobs
    ]
    if state.quantizing_from:
        at = place_of_step(state, state.quantizing_from, along)
        found.append(Mark(at, "┬", "primary", "quantizing from here"))
    if state.best is not None:
        text = f"best epoch {state.best.epoch}, held-out distance {formatting.number(state.best.value)}"
        found.append(Mark(place_of_step(state, state.best.step, along), "★", "success", text))
    return found
