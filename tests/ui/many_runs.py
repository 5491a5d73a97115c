"""A home of many runs, to see how the Runs screen copes: `python -m tests.ui.many_runs HOME COUNT`."""

import shutil
import sys
from pathlib import Path

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from tests.ui import recorded


def make(home: Home, count: int) -> list[RunFolder]:
    """So many runs, copies of a finished, a stopped, a diverged and a crashed one, a minute apart."""
    kinds = (recorded.finished, recorded.stopped, recorded.diverged, recorded.crashed)
    patterns = []
    for number, kind in enumerate(kinds):
        run = kind(Home(home.root / f"pattern-{number}"))
        patterns.append(run)
    runs = []
    for number in range(count):
        pattern = patterns[number % len(patterns)]
        target = home.runs / f"20260225-{6 + number // 3600:02}{number // 60 % 60:02}{number % 60:02}-drums{number}"
        shutil.copytree(pattern.path, target)
        runs.append(RunFolder(target))
    for pattern in patterns:
        shutil.rmtree(pattern.path.parent.parent)
    return runs


if __name__ == "__main__":
    make(Home(Path(sys.argv[1])), int(sys.argv[2]))
