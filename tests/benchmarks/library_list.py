"""How long a list of 10,000 models takes: without an index, with one, and after one model changed.

    python -m tests.benchmarks.library_list [COUNT]

Each time in a fresh process, as a person who opens the library has it; the start of Python is not counted.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distill_tui.library.card import Card
from distill_tui.library.container import copy_model, write_model
from distill_tui.paths import Home
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.toml import to_dict
from distill_tui.reporting.series import thin

LIST = """
import sys, time
from pathlib import Path
start = time.perf_counter()
from distill_tui.library.store import Library
from distill_tui.paths import Home
entries = Library(Home(Path(sys.argv[1]))).list()
print(len(entries), time.perf_counter() - start)
"""


def a_card(number: int) -> Card:
    """A card as large as a real one: 24 series of 300 points, 50 sounds."""
    points = range(300)
    series = thin([float(p) for p in points], [float(p) for p in points], [0.123456 * p for p in points])
    return Card(
        id=f"{number:012x}",
        created=f"2026-01-01T00:00:{number % 60:02d}.000Z",
        run=f"20260101-000000-run-{number}",
        parameters=5_000_000,
        kbps=1.2,
        losses={"train": 0.5, "val": 0.6, "recon": 0.4, "commit": 0.01},
        health=[{"level": i, "utilization": 0.9, "perplexity": 0.5, "dead": 0.0, "churn": 0.1} for i in range(3)],
        recipe=to_dict(Recipe()),
        history={f"series/{i}": series for i in range(24)},
        data={"files": 50, "seconds": 100.0, "sounds": [[f"sound-{i}.wav", "0" * 64] for i in range(50)]},
    )


def main(count: int) -> None:
    import torch

    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        tensors = {f"blocks.{i}.weight": torch.zeros(4, 4) for i in range(80)}
        first = home.models / "model-0.distill"
        write_model(first, tensors, a_card(0))
        begun = time.perf_counter()
        os.fsync = lambda fd: None  # ten thousand flushes are not what is measured here
        for number in range(1, count):
            copy_model(first, home.models / f"model-{number}.distill", a_card(number))
        print(f"{count} models of {first.stat().st_size / 1000:.0f} kB made in {time.perf_counter() - begun:.1f} s")
        for what in ("no index", "with index", "with index", "one model changed"):
            if what == "one model changed":
                copy_model(first, home.models / "one-more.distill", a_card(count))
            answer = subprocess.run([sys.executable, "-c", LIST, folder], capture_output=True, text=True, check=True)
            models, seconds = answer.stdout.split()
            print(f"{what}: {models} models in {float(seconds):.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
