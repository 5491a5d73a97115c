"""Near-twins: copies of a recording are found, other sounds are not."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from distill_tui.data import near_twins as module
from distill_tui.data.corpus import Corpus
from distill_tui.data.near_twins import MOST_PAIRS, near_twins, sound_print
from distill_tui.data.scan import scan
from distill_tui.paths import Home
from tests.data.sounds import write

RATE = 44100


def hit(seed: int, seconds: float = 0.6) -> NDArray[np.float32]:
    """A burst of filtered noise over a tone, another for each seed."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * random.uniform(80, 1500) * time)
    noise = np.convolve(random.standard_normal(len(time)), np.ones(random.integers(2, 40)), "same")
    sound = (tone + noise / np.abs(noise).max()) * np.exp(-time * random.uniform(3, 20))
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def note(semitone: int) -> NDArray[np.float32]:
    time = np.arange(RATE) / RATE
    waves = (np.sin(2 * np.pi * 110 * 2 ** (semitone / 12) * k * time) / k for k in range(1, 8))
    return np.asarray(0.3 * sum(waves) * np.exp(-3 * time), np.float32)


def pairs(*sounds: tuple[NDArray[Any], int]) -> list[tuple[int, int]]:
    return near_twins([sound_print(s.astype(np.float32), r) for s, r in sounds], [len(s) / r for s, r in sounds])


def test_copies_at_another_gain_rate_or_place_are_found_and_other_sounds_are_not() -> None:
    one = hit(1)
    later = np.concatenate([np.zeros(300), one])
    half = soxr.resample(one, RATE, 22050)
    assert pairs((one, RATE), (0.2 * one, RATE), (later, RATE), (half, 22050)) == [(0, 1), (0, 2), (0, 3)]
    assert pairs(*((hit(seed), RATE) for seed in range(12)), *((note(semitone), RATE) for semitone in range(12))) == []
    # silence, and a sound three times as long
    assert pairs((np.zeros(1000), RATE), (np.zeros(1000), RATE), (one, RATE), (np.tile(one, 3), RATE)) == []


def test_many_alike_are_told_with_the_first_and_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 7)
    prints = [sound_print(hit(1), RATE)] * 40
    assert near_twins(prints, [0.6] * 40) == [(0, number) for number in range(1, 40)]
    assert len(near_twins(prints * 30, [0.6] * 1200)) == MOST_PAIRS
    assert near_twins(["?", "AAAA", prints[0]], [0.6] * 3) == []


def test_a_scan_tells_them_remembers_them_and_keeps_manifests_as_they_were(tmp_path: Path, home: Home) -> None:
    for number in range(4):
        write(tmp_path / "s" / f"{number}.wav", hit(number), RATE)
    write(tmp_path / "s" / "copy.wav", 0.5 * hit(0), RATE)
    found = scan([tmp_path / "s"], 0.2, home)
    assert found.twins == [("0.wav", "copy.wav")]
    assert scan([tmp_path / "s"], 0.2, home).twins == found.twins
    assert Corpus.from_json(msgspec.json.encode(found.to_json())).twins == found.twins
    found.twins = []
    assert "twins" not in found.document()
