"""The end of making a take: decoded, of its length, without a click at the end, not clipping."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.engine.generate.codec import Codec
from distill_tui.engine.generate.limit import limiting_gain
from distill_tui.engine.generate.loop import exactly, loop_frames
from distill_tui.engine.generate.loop import loop as looped
from distill_tui.engine.generate.material import Material

MOST_PEAK = 0.99
"""A louder take is turned down to this; of one longer than SHORT_SECONDS only its loud moments are."""
SHORT_SECONDS = 3.0
FADE_SECONDS = 0.003
"""At the end of a take, so that one which is cut does not click."""
FLOOR = 1e-5
"""RMS that is told as -100 dB."""


@dataclass(frozen=True)
class Draft:
    """A take before it is decoded.

    `method` is what made it. `wanted` is the loudness [frames] in dB to be imposed on the decoded sound, `patch` puts
    it into the source's own samples.
    """

    material: Material
    method: str
    wanted: Tensor | None = None
    patch: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Sound:
    """A finished take: samples, the latents they are of, RMS in dB, peak, what it was turned down by, what is odd."""

    wave: NDArray[np.float32]
    latents: Tensor
    loudness: float
    peak: float
    gain_db: float
    note: str


def finish(codec: Codec, draft: Draft, loop: bool, samples: int | None, wave: Tensor | None = None) -> Sound:
    """Turn a draft into a sound.

    Args:
        loop: make a loop of it.
        samples: the length that was asked for; None: the draft's own.
        wave: the decoded draft, where it is known.
    """
    latents = draft.material.latents
    if loop:
        latents = looped(codec, latents, None if samples is None else loop_frames(codec, samples))
        wave = codec.decode(latents, loop=True)
        wave = wave if samples is None else exactly(wave, samples)
    elif wave is None:
        wave = codec.decode(latents)
    if draft.wanted is not None:
        wave = codec.impose(wave, draft.wanted)
    if draft.patch is not None:
        wave = draft.patch(wave)
    elif not loop:
        wave = _ended(wave[: samples or draft.material.samples], codec.rate)
    # the source's own samples in a patched sound keep their shape
    wave, gain, note = _not_clipping(wave, codec.rate, loop, at_once=draft.patch is not None)
    rms = max(FLOOR, float(wave.square().mean().sqrt()))
    return Sound(
        wave.numpy().astype(np.float32),
        latents,
        20 * math.log10(rms),
        float(wave.abs().max()),
        20 * math.log10(gain),
        note,
    )


def _not_clipping(wave: Tensor, rate: int, loop: bool, at_once: bool) -> tuple[Tensor, float, str]:
    """A sound that does not clip, the least gain that this took, and the words for it.

    Args:
        at_once: turn all of it down, whatever its length.
    """
    gain = min(1.0, MOST_PEAK / max(float(wave.abs().max()), 1e-9))
    if gain == 1:
        return wave, gain, ""
    told = f"turned down by {-20 * math.log10(gain):.1f} dB so as not to clip"
    if at_once or len(wave) <= SHORT_SECONDS * rate:
        return wave * gain, gain, told
    return wave * limiting_gain(wave, rate, MOST_PEAK, loop), gain, f"its loudest moment {told}"


def _ended(wave: Tensor, rate: int) -> Tensor:
    """A sound that comes to rest in its last milliseconds."""
    count = min(len(wave) // 2, round(FADE_SECONDS * rate))
    if count < 2:
        return wave
    wave = wave.clone()
    wave[-count:] *= torch.linspace(1, 0, count)
    return wave
