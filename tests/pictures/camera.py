"""The live app without a terminal, and what it shows at a moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from textual.pilot import Pilot

from distill_tui.runs.folder import RunFolder
from distill_tui.ui.app import DistillApp
from tests.pictures.cells import Frame, read_export
from tests.pictures.place import Place
from tests.ui.steady import settle

Size = tuple[int, int]


class Camera:
    """An app of one size, open on a run."""

    def __init__(self, place: Place, pilot: Pilot[None], size: Size) -> None:
        self.place, self.pilot, self.size = place, pilot, size

    @property
    def app(self) -> DistillApp:
        assert isinstance(self.pilot.app, DistillApp)
        return self.pilot.app

    def frame(self) -> Frame:
        """What is seen now."""
        return read_export(self.app.export_screenshot(), self.size, self.place.hide)

    async def settle(self, seconds: float = 60.0) -> None:
        """Wait until the screen stays as it is, or for so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(settle(self.pilot), seconds)

    async def press(self, *keys: str) -> None:
        """Press keys, each after the screen has answered the one before; `wait 2` waits for two seconds."""
        for key in keys:
            if key.startswith("wait "):
                await self.pilot.pause(float(key[5:]))
                continue
            await self.pilot.press(key)
            await self.pilot.pause(0.3)


@asynccontextmanager
async def opened(place: Place, run: RunFolder | None, size: Size, explore: bool = False) -> AsyncIterator[Camera]:
    """The app, on a run."""
    app = DistillApp(place.home, run, explore)
    async with app.run_test(size=size) as pilot:
        yield Camera(place, pilot, size)
