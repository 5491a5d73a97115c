"""How noisy and how loud a sound is, and what the decoder makes of it."""

import math

import pytest
import torch
from torch import Tensor

from distill_tui.engine.dsp.loudness import FLOOR, loudness, with_loudness
from distill_tui.engine.dsp.noise import Noisiness, random_phases

RATE, HOP = 22050, 512


def seconds(count: float) -> Tensor:
    return torch.arange(round(count * RATE / HOP) * HOP) / RATE


def noise(count: float, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(len(seconds(count)), generator=torch.Generator().manual_seed(seed))


def test_the_loudness_of_a_sine_and_of_silence() -> None:
    sine = 0.5 * torch.sin(2 * math.pi * 1000 * seconds(0.5))
    level = loudness(torch.stack((sine, torch.zeros_like(sine))), HOP)
    assert level.shape == (2, len(sine) // HOP)
    assert level[0, 1:-1].numpy() == pytest.approx(math.log(0.5 / math.sqrt(2)), abs=0.01)
    assert level[1].numpy() == pytest.approx(math.log(FLOOR))


def test_a_sound_gets_the_loudness_that_is_wanted() -> None:
    wave = noise(1.0)[None]
    wanted = torch.linspace(-8, -1, wave.shape[1] // HOP)[None]
    assert (loudness(with_loudness(wave, wanted, HOP)[0], HOP) - wanted).abs().mean() < 0.1


def test_noise_is_noisy_and_tones_are_not() -> None:
    measure = Noisiness(RATE, 512, HOP, 16)
    time = seconds(1.0)
    partials = [0.2 * torch.sin(2 * math.pi * 330 * k * time + k) for k in range(1, 30)]
    noisy, heard = measure(torch.stack((noise(1.0), torch.stack(partials).sum(0))))
    noisy, heard = noisy[:, 4:-4], heard[:, 4:-4] > 0
    assert noisy[0][heard[0]].mean() > 0.9
    assert noisy[1][heard[1]].mean() < 0.1


def test_what_cannot_be_heard_does_not_count() -> None:
    low = 0.3 * torch.sin(2 * math.pi * 200 * seconds(0.5))[None]
    heard = Noisiness(RATE, 512, HOP, 16)(low)[1]
    assert heard[0, 5, 0] == 1 and heard[0, 5, -1] == 0
    assert Noisiness(RATE, 512, HOP, 16)(torch.zeros_like(low))[0].isfinite().all()


def test_random_phases_follow_from_the_frame_and_the_bin() -> None:
    whole = random_phases(torch.tensor([0, 2**33]), 300, 257)
    assert torch.equal(random_phases(torch.tensor([100]), 50, 257)[0], whole[0, 100:150])
    assert whole.abs().max() <= math.pi
    # uniform and unrelated, from frame to frame and from bin to bin
    vectors = torch.polar(torch.ones_like(whole), whole)
    for related in (vectors, vectors[:, 1:] * vectors[:, :-1].conj(), vectors[..., 1:] * vectors[..., :-1].conj()):
        assert related.mean().abs() < 0.01
