"""The lines of the Previews view: the film, the pair with its axes, and the sounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from distill_tui.reporting import formatting, sound_quality
from distill_tui.reporting.mel_axis import hertz_labels, seconds_line
from distill_tui.reporting.previews import levels_of, moment, sound_name
from distill_tui.runs.events import PreviewMade
from distill_tui.runs.state import RunState
from distill_tui.text import printable
from distill_tui.ui.screens.training.previews.layout import GAP, Layout, steps_shown
from distill_tui.ui.services.spectrograms import Spectrogram
from distill_tui.ui.widgets.blocks import blocks
from distill_tui.ui.widgets.heat import is_fine, is_shaded, picture_row
from distill_tui.ui.widgets.text_widget import LinesWidget, joined, pad

COURSE = 16
LEAST_NAME = 7
NUMBERS = 38
"""Cells beside the name of a sound: its mark, its distance and the course of that."""


@dataclass(frozen=True)
class Thumb:
    """A picture of the film with its labels; None while it is being made."""

    picture: Spectrogram | None
    label: str
    more: str = ""
    is_lit: bool = False
    is_original: bool = False


def head_line(widget: LinesWidget, state: RunState, previews: Sequence[PreviewMade], index: int) -> Text:
    """The preview of this index among those that are there: its step, time and mean distance."""
    dim, plain = widget.style("dim"), widget.style("foreground")
    preview, count = previews[index], len(previews)
    step = Text.assemble(
        ("◂ " if index else "  ", widget.mark_style),
        (f"step {preview.step:,}", widget.style("foreground", bold=True)),
        (" ▸" if index < count - 1 else "  ", widget.mark_style),
    )
    parts = [step, Text(f"epoch {state.epoch_of(preview.epoch)}", dim)]
    if after := moment(preview):
        parts.append(Text(f"after {after}", dim))
    parts.append(Text(f"preview {index + 1} of {count}", dim))
    distances = [distance for _, _, distance in preview.pairs if distance is not None]
    if distances:
        mean = formatting.number(sum(distances) / len(distances))
        parts.append(Text.assemble(("mean distance ", dim), (mean, plain)))
    return joined(parts, widget.size.width, 2)


def files_line(widget: LinesWidget, original: Path, made: Path) -> Text:
    """Both files in one line, the end of their folder first."""
    names = printable(f"{original.name}, {made.name}")
    width = widget.size.width
    folder = formatting.shorten_path(printable(str(original.parent)), max(8, width - cell_len(names) - 2))
    return Text(formatting.shorten(f"{folder}: {names}", width), widget.style("dim"))


def film_lines(widget: LinesWidget, thumbs: Sequence[Thumb], place: Layout) -> list[Text]:
    """The film: small pictures in a row with their steps below, the chosen one lit."""
    dim, shaded, fine = widget.style("dim"), is_shaded(widget.app), is_fine(widget.app)
    lit = widget.mark_style if widget.has_focus else widget.style("foreground")
    found = []
    for row in range(place.film_rows):
        line = Text()
        for number, thumb in enumerate(thumbs):
            line.append(" " * bool(number))
            line.append_text(_cell(thumb.picture, row, place.film_rows, place.thumb, dim, shaded, fine))
        found.append(line)
    for label in range(place.film_labels):
        line = Text()
        for number, thumb in enumerate(thumbs):
            text = (thumb.label, thumb.more)[label]
            style = widget.style("series-recon" if thumb.is_original else "dim", bold=thumb.is_original)
            if thumb.is_lit:
                style = lit + Style(bold=True, reverse=True)
            line.append(" " * bool(number))
            line.append_text(Text(formatting.shorten(text, place.thumb).center(place.thumb), style))
        found.append(line)
    return found


def _cell(picture: Spectrogram | None, row: int, rows: int, width: int, dim: Style, shaded: bool, fine: bool) -> Text:
    """One row of a small picture, or of a place that waits for one or cannot have one."""
    if picture is None or picture.error or len(picture.rows) < 2 * rows:
        sign = "" if row != rows // 2 else "✗" if picture is not None and picture.error else "…"
        return Text(sign.center(width), dim)
    return picture_row(picture, row, shaded, fine)


def pair_lines(widget: LinesWidget, pair: Sequence[Spectrogram] | None, place: Layout) -> list[Text]:
    """Both pictures side by side, frequencies at their left and seconds below where there is room for them."""
    dim = widget.style("dim")
    if pair is None:
        waiting = Text("making the pictures …", dim)
        return [waiting if row == place.rows // 2 else Text() for row in range(place.rows + place.has_seconds)]
    shaded, fine = is_shaded(widget.app), is_fine(widget.app)
    rate = next((one.rate for one in pair if one.rate), 0)
    labels = hertz_labels(rate, place.rows) if place.axis and rate else {}
    found = []
    for row in range(place.rows):
        line = Text()
        line.append(f"{labels.get(row, ''):>{place.axis - 1}} " if place.axis else "", dim)
        for number, picture in enumerate(pair):
            line.append(" " * GAP * bool(number))
            if picture.error:
                said = printable(picture.error) if row == place.rows // 2 else ""
                line.append_text(pad(Text(said, widget.style("error")), place.picture))
            else:
                line.append_text(picture_row(picture, row, shaded, fine))
        found.append(line)
    if place.has_seconds:
        axes = (seconds_line(one.seconds, place.picture) for one in pair)
        found.append(Text(" " * place.axis + (" " * GAP).join(axes), dim))
    return found


def sound_lines(
    widget: LinesWidget, previews: Sequence[PreviewMade], preview: PreviewMade, here: int, place: Layout
) -> list[Text]:
    """The sounds with their distances and the course of those through the previews; the chosen one among them."""
    rows, dim = place.listed, widget.style("dim")
    first = min(max(0, here - rows // 2), len(preview.pairs) - rows)
    names = [sound_name(preview, index) for index in range(first, first + rows)]
    room = max(LEAST_NAME, min(max(cell_len(name) for name in names), place.width - NUMBERS))
    found = []
    for index, name in enumerate(names, first):
        chosen = index == here
        course = [
            math.nan if (distance := made.pairs[index][2]) is None else distance
            for made in (previews[step] for step in steps_shown(len(previews), len(previews) - 1, COURSE))
            if index < len(made.pairs)
        ]
        most = max((distance for distance in course if math.isfinite(distance)), default=1.0)
        name_style = widget.style("foreground" if chosen else "dim", bold=chosen)
        line = Text.assemble(
            ("▸ " if chosen else "  ", widget.mark_style),
            pad(Text(formatting.shorten_path(name, room), name_style), room),
            ("  distance ", dim),
            (formatting.number(preview.pairs[index][2]), widget.style("foreground")),
        )
        if len(course) > 1:
            line.append("  " + blocks(course, most or 1.0), widget.style("series-recon"))
        if index < len(preview.measures) and (words := sound_quality.words(preview.measures[index])):
            line.append(
                f"  {formatting.shorten(words, max(1, place.width - line.cell_len - 2))}", widget.style("warning")
            )
        if chosen:
            parts = [line, _of_levels(preview, index, dim)]
            line = joined([part for part in parts if part.plain], max(place.width, line.cell_len), 3)
        found.append(line)
    return found


def _of_levels(preview: PreviewMade, index: int, style: Style) -> Text:
    """`1 level 0.61, 2 levels 0.48`; nothing where there are none."""
    known = {count: distance for count, (_, distance) in levels_of(preview, index).items() if distance is not None}
    said = (f"{formatting.plural(count, 'level')} {formatting.number(value)}" for count, value in known.items())
    return Text(", ".join(said), style)
