"""The README's pictures, from recorded runs: `python -m tests.ui.screenshots` writes tests/ui/screenshots/*.svg.

They come out the same on every machine: recorded times, a machine that is always as busy, local time UTC, true colour.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from textual.pilot import Pilot

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.app import DistillApp
from distill_tui.ui.services.system_monitor import GpuSample, MachineSample, SystemMonitor
from tests.ui import explored, recorded
from tests.ui.conftest import screen_text

FOLDER = Path(__file__).parent / "screenshots"
SHOTS: dict[str, tuple[tuple[int, int], Sequence[str]]] = {
    "training-120x35": ((120, 35), ()),
    "training-80x24": ((80, 24), ()),
    "training-200x50": ((200, 50), ()),
    "chart-120x35": ((120, 35), ("f3", "h", *["left"] * 30)),
    "codebooks-120x35": ((120, 35), ("f4",)),
    "previews-120x35": ((120, 35), ("f5",)),
    "library-120x35": ((120, 35), ("3",)),
    "config-120x35": ((120, 35), ("1",)),
    "explorer-120x35": ((120, 35), ("f4",)),
}
"""Size, and the keys that lead there from the Training screen, or on the Explorer."""


def steady_ask(gauges: SystemMonitor) -> None:
    """Samples of a machine that is always as busy."""
    if not gauges.samples:
        for number in range(24):
            gpu = GpuSample("NVIDIA H100", 0.8 + 0.15 * (number % 3 == 0), 21 * 2**30, 80 * 2**30, 61.0, 388.0)
            gauges.samples.append(MachineSample(0.3 + 0.02 * (number % 4), 14 * 2**30, 126 * 2**30, (gpu,)))


def a_run(home: Home) -> RunFolder:
    """A run with everything that the pictures show."""
    run = recorded.running(home, levels=4)
    recorded.put_preview(run.previews / "step-001700", blur=1)
    for step in (1500, 1600):
        folder = f"previews/step-{step:06}"
        recorded.put_preview(run.path / folder, blur=1 + (1700 - step) // 200)
        distance = 0.5 + 120 / step
        pairs: list[tuple[str, str, float | None]] = [
            (f"{folder}/original-{i:02}.wav", f"{folder}/reconstruction-{i:02}.wav", distance * (1 + 0.1 * i))
            for i in (1, 2, 3)
        ]
        recorded.add_events(run, e.PreviewMade(step=step, epoch=step // 50, folder=folder, pairs=pairs))
    recorded.add_events(run, e.CodesCounted(step=1700, epoch=34, counts=recorded.code_counts(4)))
    return run


async def settle(pilot: Pilot[None], quiet: int = 6) -> None:
    """Wait until the screen stays as it is."""
    same, before = 0, ""
    while same < quiet:
        await pilot.pause(0.25)
        now = screen_text(pilot.app)
        waits = "making the pictures" in now or "reading the log" in now
        same = same + 1 if now == before and not waits else 0
        before = now


async def shoot(home: Home, run: RunFolder, name: str) -> str:
    """One picture, as SVG."""
    size, keys = SHOTS[name]
    explorer = name.startswith("explorer")
    app = DistillApp(home, run, explore=explorer)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        svg = app.export_screenshot(title="distill-tui")
    # rich names its classes after the contents, but Textual adds a number of its own
    return re.sub(r"terminal-\d+(-\w+)?", lambda found: f"terminal{found[1] or ''}", svg)


def main(names: Sequence[str]) -> None:
    os.environ |= {"TZ": "UTC", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    time.tzset()
    SystemMonitor.ask = steady_ask  # type: ignore[method-assign, assignment]
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        with recorded.alive(a_run(home)) as heard, recorded.alive(explored.running(home)) as seen:
            for name in names or SHOTS:
                run = seen if name.startswith("explorer") else heard
                (FOLDER / f"{name}.svg").write_text(asyncio.run(shoot(home, run, name)).replace(folder, "/data"))
                print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
