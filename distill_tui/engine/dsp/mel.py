"""Mel filters and Griffin-Lim: torchaudio's where it can be imported, else written out here, equal bit for bit.

torchaudio 2.11 is its last release. It has no wheel for Python 3.15, and it refuses to be imported beside torch 2.15 or
beside a torch that was built for the CPU or for another CUDA. `tests/engine/test_mel.py` compares both.
"""

import importlib
import math
import warnings
from typing import Any

import torch
from torch import Tensor


def _import_torchaudio() -> Any:
    """`torchaudio.functional`, or None where it is missing or does not fit this torch (it raises each of these)."""
    try:
        return importlib.import_module("torchaudio.functional")
    except (ImportError, OSError, RuntimeError, AttributeError):
        return None


torchaudio: Any = _import_torchaudio()


def mel_filters(bins: int, n_mels: int, sample_rate: int) -> Tensor:
    """Triangular filters [bins, n_mels], evenly spaced on the mel scale from 0 Hz to half the sample rate."""
    if torchaudio is None:
        return own_mel_filters(bins, n_mels, sample_rate)
    with warnings.catch_warnings():
        # with many narrow bands some low ones hold no bin: they stay at the floor, which harms nothing
        warnings.filterwarnings("ignore", message="At least one mel filterbank")
        filters: Tensor = torchaudio.melscale_fbanks(bins, 0.0, sample_rate / 2, n_mels, sample_rate)
        return filters


def own_mel_filters(bins: int, n_mels: int, sample_rate: int) -> Tensor:
    """The same without torchaudio: the mel scale of O'Shaughnessy (1987), filters with a peak of 1."""
    top = 2595.0 * math.log10(1.0 + sample_rate / 2 / 700.0)
    corners = 700.0 * (10.0 ** (torch.linspace(0.0, top, n_mels + 2) / 2595.0) - 1.0)
    above = torch.linspace(0, sample_rate // 2, bins)[:, None] - corners
    widths = corners.diff()
    return torch.minimum(above[:, :-2] / widths[:-1], -above[:, 2:] / widths[1:]).clamp(min=0)


def griffin_lim(magnitudes: Tensor, window: Tensor, hop_length: int, iterations: int, momentum: float) -> Tensor:
    """Samples [batch, (frames - 1) x hop_length] whose STFT has about the magnitudes [batch, bins, frames].

    The fast Griffin-Lim algorithm (Perraudin et al. 2013), from phases of zero: the same result for the same input.
    """
    if torchaudio is None:
        return own_griffin_lim(magnitudes, window, hop_length, iterations, momentum)
    size = len(window)
    wave: Tensor = torchaudio.griffinlim(
        magnitudes, window, size, hop_length, size, 1.0, iterations, momentum, None, rand_init=False
    )
    return wave


def own_griffin_lim(magnitudes: Tensor, window: Tensor, hop_length: int, iterations: int, momentum: float) -> Tensor:
    """The same without torchaudio: keep the magnitudes, take the phases from the STFT of the last guess, repeat."""
    size = len(window)
    weight = momentum / (1 + momentum)
    phases = torch.complex(torch.ones_like(magnitudes), torch.zeros_like(magnitudes))
    before = torch.zeros_like(phases)
    for _ in range(iterations):
        wave = torch.istft(magnitudes * phases, size, hop_length, window=window)
        spectrum = torch.stft(wave, size, hop_length, window=window, return_complex=True)
        ahead = spectrum - weight * before
        phases = ahead / (ahead.abs() + 1e-16)
        before = spectrum
    return torch.istft(magnitudes * phases, size, hop_length, window=window)
