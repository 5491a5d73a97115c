"""Settle on a rented card, in a strict time, how the program does there.

    tests/gpu/run [--minutes 7] [--only device,life] [--device cuda:0] [--json FILE] [--small]

Prints as it goes, and writes one JSON file after every section, so that whoever ends it loses nothing. A section that
fails or is late leaves its reason, and the next one goes on.
"""

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.gpu import life, measures
from tests.gpu.programs import FailedError, Settings

SECTIONS: dict[str, tuple[float, Callable[[Settings], dict[str, Any]]]] = {
    "device": (40, measures.device),
    "life": (100, life.life),
    "tests": (75, measures.marked_tests),
    "sync": (40, measures.sync),
    "replays": (60, measures.replays),
    "bench": (150, measures.bench),
    "oom": (60, life.out_of_memory),
    "equal": (45, life.equal),
    "drums": (60, life.drums),
    "validation": (60, life.validation),
    "peer": (45, measures.peer),
}
"""Name, limit in seconds (for `drums` on top of the training's own minutes), and what it does."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tests/gpu/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=7.0, help="for everything together")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--json", type=Path, default=Path("gpu.json"), help="the file to write")
    parser.add_argument("--small", action="store_true", help="a small form of everything, for a CPU")
    parser.add_argument("--drums", type=float, default=0.0, metavar="M", help="minutes of training (default 1.5)")
    parser.add_argument("--data", type=Path, help="a folder of drums (default: synthesised sounds)")
    parser.add_argument("--measure", type=Path, help="distance.py, for mel, lsd, buzz, level and attack")
    options = parser.parse_args(arguments)
    chosen = options.only.split(",")
    if unknown := [name for name in chosen if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    with tempfile.TemporaryDirectory(prefix="gpu-") as folder:
        settings = Settings(
            device=options.device,
            small=options.small,
            work=Path(folder),
            drums_minutes=options.drums or (0.05 if options.small else 1.5),
            data=options.data and options.data.absolute(),
            measure=options.measure and options.measure.absolute(),
        )
        results = settle(settings, chosen, options.minutes * 60, options.json)
    return 1 if any("error" in section for section in results["sections"].values()) else 0


def settle(settings: Settings, chosen: list[str], seconds: float, file: Path) -> dict[str, Any]:
    """Go through the sections; what was found, as it is in the JSON file."""
    began = time.monotonic()
    results: dict[str, Any] = {"device": settings.device, "small": settings.small, "sections": {}}
    for name in SECTIONS:
        if name not in chosen:
            continue
        limit, work = SECTIONS[name]
        limit += settings.drums_minutes * 60 if name == "drums" else 0
        left = seconds - (time.monotonic() - began)
        since = time.monotonic()
        print(f"\n== {name} (at {since - began:.0f} s, {min(limit, left):.0f} s at most)", flush=True)
        found: dict[str, Any]
        if left < 5:
            found = {"skipped": "no time is left"}
        else:
            settings.deadline = since + min(limit, left)
            found = attempt(work, settings)
        found["seconds"] = round(time.monotonic() - since, 1)
        results["sections"][name] = found
        results["seconds"] = round(time.monotonic() - began, 1)
        file.write_text(json.dumps(results, indent=1))
        for key in ("error", "skipped"):
            if key in found:
                print(f"   {key}: {found[key]}", flush=True)
        print(f"   {found['seconds']} s", flush=True)
    return results


def attempt(work: Callable[[Settings], dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """A section's result, or the reason why there is none."""
    try:
        return work(settings)
    except FailedError as error:
        return {"error": str(error)}
    except Exception:  # noqa: BLE001 - whatever it is, the next section goes on
        return {"error": "\n".join(traceback.format_exc().splitlines()[-6:])}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
