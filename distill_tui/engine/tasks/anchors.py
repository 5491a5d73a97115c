"""The ends of the scale of `reporting.quality` on held-out sounds: a mean spectrum, and analysis and synthesis alone.

Both are sounds, and measured as reconstructions are. 0 % is a steady hiss with the mean log-spectrum of the training
sounds: what a net gives that has learned how they sound on average, and nothing of any single one. 100 % is each sound
through the spectrogram and the synthesis of the net, without encoder, quantizer and decoder: no training reaches more.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distill_tui.engine.dsp.hearing import hear
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.dsp.stft import FLOOR, MelSpectrogram, synthesise
from distill_tui.engine.inference.evaluate import heard_distances, spectral_distances
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.tasks.selection import choose_evenly
from distill_tui.reporting import sound_quality
from distill_tui.runs.events import AnchorsMeasured

SECONDS, FILE_SECONDS, FILES = 20.0, 4.0, 40
"""Of held-out and of training sound that are measured, the most of one file, and the most files: about a second on one
core."""
CALIBRATION_FRAMES = 64
"""From which the loudness of the hiss is calibrated."""


@torch.no_grad()
def measure_anchors(
    net: SoundNet, loss: SpectralLoss, training: Sequence[np.ndarray], held_out: Sequence[np.ndarray]
) -> AnchorsMeasured:
    """Measure both ends of the scale on some of the held-out waves; the same for the same waves.

    No random number of the training is drawn.
    """
    waves = _some(held_out, net)
    hiss = steady_hiss(mean_spectrum(net.mel, _some(training, net)), net, max(map(len, waves)))
    floor: list[dict[str, Tensor]] = []
    ceiling: list[dict[str, Tensor]] = []
    for wave in waves:
        heard, length = hear(wave, net.sample_rate), len(wave)
        for rows, result in (
            (floor, hiss[:length]),
            (ceiling, net.resynthesise(net.pad_to_frames(wave[None]))[0, :length]),
        ):
            values = spectral_distances(loss, wave, result, with_stft=False)
            rows.append(values | heard_distances(result, net.sample_rate, heard))
    return AnchorsMeasured(floor=_summary(floor), ceiling=_summary(ceiling), sounds=len(waves))


def mean_spectrum(mel: MelSpectrogram, waves: Sequence[Tensor]) -> Tensor:
    """The mean over all frames of the natural log-magnitudes [bins]."""
    logs = [mel.magnitudes(wave[None])[0].clamp(min=FLOOR).log() for wave in waves]
    return torch.cat(logs, 1).mean(1)


def steady_hiss(spectrum: Tensor, net: SoundNet, samples: int) -> Tensor:
    """Noise [samples] whose log-magnitudes [bins] are `spectrum` on average, all the time."""
    hop, bins = net.hop_length, len(spectrum)
    frames = max(CALIBRATION_FRAMES, -(-max(samples, net.n_fft) // hop))
    # a generator of its own: that of the training stays as it is
    generator = torch.Generator().manual_seed(0)
    phases = 2 * torch.pi * torch.rand(1, frames, bins, generator=generator).to(spectrum.device)

    def with_magnitudes(logs: Tensor) -> Tensor:
        shape = logs.expand(1, frames, bins).contiguous()
        return synthesise(shape, phases, net.window, hop, frames * hop)[0]

    # frames of random phases cancel each other in part, and are no even noise: by how much, one synthesis tells
    first = with_magnitudes(spectrum)
    missing = spectrum - mean_spectrum(net.mel, [first])
    return with_magnitudes(spectrum + missing)[:samples]


def _some(waves: Sequence[np.ndarray], net: SoundNet) -> list[Tensor]:
    """The beginnings of an even choice of waves, on the device."""
    chosen = choose_evenly([len(wave) for wave in waves], net.sample_rate, SECONDS, FILE_SECONDS)
    chosen = [chosen[i * len(chosen) // FILES] for i in range(FILES)] if len(chosen) > FILES else chosen
    most = int(FILE_SECONDS * net.sample_rate)
    return [torch.from_numpy(np.array(waves[file][:most])).to(net.device) for file in chosen]


def _summary(rows: Sequence[dict[str, Tensor]]) -> dict[str, float | None]:
    return {**sound_quality.summary(as_numbers(rows))}


def as_numbers(rows: Sequence[dict[str, Tensor]]) -> list[dict[str, float]]:
    """Scalars of a device as numbers, waiting for it once."""
    values = torch.stack([torch.stack([value.float() for value in row.values()]) for row in rows]).tolist()
    return [dict(zip(row, numbers, strict=True)) for row, numbers in zip(rows, values, strict=True)]
