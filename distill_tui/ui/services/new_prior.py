"""From a codec to the run of a prior for it. Imported only once there is to be one."""

import asyncio
from pathlib import Path

from distill_tui.library.pretrained import Codec, codec_of
from distill_tui.machine import this_machine
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import service
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.prior import as_trained, paths_of, prior_recipe
from distill_tui.text import encode_path
from distill_tui.ui.services.scan import scan


async def start_prior(home: Home, codec_path: Path, minutes: float) -> RunFolder:
    """Train a prior for a codec of the library on the sounds that the codec was trained on; the run.

    Raises:
        DistillError: it is no codec with codes, its sounds are gone, or the run cannot be started.
    """
    codec, paths = await asyncio.to_thread(_open, home, codec_path)
    corpus = as_trained(codec, await scan(home, paths, lambda _done, _total: None))

    def start() -> RunFolder:
        run = service.create_run(home, prior_recipe(codec, {"train.minutes": minutes}), corpus, this_machine()).folder
        service.start_worker(home, run)
        return run

    return await asyncio.to_thread(start)


def _open(home: Home, path: Path) -> tuple[Codec, list[str]]:
    codec = codec_of(home, with_values(Recipe(), {"prior.codec": encode_path(path)}))
    return codec, paths_of(codec)
