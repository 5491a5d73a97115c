"""What the Explorer costs while a run of pictures is watched, through a pseudo-terminal, beside a bare Textual app.

    python -m tests.benchmarks.explorer

Prints a Markdown table, with the measures of `tests.benchmarks.ui`: bytes a second to the terminal at 120x35, watched
and idle; the share of a core; a key until the screen answers; memory. While it is watched, step events come in 50 times
a second and a new map with new pictures twice a second, as a worker would write them.
"""

import contextlib
import os
import statistics
import tempfile
from pathlib import Path

import psutil

from distill_tui.paths import Home
from distill_tui.runs.codebook_map import write_map
from distill_tui.runs.folder import RunFolder
from tests.benchmarks.ui import (
    BARE,
    EVENTS_A_SECOND,
    WATCHED_SECONDS,
    answers,
    events_coming_in,
    opened,
    p95,
)
from tests.ui import explored, recorded

MAPS_A_SECOND, MAPS = 2, 60
ARROWS = [("\x1b[C", b"level 1, code"), ("\x1b[D", b"level 1, code")]
LEVELS = [("l", "▸".encode())]


def trained(run: RunFolder) -> contextlib.AbstractContextManager[None]:
    """A writer of step events and maps, as the worker of a run that trains."""
    # made before: this process has to look at the clock as well
    maps = [explored.a_map(time / MAPS_A_SECOND, step=1700 + time) for time in range(MAPS)]

    def renew(count: int) -> None:
        if count % (EVENTS_A_SECOND // MAPS_A_SECOND) == 0:
            found = maps[count * MAPS_A_SECOND // EVENTS_A_SECOND % MAPS]
            found.step = found.pictures_step = 1700 + count
            write_map(run.map, found)

    return events_coming_in(run, explored.metrics, renew)


def main() -> None:
    rows: list[str] = []

    def row(what: str, bare: str, ours: str, wanted: str) -> None:
        rows.append(f"| {what} | {bare} | {ours} | {wanted} |")
        print(what, bare, ours, wanted, flush=True)

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.environ.update(PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=f"{folder}/compiled")
        home = Home(Path(folder) / "home")
        run = stack.enter_context(recorded.alive(explored.running(home)))
        plain = stack.enter_context(opened("-c", BARE))
        plain.until(b"ready")
        bare = answers(plain, [("a", b"answered a"), ("b", b"answered b")])
        app = stack.enter_context(opened("-m", "distill_tui", "--home", str(home.root), "watch", run.id))
        app.until(b"running")
        app.press("4")
        app.drain(3.0)
        process = psutil.Process(app.pid)
        row("idle, to the terminal", "-", f"{app.drain(WATCHED_SECONDS) / WATCHED_SECONDS:,.0f} B/s", "0")
        with trained(run):
            app.drain(2.0)
            spent = process.cpu_times()
            told = app.drain(WATCHED_SECONDS) / WATCHED_SECONDS
            now = process.cpu_times()
            share = (now.user + now.system - spent.user - spent.system) / WATCHED_SECONDS
            row("watched, to the terminal", "-", f"{told:,.0f} B/s", "10,000 B/s")
            row("watched, share of a core", "-", f"{share:.1%}", "5 %")
            for name, keys in (("the next level", LEVELS), ("the next code", ARROWS)):
                took = answers(app, keys)
                middle = [f"{1000 * statistics.median(times):.0f} ms" for times in (bare, took)]
                most = [f"{1000 * p95(times):.0f} ms" for times in (bare, took)]
                row(f"key to screen, {name}, median", middle[0], middle[1], "-")
                row(f"key to screen, {name}, 95 of 100", most[0], most[1], "30 ms")
        memory = [f"{psutil.Process(one.pid).memory_full_info().uss / 1e6:.0f} MB" for one in (plain, app)]
        row("memory of its own", memory[0], memory[1], "120 MB")
    print("\n| | bare app | the Explorer | wanted |\n|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main()
