"""Makes takes: what a request asks for, from a codec or a generator and its code bank."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.inference.model import Model
from distill_tui.paths import Home
from distill_tui.takes.request import Request
from distill_tui.takes.take import Take

if TYPE_CHECKING:
    from distill_tui.engine.generate.generator import Generator
    from distill_tui.engine.generate.novelty import Judge

Progress = Callable[[int, int], None]
"""Called with (takes done, takes in all)."""
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Made:
    """One take in memory.

    Attributes:
        wave: float32 [samples] in -1..1 at the model's sample rate.
        codes: int64 [frames, levels], on the CPU; of a model without codebooks latents, float32 [frames, latent_dim].
        take: its description; `path` is "" until it is written (`takes.folder.TakesFolder.add`).
    """

    wave: NDArray[np.float32]
    codes: Tensor
    take: Take


class Maker:
    """Makes takes with one model.

    Args:
        source: a codec (methods blend and walk) or a generator (the prior too).
        bank: the training sounds as codes of that codec.
        judge: measures how new each take is; None leaves `nearest`, `novelty` and the runs of codes unknown.
    """

    def __init__(self, source: "Model | Generator", bank: CodeBank, judge: "Judge | None" = None) -> None:
        raise NotImplementedError

    @classmethod
    def open(
        cls,
        path: Path,
        home: Home,
        device: str = "cpu",
        data: Sequence[str | Path] = (),
        with_judge: bool = True,
        progress: Progress | None = None,
    ) -> "Maker":
        """Load a model and its bank.

        Args:
            path: a `.distill` file of a codec or a generator.
            home: where codes of the training sounds are cached.
            data: folders and files to use as the bank; () for the sounds that the model was trained on.
            progress: called with (sounds encoded, sounds in all) where the codes are not in the cache.

        Raises:
            RequestError: no good model, or the sounds are gone (the way out is `--data`).
        """
        raise NotImplementedError

    @property
    def sample_rate(self) -> int:
        """Of what is made, in Hz."""
        raise NotImplementedError

    @property
    def labels(self) -> list[str]:
        """The labels that a request may have, sorted; none where the sounds are in no folders."""
        raise NotImplementedError

    @property
    def methods(self) -> list[str]:
        """The methods that this model has, the one of `auto` first."""
        raise NotImplementedError

    def make(self, request: Request, progress: Progress | None = None, stop: Stop | None = None) -> Iterator[Made]:
        """Make the takes of a request, one after the other; take n follows from seed + n alone.

        Args:
            progress: called with (takes done, takes in all), first with (0, all).
            stop: looked at before each take; true ends the iteration.

        Raises:
            RequestError: the request cannot be met (label, seconds, source sound, method); before the first take.
        """
        raise NotImplementedError
