"""Previews of a prior: takes, each with the training sound that is nearest to it, and what it is by fewer levels."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from distill_tui.data.decode_cache import Wave
from distill_tui.engine.generate.generator import Generator
from distill_tui.engine.generate.nearest import MelSteps, SlidingSearch
from distill_tui.engine.generate.sampler import draw
from distill_tui.engine.tasks.preview_files import LevelFile, PreviewPair, counts_of_levels, write_preview_sound
from distill_tui.recipe.sections.train import Train

MOST_SECONDS = 4.0
"""Of a take."""
COMPARED_SECONDS = 1.5
MOST_COMPARED = 300
"""Training sounds that a take is compared with: of more, an even spread."""


class NearestSounds:
    """The beginnings of training sounds, in which that of a take is looked for (`generate.nearest`)."""

    def __init__(self, training: Sequence[Wave], rate: int) -> None:
        self._training, self._rate = training, rate
        count = min(len(training), MOST_COMPARED)
        self._places = [i * len(training) // count for i in range(count)]
        self._mel = MelSteps(rate)

    @cached_property
    def _steps(self) -> list[Tensor]:
        """The spectra, computed at the first preview and kept: they take 100 KB a sound."""
        length = int(COMPARED_SECONDS * self._rate)
        return [self._mel(torch.from_numpy(np.array(self._training[place][:length])).float()) for place in self._places]

    def find(self, waves: Sequence[Tensor]) -> list[tuple[np.ndarray, float]]:
        """The sound that is nearest to each take [samples], and its distance in dB."""
        takes = [self._mel(wave[: int(COMPARED_SECONDS * self._rate)].float()) for wave in waves]
        search = SlidingSearch(self._steps, max(take.shape[1] for take in takes))
        found = [search.nearest(take) for take in takes]
        most = int(MOST_SECONDS * self._rate)
        return [(np.array(self._training[self._places[place.row]][:most]), place.distance) for place in found]


def write_previews(
    generator: Generator, nearest: NearestSounds, train: Train, folder: Path, kind: Literal["wav", "flac"] = "wav"
) -> list[PreviewPair]:
    """Write pairs `nearest-NN`, `take-NN`, and of the first take `levels-01-K`, which is decoded from K levels."""
    rate = generator.sample_rate
    most = max(1, int(MOST_SECONDS * rate / generator.codec.net.latent_hop))
    labels = generator.labels or [""]
    takes: list[Tensor] = []
    for n in range(train.previews):
        takes += draw(generator, 1, max_frames=most, seeds=[train.seed + n], label=labels[n % len(labels)])
    waves = [generator.decode(codes).cpu() for codes in takes]
    pairs = []
    for number, (wave, (sound, distance)) in enumerate(zip(waves, nearest.find(waves), strict=True), 1):
        names = (
            write_preview_sound(folder, f"nearest-{number:02d}", sound, rate, kind),
            write_preview_sound(folder, f"take-{number:02d}", wave.float().numpy(), rate, kind),
        )
        pairs.append(PreviewPair(*names, {"distance": distance}))
    levels = []
    for count in counts_of_levels(takes[0].shape[1]):
        partial = generator.decode(takes[0][:, :count]).cpu().float().numpy()
        levels.append(LevelFile(count, write_preview_sound(folder, f"levels-01-{count}", partial, rate, kind)))
    pairs[0] = pairs[0]._replace(levels=tuple(levels))
    return pairs
