"""Loops: sounds whose end meets their beginning.

The loop is a part of a longer sound, from frame `start` to before `stop`, where the frames before both are most alike.
Towards its end the sound turns into what stands before `start`: so the last frame is followed by the first one as in the
sound itself. It is decoded in a circle, with the random phases of the decoder too.
"""

import numpy as np
import torch
from torch import Tensor

from distill_tui.engine.generate.codec import Codec

FADE = 6
"""Latent frames in which the end turns into what stands before the beginning."""
LEAST = 4
"""Latent frames of a loop, at least."""
QUIET_WEIGHT = 0.02
"""Of the loudness, in dB, of the frames at a seam beside their distance: a seam is heard least where it is quiet."""


def loop(codec: Codec, latents: Tensor, frames: int | None = None) -> Tensor:
    """The best loop in a sound [frames, dim]: latents to be decoded with `loop=True`.

    Args:
        frames: of the loop; None: at least half of what there is.
    """
    count = len(latents)
    if count <= LEAST:
        return latents
    fade = max(1, min(FADE, (count - LEAST) // 2, (frames or count) // 2))
    start, stop = seam(codec, latents, fade, frames)
    body = latents[start:stop].clone()
    before = latents[start - fade : start]
    weight = torch.arange(1, fade + 1)[:, None] / (fade + 1)
    body[-fade:] += weight * (before - body[-fade:])
    body[-1] = before[-1]
    return body


def seam(codec: Codec, latents: Tensor, fade: int, frames: int | None = None) -> tuple[int, int]:
    """Where the best loop begins, at `fade` or later, and the frame before which it ends."""
    count = len(latents)
    quiet = codec.loudness(latents)
    best = (np.inf, fade, min(count, fade + (frames or count - fade)))
    for start in range(fade, count - LEAST + 1):
        least = frames or max(LEAST, (count - fade) // 2)
        stops = torch.arange(start + least, min(count, start + frames if frames else count) + 1)
        if not len(stops):
            continue
        # the frames that stand before the seam on both sides, and how much louder than the rest they are
        back = torch.arange(-min(fade, 3), 0)
        far = (latents[stops[:, None] + back] - latents[start + back]).square().sum(-1).mean(-1)
        loud = (quiet[start - 1] - quiet.min()) * QUIET_WEIGHT * float(latents.std())
        cost = far.sqrt() + loud
        place = int(cost.argmin())
        if float(cost[place]) < best[0]:
            best = (float(cost[place]), start, int(stops[place]))
    return best[1], best[2]
