"""Whether the app grows while it watches a run for hours: a writer appends what a worker would, some minutes at a time.

    python -m tests.benchmarks.growth [HOURS] [trace]

Prints the process's own memory hour by hour. With `trace` also what Python has of it (which takes memory itself), and
at the end what grew most since the third hour; by the second the series of a run have as many points as they ever have.
"""

import asyncio
import gc
import os
import sys
import tempfile
import tracemalloc
from pathlib import Path

import psutil

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.training.screen import TrainingScreen
from tests.benchmarks.long_log import write_log
from tests.ui import recorded

SLICE, REPAINTS = 300, 3
"""Seconds of events that come at once, and repaints of all panels for them: of some 600, but each is like the other."""


async def main(hours: int, is_traced: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        run = recorded.running(home)
        with recorded.alive(run):
            app = DistillApp(home, run=run)
            async with app.run_test(size=(160, 50)) as pilot:
                await pilot.pause(1.0)
                await watch(app, run, hours, is_traced)


async def watch(app: DistillApp, run: RunFolder, hours: int, is_traced: bool) -> None:
    step, first, screen = 2000, None, app.screen
    assert isinstance(screen, TrainingScreen)
    if is_traced:
        tracemalloc.start()
    for number in range(1, hours * 3600 // SLICE + 1):
        write_log(run, SLICE, step + 1)
        step += SLICE
        while screen.controller.state.step < step:
            await asyncio.sleep(0.05)
        for _ in range(REPAINTS):
            screen.painter.repaint()
            await asyncio.sleep(0.05)
        hour, rest = divmod(number * SLICE, 3600)
        if not rest:
            gc.collect()
            traced, own = tracemalloc.get_traced_memory()[0], psutil.Process(os.getpid()).memory_full_info().uss
            more = f", {traced / 2**20:.2f} MiB of them traced" if is_traced else ""
            print(f"hour {hour}: {own / 2**20:.1f} MiB of its own{more}", flush=True)
            if is_traced and hour == min(3, hours - 1):
                first = tracemalloc.take_snapshot()
    if first is None:
        return
    for line in tracemalloc.take_snapshot().compare_to(first, "lineno")[:10]:
        print(line)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8, "trace" in sys.argv))
