"""Which held-out sounds to validate with, and which to show as previews."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from distill_tui.engine.dsp.stft import MelSpectrogram, log_mel

MAX_SECONDS = 30.0
"""Of one file that are used to validate; more of the same file tells little more."""
MAX_COMPARED = 200
"""Sounds whose spectra are compared for previews: of thousands an even spread, or a run would start seconds later."""
TWINS = 0.1
"""Mean difference (root mean square over bands, log10: 2 dB) up to which two sounds are near-twins."""


def choose_evenly(
    lengths: Sequence[int], sample_rate: int, seconds: float, max_seconds: float = MAX_SECONDS
) -> list[int]:
    """Indices of evenly spread files of about so many seconds in total, if each is cut to `max_seconds`."""
    total = sum(min(length, max_seconds * sample_rate) for length in lengths) / sample_rate
    count = len(lengths) if total <= seconds else max(1, int(len(lengths) * seconds / total))
    return [i * len(lengths) // count for i in range(count)]


@torch.no_grad()
def choose_different(waves: Sequence[np.ndarray], groups: Sequence[str], sample_rate: int, count: int) -> list[int]:
    """Indices of up to `count` sounds that differ from each other, in their order; of near-twins there is one.

    The first is the one with the most average spectrum; each next one is the farthest from those that are chosen, of a
    group that has the fewest (Gonzalez 1985, farthest-first traversal). Spectra are log-mel means over time.

    Args:
        groups: the sub-folder of each sound.
    """
    if len(waves) > max(MAX_COMPARED, count):
        some = [i * len(waves) // MAX_COMPARED for i in range(MAX_COMPARED)]
        chosen = choose_different([waves[i] for i in some], [groups[i] for i in some], sample_rate, count)
        return [some[i] for i in chosen]
    mel = MelSpectrogram(sample_rate, 1024, 256, 64)
    spectra = torch.stack([log_mel(mel(torch.from_numpy(np.array(wave))[None]))[0].mean(-1) for wave in waves])
    chosen = [int(torch.cdist(spectra, spectra.mean(0)[None])[:, 0].argmin())]
    while len(chosen) < count:
        near = torch.cdist(spectra, spectra[chosen]).amin(-1).tolist()
        taken = Counter(groups[i] for i in chosen)
        others = [i for i in range(len(waves)) if near[i] > TWINS * spectra.shape[1] ** 0.5]
        if not others:
            break
        chosen.append(min(others, key=lambda i: (taken[groups[i]], -near[i])))
    return sorted(chosen)
