"""Previews of a prior: takes, each with the training sound that is nearest to it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distill_tui.data.audio_io import write_wav
from distill_tui.data.decode_cache import Wave
from distill_tui.engine.dsp.stft import MelSpectrogram, log_mel
from distill_tui.engine.generate.generator import Generator
from distill_tui.engine.generate.sampler import draw
from distill_tui.recipe.sections.train import Train

MOST_SECONDS = 4.0
"""Of a take."""
COMPARED_SECONDS = 1.5
MOST_COMPARED = 300
"""Training sounds that a take is compared with: of more, an even spread."""


def write_previews(
    generator: Generator, training: Sequence[Wave], train: Train, folder: Path
) -> list[tuple[str, str, dict[str, float]]]:
    """Write pairs `nearest-NN.wav`, `take-NN.wav`: their names, and the distance of their log-mel spectra."""
    rate = generator.sample_rate
    hop = generator.codec.net.latent_hop
    most = max(1, int(MOST_SECONDS * rate / hop))
    labels = generator.labels or [""]
    takes: list[Tensor] = []
    for n in range(train.previews):
        takes += draw(generator, 1, max_frames=most, seeds=[train.seed + n], label=labels[n % len(labels)])
    waves = [generator.decode(codes).cpu() for codes in takes]
    places = [i * len(training) // min(len(training), MOST_COMPARED) for i in range(min(len(training), MOST_COMPARED))]
    length = int(COMPARED_SECONDS * rate)
    spectra = _spectra([torch.from_numpy(np.array(training[place][:length])) for place in places], length, rate)
    pairs = []
    for number, wave in enumerate(waves, 1):
        distances = (spectra - _spectra([wave[:length]], length, rate)).abs().mean((1, 2))
        nearest = places[int(distances.argmin())]
        names = (f"nearest-{number:02d}.wav", f"take-{number:02d}.wav")
        write_wav(folder / names[0], [np.array(training[nearest][: int(MOST_SECONDS * rate)])], rate)
        write_wav(folder / names[1], [wave.float().numpy()], rate)
        pairs.append((*names, {"distance": float(distances.min())}))
    return pairs


def _spectra(waves: Sequence[Tensor], length: int, rate: int) -> Tensor:
    """Log-mel spectra [waves, bands, frames] of the first `length` samples, silence behind the end."""
    mel = MelSpectrogram(rate, 1024, 512, 40)
    padded = torch.stack([torch.nn.functional.pad(wave, (0, length - len(wave))) for wave in waves])
    return torch.cat([log_mel(mel(part)) for part in torch.split(padded, 32)])
