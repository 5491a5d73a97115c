"""What the pictures show: a codec, a generator, takes and an Explorer run, each trained once in a place."""

import asyncio
from pathlib import Path

from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.quick_state import quick_state
from tests.pictures.film import film
from tests.pictures.place import Place

CODEC_MINUTES, PRIOR_MINUTES, EXPLORER_MINUTES = "3", "1", "3"
TAKES = "8"


def train(place: Place, data: Path | None) -> None:
    """Train what is not there yet; the codec's training is filmed."""
    sounds = place.sounds(data)
    if "codec" not in finished(place):
        run = place.start("train", str(sounds), "--minutes", CODEC_MINUTES)
        asyncio.run(film(place, run))
        if "codec" not in finished(place):
            raise SystemExit(f"{run.path} has not finished: what was printed is in {run.worker_log}")
    name = finished(place)["codec"].first_name
    if "prior" not in finished(place):
        place.run("train-prior", name, "--minutes", PRIOR_MINUTES, "--plain")
    takes = place.home.takes / f"{name}-gen"
    if not takes.exists():
        place.run("generate", f"{name}-gen", "--out", str(takes), "--count", TAKES)
    if "images" not in finished(place):
        place.run("explore", "--minutes", EXPLORER_MINUTES, "--plain")


def finished(place: Place) -> dict[str, RunFolder]:
    """The newest finished run of each task."""
    runs = sorted(list_runs(place.home), key=lambda run: run.id)
    return {run.task: run for run in runs if quick_state(run).state == "finished"}
