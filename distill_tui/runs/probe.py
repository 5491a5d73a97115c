"""A probe of this machine: when it can be made, and the command that makes a few training steps (`engine.probe`)."""

import json
import os

from distill_tui.interpreter import python
from distill_tui.machine import COMPUTING
from distill_tui.paths import Home
from distill_tui.recipe.devices import ONE
from distill_tui.recipe.fields import flatten
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.history import is_training_on

SECONDS = 8
"""It takes about this long, most of it for loading torch."""


def can_probe(home: Home, recipe: Recipe) -> bool:
    """Return True if a probe of a resolved recipe would tell its pace: a codec on one device that trains nothing now.

    Reads the disk.
    """
    device = str(recipe.train.device)
    is_one = "," not in device and recipe.train.devices in ONE
    return recipe.task == "codec" and is_one and not is_training_on(home, device)


def probe_command(home: Home, recipe: Recipe) -> list[str]:
    """The command that measures the pace of a resolved recipe and keeps it (`runs.paces`)."""
    values = {key: value for key, value in flatten(recipe).items() if key.startswith(("model.", "data.", "train."))}
    del values["data.paths"]
    return python("-m", "distill_tui.engine.probe", "--home", str(home.root), "--recipe", json.dumps(values))


def probe_environment() -> dict[str, str]:
    """The environment of that command."""
    return {**COMPUTING, **os.environ}
