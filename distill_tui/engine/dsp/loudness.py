"""The loudness of each latent frame, measured and imposed: what a decoder cannot get wrong by itself any more.

A loss of logarithms aims at the median of a level, so what cannot be predicted came out 4 to 7 dB too quiet, and
held-out sounds with a partial where no training sound had one up to 28 dB. With the loudness in the codes themselves,
and imposed on the decoder's result, the net is left with the shape of the sound (gain-shape coding; Gersho and Gray
1992, 12.10).
"""

import torch
from torch import Tensor, nn

from distill_tui.engine.dsp.interpolation import stretched, with_ends
from distill_tui.engine.dsp.padded import held

FLOOR = 1e-5
"""RMS below this, -100 dB of full scale, counts as this."""
MAX_GAIN = 7.0
"""The most that a decoder's result is made louder by, as a natural logarithm: 61 dB."""


INSIDE, AROUND = 0.35, 0.15
"""Weights of a frame's two halves, and of the half frames before and after it: about a Hann window of two hops."""


def loudness(wave: Tensor, hop: int) -> Tensor:
    """RMS of [batch, n x hop] samples as natural logarithms [batch, n], about -11.5 for silence to 0 for full scale.

    The mean power of a frame's two halves and, with less weight, of the half frames before and after it.
    """
    frames, half = wave.square().view(len(wave), -1, hop), hop // 2
    halves = torch.stack((frames[..., :half].mean(-1), frames[..., half:].mean(-1)), -1).flatten(1)
    padded = nn.functional.pad(halves, (1, 1))
    power = INSIDE * (padded[:, 1:-2:2] + padded[:, 2:-1:2]) + AROUND * (padded[:, :-3:2] + padded[:, 3::2])
    return (power + FLOOR**2).log() / 2


def with_loudness(wave: Tensor, wanted: Tensor, hop: int, ends: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """[batch, n x hop] samples, made louder or quieter to a `loudness` of about `wanted` [batch, n]; and by how much.

    The gain, a natural logarithm, moves evenly from the middle of a frame to that of the next.

    Args:
        ends: the number of frames of each, if they are not equally long; the wave is zero after them.
    """
    gain = held(wanted - loudness(wave, hop), ends)
    around = with_ends(gain.clamp(max=MAX_GAIN))
    smooth = stretched(around, around.shape[1] * hop)[:, hop:-hop]
    return wave * smooth.exp(), gain
