"""A tiny codec and a tiny prior for it, trained in this process in about a second."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_tui.data.scan import scan
from distill_tui.engine.inference.model import Model
from distill_tui.library.store import Library
from distill_tui.machine import Machine
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.presets import PRIOR
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.service import create_run
from tests.engine.support import make_run, tones, train_here

TINY_PRIOR: dict[str, Any] = PRIOR | {
    "prior.width": 16,
    "prior.crop_frames": 8,
    "prior.versions": 2,
    "train.batch_size": 4,
    "train.steps_per_epoch": 3,
    "train.epochs": 3,
    "train.preview_every": 0,
    "train.previews": 1,
    "train.device": "cpu",
}
"""Of runs that a command starts: they have no codec here."""


@dataclass(frozen=True)
class SmallCodec:
    """A codec of nine tones in two folders, in a home of its own. Copy what is to be changed."""

    home: Home
    sounds: Path
    model: Path

    def copy_to(self, home: Home) -> Path:
        """Put the codec into another home's library; its path there."""
        home.models.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(self.model, home.models / self.model.name))


def make_codec(folder: Path) -> SmallCodec:
    """Train a tiny codec called `small` in `folder`."""
    home, sounds = Home(folder / "home"), folder / "sounds"
    tones(sounds / "high", 4)
    tones(sounds / "low", 5, 0.3)
    run = make_run(home, sounds, name="small", train__epochs=2, train__quantizer_warmup_fraction=0.0)
    assert train_here(home, run) == 0
    return SmallCodec(home, sounds, home.models / "small.distill")


def make_prior_run(home: Home, codec: Path, sounds: Path, **values: Any) -> RunFolder:
    """A run of a tiny prior for a codec, its recipe changed by `values` (`prior__net="transformer"`)."""
    chosen = TINY_PRIOR | {"prior.codec": str(codec)} | {key.replace("__", "."): v for key, v in values.items()}
    machine = Machine(cores=2, gpus=(), has_mps=False)
    return create_run(home, with_values(Recipe(), chosen), scan([sounds], 0.2, home), machine).folder


def open_codec(home: Home, name: str = "small") -> Model:
    """A codec of a home's library."""
    return Model.load(Library(home).find(name).path)
