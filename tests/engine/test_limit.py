"""The limiter of long takes."""

import pytest
import torch

from distill_tui.engine.generate.limit import limiting_gain

RATE = 8000


@pytest.mark.parametrize("samples", [1, 50, 12345])
@pytest.mark.parametrize("loop", [False, True])
def test_nothing_is_above_the_limit(samples: int, loop: bool) -> None:
    wave = torch.randn(samples, generator=torch.Generator().manual_seed(samples))
    gain = limiting_gain(wave, RATE, 0.5, loop)
    assert gain.shape == wave.shape
    assert float((wave * gain).abs().max()) <= 0.5 + 1e-6
    assert 0 < float(gain.min()) <= float(gain.max()) <= 1 + 1e-6


def test_only_loud_moments_are_turned_down_and_smoothly() -> None:
    wave = 0.4 * torch.sin(torch.arange(4 * RATE) * 0.3)
    wave[2 * RATE : 2 * RATE + 100] *= 5
    gain = limiting_gain(wave, RATE, 0.5)
    turned = (gain < 1 - 1e-6).nonzero()
    assert 2 * RATE - 0.12 * RATE < int(turned.min()) < 2 * RATE < int(turned.max()) < 2 * RATE + 0.14 * RATE
    assert float(gain.diff().abs().max()) < 0.01
    # a loop whose loud moment is at its end is turned down at its beginning too
    around = limiting_gain(wave[: 2 * RATE + 100], RATE, 0.5, loop=True)
    assert float(around[0]) == pytest.approx(float(around[-1]), abs=0.02)
    assert float(around[0]) < 0.3
