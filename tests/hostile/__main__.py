"""Many cases by hand: `python -m tests.hostile --cases 1000 --seed 1`; `--only N` runs one of them."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile.cases import make
from tests.hostile.home import make as make_home
from tests.hostile.run import run_case


def run(numbers: list[int], root: Path) -> int:
    """Run the cases of these numbers; how many went wrong."""
    template, wrong, began = make_home(root / "template"), 0, time.monotonic()
    for done, number in enumerate(numbers):
        case, folder = make(number), root / "case"
        problems = run_case(case, template, folder)
        shutil.rmtree(folder, ignore_errors=True)
        for problem in problems:
            print(f"case {number}, {case.what}: {problem}\n", flush=True)
        wrong += bool(problems)
        if done % 100 == 99:
            print(f"{done + 1} cases, {wrong} wrong, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"{len(numbers)} cases, {wrong} wrong, {time.monotonic() - began:.0f} s")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.hostile", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="cases of other seeds have no case in common")
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    first = options.seed * 1_000_000
    numbers = [options.only] if options.only is not None else list(range(first, first + options.cases))
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        return 1 if run(numbers, Path(folder)) else 0


if __name__ == "__main__":
    sys.exit(main())
