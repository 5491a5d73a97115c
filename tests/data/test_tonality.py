"""One number for the kind of sound: attacks or tones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from distill_tui.data.demo_sounds import KINDS, RATE
from distill_tui.data.scan import scan
from distill_tui.data.tonality import MOST_PIECES, TonalityMeter, tonality
from distill_tui.paths import Home
from distill_tui.recipe.resolve import ATTACKS, TONES

from .sounds import sine, write

TIME = np.arange(44100) / 44100


def of_kind(kind: str) -> float:
    """The median tonality of five of the demo's sounds."""
    return float(np.median([tonality(KINDS[kind](np.random.default_rng(seed)), RATE) or 0.0 for seed in range(5)]))


def plucked(hertz: float) -> NDArray[np.float64]:
    partials = (np.sin(2 * np.pi * hertz * n * TIME) / n * np.exp(-TIME * (2 + n)) for n in range(1, 12))
    return np.asarray(sum(partials))


def voice(hertz: float) -> NDArray[np.float64]:
    """Syllables: glottal pulses of a gliding pitch, each some 0.1 s long, with hiss between them."""
    phase = np.cumsum(hertz * (1 + 0.4 * np.sin(2 * np.pi * 3 * TIME))) / 44100
    buzz = sum(np.cos(2 * np.pi * n * phase) / n for n in range(1, 30))
    hiss = np.random.default_rng(0).standard_normal(len(TIME))
    open_ = np.maximum(0, np.sin(2 * np.pi * 4 * TIME)) ** 2
    return np.asarray(buzz * open_ + 0.5 * hiss * (1 - open_) ** 4)


def test_steady_tones_noise_and_clicks_are_the_scale() -> None:
    click = np.zeros(44100)
    click[22050] = 1.0
    assert tonality(sine(1.0, 44100), 44100) == pytest.approx(3, abs=0.15)
    assert tonality(np.random.default_rng(0).standard_normal(44100), 44100) == pytest.approx(0, abs=0.1)
    assert tonality(click, 44100) == pytest.approx(-3, abs=0.15)
    for nothing in (np.zeros(0), np.zeros(100)):
        assert tonality(nothing, 8000) is None
    assert tonality(np.ones(1), 8000) is not None


def test_drums_voices_and_tones_are_told_apart() -> None:
    attacks = [of_kind(kind) for kind in ("snare", "hat")]
    tones = [of_kind(kind) for kind in ("bell", "bass")] + [tonality(plucked(f), 44100) for f in (110, 330)]
    assert max(attacks) < ATTACKS
    assert min(filter(None, tones)) >= TONES
    between = tonality(voice(120.0), 44100)
    assert between is not None
    assert between < TONES


def test_it_is_found_in_the_scan_remembered_and_saved(home: Home, tmp_path: Path) -> None:
    for name, samples in (("a.wav", sine(0.2)), ("b.wav", sine(0.3)), ("c.wav", np.eye(1, 1600, 800)[0])):
        write(tmp_path / "sounds" / name, samples)
    first = scan([tmp_path / "sounds"], 0.5, home)
    assert [sound.tonality for sound in scan([tmp_path / "sounds"], 0.5, home).sounds] == [
        sound.tonality for sound in first.sounds
    ]
    assert first.facts().tonality == pytest.approx(2.5, abs=0.6)
    first.save(tmp_path / "sounds.json")
    assert type(first).load(tmp_path / "sounds.json").facts() == first.facts()
    earlier = type(first).load(tmp_path / "sounds.json")
    for sound in earlier.sounds:
        sound.tonality = None
    assert earlier.facts().tonality is None


def test_of_a_long_sound_the_first_pieces_count() -> None:
    meter = TonalityMeter(8000)
    meter.add(np.zeros(8000, np.float32))
    assert meter.value is None
    for _ in range(MOST_PIECES):
        meter.add(sine(1.0, 8000).astype(np.float32))
    steady = meter.value
    assert meter.is_done
    meter.add(np.random.default_rng(0).standard_normal(8000).astype(np.float32))
    assert meter.value == steady
