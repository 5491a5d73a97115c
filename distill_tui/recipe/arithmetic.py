"""The numbers that follow from a resolved recipe: lengths and rates of latent frames, and the bit rate."""

import math
from collections.abc import Sequence

from distill_tui.recipe.schema import Recipe

CONV2D_STRIDE = 16
"""Spectrogram frames a latent frame of net conv2d: four layers of stride 2."""
ENOUGH_FRAMES_PER_CODE = 3
"""Latent frames for each code, below which nothing is said of a codebook's use: fewer could not use every code."""

VALIDATION_SECONDS = {"cpu": 60.0, "cuda": 600.0, "mps": 200.0}
"""Sound of each split that a validation goes through, by kind of device."""


def latent_hop(recipe: Recipe) -> int:
    """Samples from one latent frame to the next, of a recipe of sounds."""
    return int(recipe.model.hop_length) * int(recipe.model.stride)


def frame_rate(recipe: Recipe) -> float:
    """Latent frames a second; 0 for images, which have one each."""
    if recipe.task == "images":
        return 0.0
    return float(recipe.model.sample_rate) / float(recipe.model.hop_length) / float(recipe.model.stride)


def crop_samples(recipe: Recipe) -> int:
    """The length of a training crop in samples: whole latent frames."""
    hop = latent_hop(recipe)
    return max(1, round(float(recipe.data.crop_seconds) * int(recipe.model.sample_rate) / hop)) * hop


def bitrate_kbps(recipe: Recipe) -> float:
    """Kilobits a second of the codes: frames x levels x log2(size); 0 where there are none."""
    if not recipe.model.quantizer_facts.has_codes:
        return 0.0
    return codes_kbps(frame_rate(recipe), [math.log2(float(recipe.model.codebook_size))] * recipe.model.rvq_levels)


def codes_kbps(frame_rate: float, bits: Sequence[float]) -> float:
    """Kilobits a second of codes with so many bits in each level, at `frame_rate` latent frames a second."""
    return frame_rate * sum(bits) / 1000
