"""A real training, filmed: the moving picture on top of the README."""

import asyncio
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field

from distill_tui.runs.folder import RunFolder
from tests.pictures.camera import Size, opened
from tests.pictures.cells import Frame
from tests.pictures.drawing import write_svg
from tests.pictures.place import Place

SIZE: Size = (120, 35)
TITLE = "A training"
EVERY = 1.0
"""Seconds between two frames that are kept."""
FRAMES = 20
EACH, LAST = 0.45, 1.8
"""Seconds for which a frame of the training is seen; and the end, and each view of AFTERWARDS."""
AFTERWARDS = ("codebooks", "previews")
"""Stills with which the moving picture ends."""
DURING: dict[str, Size] = {"training-200x50": (200, 50), "training-80x24": (80, 24)}
"""Stills that are taken while the training goes on, and their sizes."""
STILLS_AT = 0.6
"""The part of the training that is over then."""


@dataclass
class Shot:
    """A frame, and the part of the run that was over."""

    progress: float
    frame: Frame


@dataclass
class Film:
    """What was seen of a training, once a second, and the stills in between."""

    shots: list[Shot] = field(default_factory=list)
    stills: dict[str, Frame] = field(default_factory=dict)


async def film(place: Place, run: RunFolder) -> None:
    """Watch a run from its start to its end, and keep what was seen in the place's `film`."""
    seen = Film()
    stills: asyncio.Task[dict[str, Frame]] | None = None
    async with opened(place, run, SIZE) as camera:
        while True:
            state = camera.app._training.controller.state
            seen.shots.append(Shot(state.progress, camera.frame()))
            if stills is None and state.progress > STILLS_AT:
                stills = asyncio.create_task(_stills(place, run))
            if state.ending is not None:
                break
            await camera.pilot.pause(EVERY)
        await camera.settle()
        seen.shots.append(Shot(1.0, camera.frame()))
    seen.stills = await stills if stills else {}
    place.film.write_bytes(pickle.dumps(seen))


async def _stills(place: Place, run: RunFolder) -> dict[str, Frame]:
    found = {}
    for name, size in DURING.items():
        async with opened(place, run, size) as camera:
            await camera.settle(12.0)
            found[name] = camera.frame()
    return found


def read_film(place: Place) -> Film:
    """The film of the training that was watched last."""
    found: Film = pickle.loads(place.film.read_bytes())
    return found


def moving_picture(film: Film, views: Sequence[Frame]) -> str:
    """The animated SVG of a film, and of views of the run afterwards."""
    frames = [*_chosen(film.shots), *views]
    return write_svg(frames, TITLE, [EACH] * FRAMES + [LAST] * (1 + len(views)))


def _chosen(shots: Sequence[Shot]) -> list[Frame]:
    """FRAMES of the start and the training, and the end: three of the start, then those nearest to equal steps."""
    starts = [shot for shot in shots if shot.progress == 0]
    going = [shot for shot in shots if shot.progress > 0]
    found = [starts[len(starts) * part // 3] for part in range(3)]
    rest = FRAMES - len(found)
    for number in range(rest):
        found.append(min(going, key=lambda shot: abs(shot.progress - (number + 0.5) / rest)))
    return [*(shot.frame for shot in found), shots[-1].frame]
