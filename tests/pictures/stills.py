"""Pictures of the screens, on what has been trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from distill_tui.runs.folder import RunFolder
from tests.pictures.camera import Size, opened
from tests.pictures.cells import Frame
from tests.pictures.place import Place

WIDE: Size = (120, 35)
SOUNDS = "the name of the folder of sounds"


@dataclass(frozen=True)
class Still:
    """What it shows, the keys that lead there, and the task of the run that the app is opened on; "" for none."""

    title: str
    keys: Sequence[str]
    start: str = "codec"


STILLS = {
    "chart": Still("The losses of a training", ("f3", "h", *["left"] * 30)),
    "codebooks": Still("How healthy each codebook is", ("f4",)),
    "previews": Still("A held-out sound as the net learns it", ("f5",)),
    "library": Still("The models, and what is known of one", ("3", "down", "down")),
    "runs": Still("All trainings", ("6", "down", "down")),
    "config": Still("Advice for a folder of sounds", ("enter", *"~/", SOUNDS, "enter", "wait 20"), start=""),
    "generate": Still("New sounds, each with its nearest training sound", ("5", "wait 20", "tab", *["down"] * 2)),
    "explorer": Still("Two codebooks in a plane, while they learn figures", (), start="images"),
}


async def still(place: Place, name: str, runs: dict[str, RunFolder]) -> Frame:
    """One picture."""
    wanted = STILLS[name]
    run = runs[wanted.start] if wanted.start else None
    async with opened(place, run, WIDE, explore=wanted.start == "images") as camera:
        await camera.settle()
        for key in wanted.keys:
            await camera.press(*(runs["codec"].first_name if key == SOUNDS else [key]))
        await camera.settle()
        return camera.frame()
