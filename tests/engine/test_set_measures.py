"""Measures of sets of takes."""

import pytest
import torch

from distill_tui.engine.generate.measures import SetMeasures, coverage, is_cut, kernel_distance, one_nn
from tests.engine.toy_codec import RATE, toy_sound


def test_sets_are_ranked() -> None:
    training, held_out, more = ([toy_sound(base + n) for n in range(12)] for base in (0, 100, 200))
    measures = SetMeasures(training, held_out, RATE)
    random = torch.Generator().manual_seed(0)
    noise = [torch.randn(3000, generator=random) for _ in range(12)]
    cut = [sound[:800] for sound in more]
    same = [training[0]] * 12
    like, unlike, ended, single = (measures(takes) for takes in (more, noise, cut, same))
    assert like["distance"] < min(ended["distance"], 10) < unlike["distance"]
    assert like["coverage"] > 0.5 > unlike["coverage"] == unlike["coverage_training"]
    assert like["one_nn"] < 0.75 < unlike["one_nn"]
    assert like["cut"] < 0.2 < ended["cut"] == unlike["cut"] == 1
    assert 0.7 < like["diversity"] < 1.4
    assert single["diversity"] == pytest.approx(0, abs=1e-3)
    assert single["coverage_training"] < like["coverage_training"]
    assert measures.between_real() < 10
    assert measures.nearest_training(training[3:5]) == [3, 4]


def test_distances_of_sets_of_points() -> None:
    random = torch.Generator().manual_seed(0)
    a, b, far = (torch.randn(60, 4, generator=random, dtype=torch.double) + shift for shift in (0, 0, 9))
    assert abs(kernel_distance(a, b)) < 3 < 50 < kernel_distance(a, far)
    assert one_nn(a, b) == pytest.approx(0.5, abs=0.15)
    assert one_nn(a, far) == 1
    assert coverage(a, a, b) > 0.8
    assert coverage(a, a, far) == 0


def test_silent_and_tiny_sounds_have_measures() -> None:
    sounds = [toy_sound(0), torch.zeros(1), torch.zeros(4000)]
    found = SetMeasures(sounds, sounds, RATE)(sounds)
    assert all(torch.tensor(list(found.values())).isfinite())


def test_a_sound_is_cut_where_it_ends_loud() -> None:
    sound = toy_sound(1)
    assert not is_cut(sound, RATE)
    assert is_cut(sound[:400], RATE)
    assert not is_cut(torch.zeros(100), RATE)
