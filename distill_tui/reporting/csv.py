"""A run's metrics over time as a table: a row for each step with any metrics, a column for each metric."""

import csv
import io
import math
from typing import Any

from distill_tui.runs.state import RunState


def columns(state: RunState) -> list[str]:
    """`step`, `epoch`, `time`, and the name of each metric."""
    return ["step", "epoch", "time", *state.series]


def rows(state: RunState) -> list[dict[str, Any]]:
    """The rows by step. A metric that is not in a row has none there; one that is not finite is None."""
    found: dict[int, dict[str, Any]] = {}
    for key, series in state.series.items():
        for step, epoch, time, value in zip(series.steps, series.epochs, series.times, series.values, strict=True):
            row = found.setdefault(int(step), {"step": int(step), "epoch": int(epoch), "time": time})
            row[key] = value if math.isfinite(value) else None
    return [found[step] for step in sorted(found)]


def as_csv(state: RunState) -> str:
    """The table as CSV, what is missing or not finite left empty."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns(state), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(state))
    return text.getvalue()
