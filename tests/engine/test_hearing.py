"""Buzz, level, attack and the log-spectral distance, against values that numpy computes by their definitions."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from distill_tui.engine.dsp.hearing import Hearing, attack, band_levels, bands, buzz, hear, level
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference.evaluate import heard_distances
from distill_tui.reporting import sound_quality

RATE = 8000
Sound = NDArray[np.float64]
NOISE = np.random.default_rng(0).standard_normal(3001) * np.exp(-np.arange(3001) / 900) * 0.1
"""A decaying hiss of an odd length."""
REPEATED = np.resize(NOISE[:160], 3001) * np.exp(-np.arange(3001) / 900)
"""The same 20 ms again and again."""


def heard(*sounds: Sound, rate: int = RATE) -> list[Hearing]:
    return [hear(torch.from_numpy(sound.astype(np.float32)), rate) for sound in sounds]


def repetition(sound: Sound, rate: int = RATE) -> Sound:
    """The normalised autocorrelation above 1 kHz of each lag, by sums of products."""
    spectrum = np.fft.rfft(sound, 2 * len(sound))
    spectrum[np.fft.rfftfreq(2 * len(sound), 1 / rate) < 1000] = 0
    high = np.fft.irfft(spectrum)[: len(sound)]
    lags = range(int(0.003 * rate), min(int(0.06 * rate), len(sound) // 2))
    return np.array([high[lag:] @ high[: len(high) - lag] for lag in lags]) / (high @ high)


def test_buzz_is_the_largest_excess_of_repetition() -> None:
    x, y = heard(NOISE, REPEATED)
    expected = (repetition(REPEATED) - repetition(NOISE)).max()
    assert expected > 0.5
    assert float(buzz(x, y)) == pytest.approx(expected, abs=2e-3)
    assert float(buzz(y, y)) == float(buzz(x, x)) == 0.0
    assert x.repetition.numpy() == pytest.approx(repetition(NOISE), abs=2e-3)


def test_level_and_attack_are_in_decibels_with_their_sign() -> None:
    click = NOISE.copy()
    click[1000:1004] += 0.8
    x, y = heard(click, 0.5 * NOISE)

    def peak(sound: Sound) -> float:
        return float(np.convolve(sound**2, np.ones(8) / 8, "valid").max())

    assert float(level(x, y)) == pytest.approx(10 * np.log10(np.mean((NOISE / 2) ** 2) / np.mean(click**2)), abs=1e-3)
    assert float(attack(x, y)) == pytest.approx(10 * np.log10(peak(NOISE / 2) / peak(click)), abs=1e-3)
    assert float(level(y, x)) == pytest.approx(-float(level(x, y)), abs=1e-4)


def test_lsd_is_the_difference_of_single_bins() -> None:
    x, y = (torch.from_numpy(sound.astype(np.float32))[None] for sound in (NOISE, REPEATED))
    window = np.hanning(2049)[:-1]

    def decibels(sound: Sound) -> Sound:
        padded = np.pad(sound, 1024, mode="reflect")
        frames = [padded[start : start + 2048] * window for start in range(0, len(sound) + 1, 512)]
        return 20 * np.log10(np.maximum(np.abs(np.fft.rfft(frames)), 1e-4))

    expected = np.sqrt(((decibels(NOISE) - decibels(REPEATED)) ** 2).mean(1)).mean()
    assert float(SpectralLoss(RATE)(y, x, with_lsd=True)["lsd"]) == pytest.approx(expected, rel=1e-3)


def without(sound: Sound, lowest: float, highest: float, rate: int) -> Sound:
    """A sound without what lies between two frequencies in Hz."""
    spectrum, place = np.fft.rfft(sound), np.fft.rfftfreq(len(sound), 1 / rate)
    spectrum[(place >= lowest) & (place < highest)] = 0
    return np.fft.irfft(spectrum, len(sound))


def told(original: Sound, other: Sound, rate: int) -> str:
    """The words for one sound's reconstruction."""
    values = heard_distances(torch.from_numpy(other.astype(np.float32)), rate, heard(original, rate=rate)[0])
    return sound_quality.words(sound_quality.summary([{"mel": 0.0} | {key: float(x) for key, x in values.items()}]))


def test_levels_of_bands_are_those_of_their_energy_beyond_the_level_of_all() -> None:
    assert bands(8000) == [(1000, 1500), (1500, 2000), (2000, 3000), (3000, 4000)]
    assert bands(44100)[-1] == (12000, 16000) and bands(32000)[-1] == (12000, 16000) and bands(1900) == []
    x, y = heard(NOISE, 0.5 * NOISE - 0.25 * without(NOISE, 0, 2000, RATE))
    # half the amplitude, and a quarter from 2 kHz on
    expected = np.array([0, 0, -6.02, -6.02]) - 6.02 - float(level(x, y))
    assert band_levels(x, y).numpy() == pytest.approx(expected, abs=0.2)
    tone = np.hanning(3001) * np.sin(2 * np.pi * 1200 * np.arange(3001) / RATE)
    assert band_levels(*heard(tone, NOISE)).isnan().tolist() == [False, True, True, True], "nothing can be heard there"


def test_a_drum_without_its_highs_is_dull_above_the_cut_and_a_quiet_one_is_quiet() -> None:
    rate = 44100
    time = np.arange(rate // 4) / rate
    body = np.sin(2 * np.pi * 180 * time) * np.exp(-12 * time)
    drum = 0.3 * body + 0.2 * np.random.default_rng(1).standard_normal(len(time)) * np.exp(-30 * time)
    assert told(drum, drum, rate) == ""
    for cut, words in ((4000, "dull above 4 kHz"), (8100, "dull above 8 kHz"), (15_900, "")):
        assert told(drum, without(drum, cut, rate, rate), rate) == words
    assert told(drum, without(drum, 4000, 8000, rate), rate) == "", "what is above the hole is there"
    assert told(drum, 0.3 * drum, rate) == "too quiet, soft attacks"


@pytest.mark.parametrize("samples", [1, 3, 47, 200])
def test_short_and_silent_sounds(samples: int) -> None:
    x, y = heard(np.full(samples, 0.5), np.zeros(samples))
    assert float(level(x, y)) == float(attack(x, y)) == pytest.approx(-93.979, abs=0.01)
    assert float(level(y, y)) == float(attack(y, y)) == float(buzz(y, y)) == 0.0
    if samples < 49:
        # 6 ms are 48 samples: no lag is left
        assert float(buzz(x, y)) == float(buzz(y, x)) == 0.0


def test_what_is_not_finite_stays_so_and_low_rates_have_no_buzz() -> None:
    broken = NOISE.copy()
    broken[5] = np.nan
    x, y = heard(NOISE, broken)
    assert all(torch.isnan(value) for value in (buzz(x, y), level(x, y), attack(x, y)))
    x, y = heard(NOISE, REPEATED, rate=1900)
    assert float(buzz(x, y)) == 0.0
