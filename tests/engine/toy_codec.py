"""A codec that needs no training: the energies of bands in steps of 3 dB, and sines that have them."""

import math
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

RATE, HOP, BANDS, STEPS = 8000, 128, 8, 24
FLOOR_DB = -66.0
HERTZ = [200 * 1.5**band for band in range(BANDS)]


class ToyCodec:
    """What is used of `inference.model.Model`; a level of codes is a band, 3 dB a step."""

    sample_rate, levels = RATE, BANDS
    card = SimpleNamespace(weights_sha256="0" * 64)

    def __init__(self) -> None:
        latents = SimpleNamespace(latents=lambda codes: codes.float(), size=STEPS)
        self.net = SimpleNamespace(latent_hop=HOP, bottleneck=latents, device=torch.device("cpu"))
        time = torch.arange(2 * HOP) / RATE
        window = torch.hann_window(2 * HOP)
        turns = torch.tensor(HERTZ)[:, None] * time * 2 * math.pi
        self._waves = torch.polar(window / window.sum(), -turns)

    def encode(self, wave: Tensor) -> Tensor:
        frames = -(-wave.shape[-1] // HOP)
        padded = torch.nn.functional.pad(wave, (HOP // 2, (frames + 2) * HOP - wave.shape[-1]))
        parts = padded.unfold(1, 2 * HOP, HOP)[:, :frames]
        amplitude = 2 * (parts.to(torch.cfloat) @ self._waves.T).abs()
        return ((20 * amplitude.clamp(min=1e-6).log10() - FLOOR_DB) / 3).round().clamp(0, STEPS - 1).long()

    def decode(self, codes: Tensor) -> Tensor:
        amplitude = torch.where(codes > 0, 10 ** ((3 * codes.float() + FLOOR_DB) / 20), 0.0).transpose(1, 2)
        smooth = torch.nn.functional.interpolate(amplitude, scale_factor=HOP, mode="linear")
        turns = 2 * math.pi * torch.tensor(HERTZ)[:, None] * torch.arange(smooth.shape[-1]) / RATE
        return (smooth * turns.sin()).sum(1)

    def reconstruct(self, wave: Tensor) -> Tensor:
        return self.decode(self.encode(wave))[:, : wave.shape[-1]]


def toy_sound(seed: int, seconds: float = 0.4) -> Tensor:
    """A decaying sound [samples] with bands of its own."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    wave = np.zeros(len(time))
    for hertz in HERTZ:
        attack, decay = random.uniform(0.001, 0.06), random.uniform(4, 40)
        envelope = np.minimum(1, time / attack) * np.exp(-decay * time)
        wave += random.choice([0.01, 0.1, 0.5]) * envelope * np.sin(2 * np.pi * hertz * time)
    return torch.from_numpy((0.5 * wave / np.abs(wave).max()).astype(np.float32))
