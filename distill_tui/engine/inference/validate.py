"""Whole sounds through a net: validation, previews and the distance that a person is shown."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distill_tui.data.audio_io import write_wav
from distill_tui.engine.codebook_health import count_codes
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.dsp.stft import MelSpectrogram, log_mel
from distill_tui.engine.nets.base import SoundNet

LONGEST = 30.0
"""Seconds of one file that are used to validate; more of the same file tells little more."""
MOST_COMPARED = 200
"""Sounds whose spectra are compared for previews: of thousands an even spread, or a run would start seconds later."""


def padded(wave: Tensor, latent_hop: int) -> Tensor:
    """[samples] to [1, n x latent_hop], zeros at the end."""
    missing = -len(wave) % latent_hop
    return torch.nn.functional.pad(wave, (0, missing))[None]


def choose(lengths: Sequence[int], rate: int, seconds: float, longest: float = LONGEST) -> list[int]:
    """Indices of evenly spread files of about so many seconds in total, if each is cut to `longest` seconds."""
    total = sum(min(length, longest * rate) for length in lengths) / rate
    count = len(lengths) if total <= seconds else max(1, int(len(lengths) * seconds / total))
    return [i * len(lengths) // count for i in range(count)]


@torch.no_grad()
def choose_different(waves: Sequence[np.ndarray], groups: Sequence[str], rate: int, count: int) -> list[int]:
    """Indices of up to `count` sounds that differ from each other, in their order.

    The first is the one with the most average spectrum; each next one is the farthest from those that are chosen, of a
    group that has the fewest (Gonzalez 1985, farthest-first traversal). Spectra are log-mel means over time.

    Args:
        groups: the sub-folder of each sound.
    """
    if len(waves) <= count:
        return list(range(len(waves)))
    if len(waves) > max(MOST_COMPARED, count):
        some = [i * len(waves) // MOST_COMPARED for i in range(MOST_COMPARED)]
        return [some[i] for i in choose_different([waves[i] for i in some], [groups[i] for i in some], rate, count)]
    mel = MelSpectrogram(rate, 1024, 256, 64)
    spectra = torch.stack([log_mel(mel(torch.from_numpy(np.array(wave))[None]))[0].mean(-1) for wave in waves])
    chosen = [int(torch.cdist(spectra, spectra.mean(0)[None])[:, 0].argmin())]
    while len(chosen) < count:
        near = torch.cdist(spectra, spectra[chosen]).amin(-1).tolist()
        taken = Counter(groups[i] for i in chosen)
        chosen.append(
            min((i for i in range(len(waves)) if i not in chosen), key=lambda i: (taken[groups[i]], -near[i]))
        )
    return sorted(chosen)


@dataclass
class Evaluation:
    """Means over files or pictures; `counts` is the use of each code, [levels, size], None where there are none."""

    losses: dict[str, float] = field(default_factory=dict)
    counts: Tensor | None = None


@torch.no_grad()
def evaluate(
    net: SoundNet,
    loss: SpectralLoss,
    waves: Sequence[np.ndarray],
    device: torch.device,
    use_bottleneck: bool,
    with_stft: bool = True,
) -> Evaluation:
    """Distances `mel` and `stft` (if wanted) of whole sounds, what the bottleneck tells, and how codes were used."""
    sums: dict[str, Tensor] = {}
    counts: Tensor | None = None
    for wave in waves:
        whole = padded(torch.from_numpy(np.array(wave)).to(device), net.latent_hop)
        made, passed = net(whole, use_bottleneck)
        found = loss(made[:, : len(wave)], whole[:, : len(wave)], with_stft)
        if passed is not None:
            found |= passed.losses | passed.numbers
            if passed.codes is not None:
                used = count_codes(passed.codes, net.counted(whole), net.bottleneck.size)
                counts = used if counts is None else counts + used
        for key, value in found.items():
            sums[key] = sums.get(key, torch.zeros((), device=device)) + value
    return Evaluation({key: float(value) / len(waves) for key, value in sums.items()}, counts)


@torch.no_grad()
def write_previews(
    net: SoundNet,
    loss: SpectralLoss,
    waves: Sequence[np.ndarray],
    device: torch.device,
    folder: Path,
    use_bottleneck: bool,
) -> list[tuple[str, str, float]]:
    """Write pairs `original-NN.wav`, `reconstruction-NN.wav` into `folder`; their names and mel distances."""
    pairs = []
    for number, wave in enumerate(waves, 1):
        whole = padded(torch.from_numpy(np.array(wave)).to(device), net.latent_hop)
        made = net(whole, use_bottleneck)[0][0, : len(wave)]
        distance = float(loss(made[None], whole[:, : len(wave)], with_stft=False)["mel"])
        names = (f"original-{number:02d}.wav", f"reconstruction-{number:02d}.wav")
        write_wav(folder / names[0], [np.asarray(wave)], net.rate)
        write_wav(folder / names[1], [made.float().cpu().numpy()], net.rate)
        pairs.append((*names, distance))
    return pairs
