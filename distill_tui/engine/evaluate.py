"""Whole sounds through a net: validation, previews and the distance that a person is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distill_tui.data.audio_io import write_wav
from distill_tui.data.cache import Wave
from distill_tui.engine.health import count_codes
from distill_tui.engine.losses import SpectralLoss
from distill_tui.engine.nets.base import SoundNet

LONGEST = 30.0
"""Seconds of one file that are used to validate; more of the same file tells little more."""


def padded(wave: Tensor, latent_hop: int) -> Tensor:
    """[samples] to [1, n x latent_hop], zeros at the end."""
    missing = -len(wave) % latent_hop
    return torch.nn.functional.pad(wave, (0, missing))[None]


def choose(waves: Sequence[Wave], rate: int, seconds: float, longest: float = LONGEST) -> list[np.ndarray]:
    """Evenly spread files of about so many seconds in total, each cut to `longest` seconds; only these are read."""
    most = int(longest * rate)
    total = sum(min(len(wave), most) for wave in waves) / rate
    count = len(waves) if total <= seconds else max(1, int(len(waves) * seconds / total))
    return [waves[i * len(waves) // count][:most] for i in range(count)]


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
