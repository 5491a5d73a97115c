"""distill-tui: train residual-VQ audio autoencoders on your own folder of sounds, from the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distill_tui.engine.generate.generator import Generator
    from distill_tui.engine.inference.model import Model

__version__ = "0.1.0"
__all__ = ["__version__", "load_model"]


def load_model(path: str | os.PathLike[str], device: str = "cpu") -> Model | Generator:
    """The model of a `.distill` file, ready to use: `encode`, `decode` and `reconstruct` on tensors; new sounds.

    Sounds are [channels, samples] in -1..1 at `model.sample_rate` Hz; codes are [channels, frames, levels].

        model = distill_tui.load_model("kicks.distill")
        codes = model.encode(wave)            # or model.encode(wave, levels=2)
        again = model.decode(codes)[:, : wave.shape[-1]]
        takes = model.generate(count=8, seconds=1.0)  # takes[0].wave: float32 [samples]

    A file of kind generator gives a `Generator`, which has `generate` too, and its codec as `codec`.

    Args:
        path: the file.
        device: `cpu`, `cuda`, `cuda:1`, ... or `mps`.

    Raises:
        distill_tui.errors.RequestError: the file is not a good model; the message says what is wrong. No code in the
            file is ever run.
    """
    # by name, because every module of the package imports this one, and torch takes seconds
    import importlib
    from pathlib import Path

    card = importlib.import_module("distill_tui.library.container").read_card(Path(path))
    if card.task == "prior":
        loaded: Generator = importlib.import_module("distill_tui.engine.generate.generator").Generator.load(
            path, device
        )
        return loaded
    model: Model = importlib.import_module("distill_tui.engine.inference.model").Model.load(path, device)
    return model
