"""The sound of a code or point: where in the data it is."""

from pathlib import Path

from distill_tui.runs.codebook_map import CodebookMap, Place
from distill_tui.text import decode_path
from distill_tui.ui.screens.explorer.scene import Selection
from distill_tui.ui.services.excerpts import Excerpt


def excerpt_of(found: CodebookMap, selection: Selection, of_points: bool) -> Excerpt | None:
    """Return the excerpt of the selected point or of the selected code's place; None if there is none."""
    if of_points:
        point = selection.point
        if point is None or point >= min(len(found.names), len(found.starts)):
            return None
        name, start = found.names[point], found.starts[point]
    else:
        places = places_of(found, selection)
        if not places:
            return None
        place = places[selection.place % len(places)]
        name, start = place.file, place.start
    path = found.files.get(name)
    return None if path is None else Excerpt(name, Path(decode_path(path)), start, found.place_seconds)


def places_of(found: CodebookMap, selection: Selection) -> list[Place]:
    """Return the places where the selected code is used most; [] if there are none."""
    if selection.code is None or selection.level >= len(found.levels):
        return []
    places = found.levels[selection.level].places
    return places[selection.code] if selection.code < len(places) else []
