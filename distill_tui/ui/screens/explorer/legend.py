"""What is written beside the maps: a title over each level, the legend below all of them."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.style import Style

from distill_tui.files import printable
from distill_tui.reporting import formatting
from distill_tui.ui.screens.explorer.cell_grid import Cell
from distill_tui.ui.screens.explorer.scene import MOST_CELLS, MapOptions, Scene

LEGEND_ROWS = ((20, 3), (12, 2), (0, 1))
"""From so many rows on the legend may have so many."""

TerminalStyle = Callable[..., Style]
"""`CellGrid.ink`."""


def title_of(
    scene: Scene,
    level: int,
    shows: MapOptions,
    width: int,
    ink: TerminalStyle,
    here: bool,
    focused: bool,
    of_points: bool,
) -> list[Cell]:
    """What stands over a level: `here` when it is the chosen one, `of_points` when the arrows choose points."""
    name = ink("foreground", bold=True) + Style(underline=True) if here else ink("dim")
    mark = "▸ " if here and focused else "  "
    if not scene.map.levels:
        head = line_of(mark, ink("accent")) + line_of("Latents", name)
        return (head + line_of(_held(scene, shows, level, width - len(head)), ink("dim")))[:width]
    cells = line_of(mark, ink("accent")) + line_of(f"Level {level + 1}", name)
    what = shows.points
    if what == "sums":
        said = f"sums of {formatting.plural(level + 1, 'code')}"
    elif what == "residuals" and level:
        said = "residuals"
    else:
        said = "encoder outputs"
    if here and of_points:
        cells += line_of("  points", ink("accent"))
    cells += line_of(f"  {said}", ink("dim"))
    cells += line_of(_held(scene, shows, level, width - len(cells)), ink("dim"))
    return cells[:width]


def _held(scene: Scene, shows: MapOptions, level: int, room: int) -> str:
    """How much of what is shown lies in a plane that cannot show all of it."""
    if scene.map.dims <= 2:
        return ""
    held = formatting.percent(scene.explained(level, shows.points))
    said = (f", {held} of its variance", f", {held}", "")
    return next(text for text in said if len(text) <= max(0, room))


def legend_of(
    scene: Scene, shows: MapOptions, width: int, height: int, ink: TerminalStyle, groups: Sequence[Style]
) -> list[list[Cell]]:
    """The marks, the groups' letters, and what people should know of this plane, for maps of this size."""
    found, dim = scene.map, ink("dim")
    parts: list[list[Cell]] = []
    if not found.levels:
        pass
    elif shows.points == "sums":
        parts.append(line_of("◆", ink("foreground", bold=True)) + line_of(" sum of codes", dim))
    elif shows.points == "outputs" and len(found.levels) > 1:
        parts.append(
            line_of("◆", ink("foreground", bold=True))
            + line_of(" code, from level 2 on at the mean of its points", dim)
        )
    else:
        parts.append(line_of("◆", ink("foreground", bold=True)) + line_of(" code", dim))
        parts.append(line_of("◇", ink("error", bold=True)) + line_of(" dead", dim))
    if shows.cells:
        most = max((len(level.codes) for level in found.levels), default=0)
        if shows.points == "sums":
            parts.append(line_of("no cells around sums", ink("warning")))
        elif most > MOST_CELLS:
            parts.append(line_of(f"no cells of more than {MOST_CELLS} codes", ink("warning")))
        elif found.dims > 2:
            parts.append(line_of("cells: of this plane only, not exact", ink("warning")))
        elif shows.points == "outputs" and len(found.levels) > 1:
            parts.append(line_of("cells from level 2 on are among residuals", ink("warning")))
    if shows.trails and not any(level.trail for level in found.levels):
        parts.append(line_of("no paths yet: they are of a training that goes on", dim))
    if found.dims > 2:
        parts.append(
            line_of(f"2 of {found.dims} dimensions, {formatting.percent(found.explained)} of the variance", dim)
        )
    for i, (letter, group) in enumerate(zip(scene.letters, found.groups, strict=True)):
        if group != letter:
            name = f" {formatting.shorten(printable(group), 20)}"
            parts.append(line_of(letter, groups[i % len(groups)] + Style(bold=True)) + line_of(name, dim))
    if shows.points == "residuals" and any(level.entering for level in found.levels):
        parts.append(line_of("each level in a plane of its own", dim))
    most = next(rows for least, rows in LEGEND_ROWS if height >= least)
    rows: list[list[Cell]] = [[]]
    for part in parts:
        if rows[-1] and len(rows[-1]) + 2 + len(part) > width:
            if len(rows) == most:
                break
            rows.append([])
        rows[-1] += ([(" ", None)] * 2 if rows[-1] else []) + part[:width]
    return rows


def line_of(text: str, ink: Style | None) -> list[Cell]:
    """Characters as cells."""
    found: list[Cell] = []
    for char in text:
        size = cell_len(char)
        if size:
            found.append((char, ink))
        if size == 2:
            found.append(("", ink))
    return found
