"""The places of the Previews view: how its lines and columns are shared out."""

from dataclasses import dataclass

GAP = 2
AXIS = 6
"""Cells of the frequencies beside the pictures."""
LEAST_PICTURE_ROWS = 3
LEAST_FILM_HEIGHT, LEAST_FILM_WIDTH = 15, 40
"""Cells of a view with a film in it."""
LEAST_THUMB, MOST_THUMB = 10, 26
USUAL_THUMBS = 7
MOST_LISTED = 6


@dataclass(frozen=True)
class Layout:
    """Sizes in cells: a film of `slots` pictures over a pair of pictures, with axes where there is room."""

    width: int
    height: int
    picture: int
    rows: int
    listed: int
    axis: int = 0
    has_seconds: bool = False
    slots: int = 0
    thumb: int = 0
    film_rows: int = 0
    film_labels: int = 0
    has_paths: bool = False


def lay_out(width: int, height: int, previews: int, sounds: int) -> Layout:
    """Share out a view of this size.

    Args:
        previews, sounds: how many there are.
    """
    slots, thumb = _film(width, previews) if height >= LEAST_FILM_HEIGHT and width >= LEAST_FILM_WIDTH else (0, 0)
    film_rows = min(9, max(3, height // 5)) if slots else 0
    film_labels = 0 if not slots else 2 if height >= 24 else 1
    axis = AXIS if width >= 60 and height >= LEAST_FILM_HEIGHT else 0
    has_seconds, has_paths = height >= LEAST_FILM_HEIGHT, height >= 17
    listed = min(sounds, max(1, min(MOST_LISTED, height // 7)))
    # the head and the titles
    rows = height - 2 - film_rows - film_labels - has_seconds - listed - has_paths
    if rows < LEAST_PICTURE_ROWS:
        listed, rows = 1, max(1, height - 3)
        slots = thumb = film_rows = film_labels = axis = 0
        has_seconds = has_paths = False
    picture = max(2, (width - axis - GAP) // 2)
    return Layout(
        width, height, picture, rows, listed, axis, has_seconds, slots, thumb, film_rows, film_labels, has_paths
    )


def _film(width: int, previews: int) -> tuple[int, int]:
    """How many pictures a film has, the original's at its end among them, and their width; no film of one step."""
    if previews < 2:
        return 0, 0
    room = min(max(USUAL_THUMBS, width // 22), (width + 1) // (LEAST_THUMB + 1))
    slots = min(previews + 1, room)
    return slots, min(MOST_THUMB, (width + 1) // slots - 1)


def steps_shown(count: int, chosen: int, slots: int) -> list[int]:
    """The indices of `count` previews that a film of `slots` steps shows: the chosen one, and others spread evenly."""
    if count <= slots:
        return list(range(count))
    if slots < 2:
        return [chosen]
    shown = [round(slot * (count - 1) / (slots - 1)) for slot in range(slots)]
    nearest = min(range(slots), key=lambda slot: abs(shown[slot] - chosen))
    shown[nearest] = chosen
    return shown
