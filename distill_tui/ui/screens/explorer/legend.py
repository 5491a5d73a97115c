"""The text around the maps: a title over each level, the legend below all of them."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.style import Style

from distill_tui.reporting import formatting
from distill_tui.text import printable
from distill_tui.ui.screens.explorer.drawing import MOST_CELLS
from distill_tui.ui.screens.explorer.scene import MapOptions, Scene
from distill_tui.ui.widgets.braille_canvas import Cell

LEGEND_ROWS = ((20, 3), (12, 2), (0, 1))
"""The most rows of the legend, by the least rows of the map."""

StyleOf = Callable[..., Style]
"""`CellGrid.style_of`."""


def title_of(
    scene: Scene, level: int, options: MapOptions, width: int, style_of: StyleOf, mark: str, of_points: bool
) -> list[Cell]:
    """Return the title of a level. `mark` stands before the selected level's; `of_points`: the arrows select points."""
    dim, accent = style_of("dim"), style_of("accent")
    name = style_of("foreground", bold=True) + Style(underline=True) if mark else dim
    cells = cells_of(f"{mark or ' '} ", accent)
    if not scene.map.levels:
        cells += cells_of("Latents", name)
    else:
        cells += cells_of(f"Level {level + 1}", name)
        if mark and of_points:
            cells += cells_of("  points", accent)
        cells += cells_of(f"  {_view_name(options, level)}", dim)
    return (cells + cells_of(_explained(scene, options, level, width - len(cells)), dim))[:width]


def _view_name(options: MapOptions, level: int) -> str:
    if options.points == "sums":
        return f"sums of {formatting.plural(level + 1, 'code')}"
    return "residuals" if options.points == "residuals" and level else "encoder outputs"


def _explained(scene: Scene, options: MapOptions, level: int, room: int) -> str:
    """Return the fraction of the variance that a plane shows, as far as there is room; '' for two dimensions."""
    if scene.map.dims <= 2:
        return ""
    percent = formatting.percent(scene.explained(level, options.points))
    texts = (f", {percent} of its variance", f", {percent}", "")
    return next(text for text in texts if len(text) <= max(0, room))


def legend_of(
    scene: Scene, options: MapOptions, width: int, height: int, style_of: StyleOf, groups: Sequence[Style]
) -> list[list[Cell]]:
    """Return the marks, the groups' letters, and what to know of this plane, for maps of this size."""
    parts = [*_marks(scene, options, style_of), *_remarks(scene, options, style_of)]
    for i, (letter, group) in enumerate(zip(scene.letters, scene.map.groups, strict=True)):
        if group != letter:
            name = f" {formatting.shorten(printable(group), 20)}"
            style = groups[i % len(groups)] + Style(bold=True)
            parts.append(cells_of(letter, style) + cells_of(name, style_of("dim")))
    if options.points == "residuals" and any(level.entering for level in scene.map.levels):
        parts.append(cells_of("each level in a plane of its own", style_of("dim")))
    return _in_rows(parts, width, next(rows for least, rows in LEGEND_ROWS if height >= least))


def _marks(scene: Scene, options: MapOptions, style_of: StyleOf) -> list[list[Cell]]:
    if not scene.map.levels:
        return []
    dim, live = style_of("dim"), cells_of("◆", style_of("foreground", bold=True))
    if options.points == "sums":
        return [live + cells_of(" sum of codes", dim)]
    if options.points == "outputs" and len(scene.map.levels) > 1:
        return [live + cells_of(" code, from level 2 on at the mean of its points", dim)]
    return [live + cells_of(" code", dim), cells_of("◇", style_of("error", bold=True)) + cells_of(" dead", dim)]


def _remarks(scene: Scene, options: MapOptions, style_of: StyleOf) -> list[list[Cell]]:
    """Return what is not drawn, or not exactly, and why."""
    found, dim, parts = scene.map, style_of("dim"), []
    if options.cells and (text := _about_cells(scene, options)):
        parts.append(cells_of(text, style_of("warning")))
    if options.trails and not any(level.trail for level in found.levels):
        parts.append(cells_of("no paths yet: only a run that trains has them", dim))
    if found.dims > 2:
        text = f"2 of {found.dims} dimensions, {formatting.percent(found.explained)} of the variance"
        parts.append(cells_of(text, dim))
    return parts


def _about_cells(scene: Scene, options: MapOptions) -> str:
    levels = scene.map.levels
    if options.points == "sums":
        return "no cells around sums"
    if max((len(level.codes) for level in levels), default=0) > MOST_CELLS:
        return f"no cells of more than {MOST_CELLS} codes"
    if scene.map.dims > 2:
        return "cells: of this plane only, not exact"
    return "cells from level 2 on are among residuals" if options.points == "outputs" and len(levels) > 1 else ""


def _in_rows(parts: list[list[Cell]], width: int, most: int) -> list[list[Cell]]:
    """Lay the parts out in at most `most` rows; those at the end are left out."""
    rows: list[list[Cell]] = [[]]
    for part in parts:
        if rows[-1] and len(rows[-1]) + 2 + len(part) > width:
            if len(rows) == most:
                break
            rows.append([])
        rows[-1] += ([(" ", None)] * 2 if rows[-1] else []) + part[:width]
    return rows


def cells_of(text: str, style: Style | None) -> list[Cell]:
    """Return the characters of a text as cells."""
    found: list[Cell] = []
    for char in text:
        size = cell_len(char)
        if size:
            found.append((char, style))
        if size == 2:
            found.append(("", style))
    return found
