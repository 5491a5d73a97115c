"""The chosen run in words and curves: how it ended, what its recipe has of its own, what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.errors import DistillError
from distill_tui.recipe import toml
from distill_tui.reporting import formatting
from distill_tui.reporting.lines import Line, line
from distill_tui.reporting.metrics import losses_of_run
from distill_tui.reporting.notes import STATE_MARKS, notes
from distill_tui.reporting.recipe_text import changed_settings, flat
from distill_tui.reporting.run_list import RunEntry
from distill_tui.reporting.series import quantizer_start
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.series import Series
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.loss_curves import LossCurve, draw_curves
from distill_tui.ui.widgets.text_widget import again_in_another_theme, text_of, theme_style

LABEL = 19
"""Cells before a curve: the loss's name and its last value."""
CURVE = (12, 60)
CURVE_ROWS = 2
MOST_CURVES = 4
TITLE = 9


@dataclass(frozen=True)
class RunDetails:
    """A run that was looked at: its whole state, and what its recipe has of its own."""

    run: RunFolder
    state: RunState
    settings: tuple[tuple[str, str], ...]

    def is_of(self, entry: RunEntry) -> bool:
        """True if it is what the list shows now: a run that has ended may be resumed or renamed by another program."""
        state = self.state
        is_same = (self.run.id, not state.is_active) == (entry.id, entry.is_ended)
        return is_same and (state.is_active or (state.updated_at, state.name) == (entry.updated, entry.name))


def look_at_run(run: RunFolder) -> RunDetails:
    """Read a run's log and recipe: milliseconds to a quarter of a second. Call it in a thread."""
    return RunDetails(run, RunFollower(run).catch_up(), settings_of(run))


def settings_of(run: RunFolder) -> tuple[tuple[str, str], ...]:
    """Settings of a run's recipe that differ from the defaults; none where it cannot be read."""
    try:
        return tuple(changed_settings(flat(toml.to_dict(toml.load(run.recipe)))))
    except (DistillError, OSError):
        return ()


class RunCard(Static):
    """The card of a run, drawn for the width that there is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._shown: tuple[RunEntry, RunDetails] | None = None
        self._keys: Mapping[str, str] = {}
        self._drawn: Text | None = None

    def show(self, entry: RunEntry | None, details: RunDetails | None, keys: Mapping[str, str] | None = None) -> None:
        """Show this run, or nothing. `keys` are those that its notes name, by the ids of their actions."""
        self._keys = self._keys if keys is None else keys
        self._shown = None if entry is None or details is None else (entry, details)
        if self._shown is None:
            self._drawn = None
            self.update("")
        else:
            self._draw()

    def on_mount(self) -> None:
        again_in_another_theme(self, self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self._shown is None or not self.size.width:
            return
        text = run_text(self, *self._shown, self._keys, self.size.width)
        if text != self._drawn:
            self._drawn = text
            self.update(text)


def run_text(widget: Widget, entry: RunEntry, details: RunDetails, keys: Mapping[str, str], width: int) -> Text:
    """Everything that a person wants to know of a run, in lines for `width` cells."""
    state = details.state
    curves = list(_curves(widget, state, max(CURVE[0], min(CURVE[1], width - LABEL))))
    parts = [
        text_of(widget, [*_head(entry, details), *_facts(entry)], width),
        Text("\n").join([Text(" "), *curves]) if curves else Text(""),
        text_of(widget, [line(" "), *notes(details.run, state, keys, seen=0)], width),
        text_of(widget, list(_recipe(details)), width) if details.settings else Text(""),
    ]
    return Text("\n").join(part for part in parts if part.plain)


def _head(entry: RunEntry, details: RunDetails) -> Iterator[Line]:
    mark, role = STATE_MARKS.get(entry.state, ("?", "dim"))
    yield Line(((entry.name, "strong"), (f"  {mark} {entry.state_text}", role)), "name", 2)
    if entry.note:
        yield from (line(text, "accent", "note") for text in entry.note.split("\n"))
    if entry.tags:
        yield line(" ".join(f"#{tag}" for tag in entry.tags), "accent", "tags")
    if details.state.given_name:
        yield line(f"begun as {details.run.first_name}", "dim", "first-name")


def _facts(entry: RunEntry) -> Iterator[Line]:
    found: dict[str, Any] = {
        "quality": entry.quality_text if entry.quality else "",
        "trained": f"epoch {entry.epoch}, step {entry.step:,}" if entry.step else "",
        "took": f"{formatting.duration(entry.seconds)} on {entry.device or 'an unknown device'}"
        if entry.started
        else "",
        "started": formatting.day(entry.started) if entry.started else "",
        "model": entry.model,
        "id": entry.id,
    }
    for title, text in found.items():
        if text:
            yield Line(((f"{title:{TITLE}}", "dim"), (text, "plain")), title, TITLE)


def _curves(widget: Widget, state: RunState, width: int) -> Iterator[Text]:
    """The course of each loss, its name and last value before it."""
    for key, title, color in losses_of_run(state)[:MOST_CURVES]:
        series = state.series.get(key, Series())
        if not len(series):
            continue
        curve = LossCurve(series, quantizer_start(state), theme_style(widget, color))
        for row, drawn in enumerate(draw_curves([curve], theme_style(widget, "faint"), width, CURVE_ROWS)):
            value = "" if row else formatting.number(state.numbers.get(key))
            yield Text.assemble(
                (f"{'' if row else title:8}", theme_style(widget, "dim")),
                (f"{value:>8}  ", theme_style(widget, "foreground")),
                drawn,
            )


def _recipe(details: RunDetails) -> Iterator[Line]:
    yield line(" ")
    yield line("recipe: what is not the default", "dim", "recipe")
    width = max(len(key) for key, _ in details.settings)
    for key, text in details.settings:
        yield Line(((f"  {key.ljust(width)}  ", "dim"), (text, "plain")), key, 4)
