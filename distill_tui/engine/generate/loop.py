"""Loops: sounds whose end meets their beginning.

A sound that has faded at its end is followed by its own beginning; the file begins shortly before that, where it is
quiet. Of any other sound the loop is a part, from frame `start` to before `stop`, where the frames before both are most
alike; towards its end it turns into what stands before `start`, so the last frame is followed by the first one as in
the sound itself. Either is decoded in a circle, with the random phases of the decoder too.
"""

import numpy as np
import torch
from torch import Tensor

from distill_tui.engine.generate.codec import Codec

FADE = 6
"""Latent frames in which the end turns into what stands before the beginning."""
LEAST = 4
"""Latent frames of a loop, at least."""
FADED = 30.0
"""dB under the loudest frame at which a sound has faded."""
LEAD = 3
"""Latent frames of a faded end that a loop begins with."""
QUIETER = 3.0
"""dB that a loop may be quieter than the sound that it is cut from: it is not to be the last of its decay."""


def fades(codec: Codec, latents: Tensor) -> bool:
    """Tell whether a sound has faded at its end."""
    loudness = codec.loudness(latents)
    return len(latents) > 2 * LEAD and bool((loudness[-LEAD:] < loudness.max() - FADED).all())


def loop(codec: Codec, latents: Tensor, frames: int | None = None) -> Tensor:
    """The best loop in a sound [frames, dim]: latents to be decoded with `loop=True`.

    Args:
        frames: of the loop; None: all of a sound that fades, at least half of another.
    """
    count = len(latents)
    if frames in (None, count) and fades(codec, latents):
        return latents.roll(LEAD, 0)
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
    power = 10 ** (codec.loudness(latents) / 10)
    sums = torch.cat((torch.zeros(1), power.cumsum(0)))
    least_power = float(power.mean()) * 10 ** (-QUIETER / 10)
    best = (np.inf, fade, min(count, fade + (frames or count - fade)))
    for start in range(fade, count - LEAST + 1):
        least = frames or max(LEAST, (count - fade) // 2)
        if start + least > count:
            break
        stops = torch.arange(start + least, (start + frames if frames else count) + 1)
        # the frames that stand before the seam on both sides
        back = torch.arange(-min(fade, 3), 0)
        far = (latents[stops[:, None] + back] - latents[start + back]).square().sum(-1).mean(-1)
        mean = (sums[stops] - sums[start]) / (stops - start)
        cost = torch.where(mean >= least_power, far, far + 1e6)
        place = int(cost.argmin())
        if float(cost[place]) < best[0]:
            best = (float(cost[place]), start, int(stops[place]))
    return best[1], best[2]


def loop_frames(codec: Codec, samples: int) -> int:
    """Latent frames of a loop of so many samples: as near as may be; `exactly` does the rest."""
    return max(1, round(samples / codec.hop))


def exactly(wave: Tensor, samples: int) -> Tensor:
    """A loop at another number of samples, near to its own: resampled in a circle, which is exact of what repeats."""
    if len(wave) == samples:
        return wave
    spectrum = torch.fft.rfft(wave.double())
    longer: Tensor = torch.fft.irfft(spectrum, samples).mul_(samples / len(wave)).float()
    return longer
