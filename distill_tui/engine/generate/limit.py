"""A limiter for long takes: single loud moments are turned down, and no more than these.

It looks ahead (Giannoulis et al. 2012, "Digital dynamic range compressor design"): the gain that each moment needs, its
least value in a window around it, and then a mean over that window, which is smooth and nowhere above what is needed.
"""

import torch
from torch import Tensor

WINDOW_SECONDS = 0.05
"""The gain begins to fall so long before a peak, and has risen so long after it: longer than a period of a low tone."""
BLOCK_SECONDS = 0.001
"""The gain is found for blocks of this length, and interpolated in them."""


def limiting_gain(wave: Tensor, rate: int, most: float, loop: bool = False) -> Tensor:
    """A smooth gain [samples], at most 1, with which no sample of a sound is above a limit.

    Args:
        wave: [samples].
        rate: in Hz.
        most: the limit.
        loop: the end meets the beginning.
    """
    block, radius = max(1, round(BLOCK_SECONDS * rate)), round(WINDOW_SECONDS / BLOCK_SECONDS)
    peaks = torch.nn.functional.max_pool1d(wave.abs()[None], block, ceil_mode=True)
    needed = most / peaks.clamp(min=most)
    # one block more on both sides, as the gain is interpolated between blocks
    around = 2 * radius + 2
    if loop:
        places = torch.arange(-around, needed.shape[1] + around) % needed.shape[1]
        needed = needed[:, places]
    else:
        needed = torch.nn.functional.pad(needed, (around, around), value=1.0)
    least = -torch.nn.functional.max_pool1d(-needed, 2 * radius + 3, stride=1)
    kernel = torch.hann_window(2 * radius + 3, periodic=False)[1:-1]
    smooth = torch.nn.functional.conv1d(least[None], (kernel / kernel.sum())[None, None])
    gain = torch.nn.functional.interpolate(smooth, scale_factor=block, mode="linear")[0, 0]
    return gain[block : block + len(wave)]
