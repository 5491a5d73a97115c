"""Codebook health against its definitions."""

import math

import pytest
import torch

from distill_tui.engine import codebook_health
from distill_tui.reporting.verdicts import WINDOW_STEPS


def test_even_use_is_full_perplexity_and_nothing_dead() -> None:
    found = codebook_health.measure(torch.full((1, 64), 200.0))[0]
    assert found.utilization == 1.0
    assert found.perplexity == pytest.approx(64)
    assert found.dead == 0
    assert not found.is_low


def test_dead_is_under_one_percent_of_the_even_share_when_there_are_enough() -> None:
    counts = torch.full((1, 100), 1000.0)
    counts[0, :3] = torch.tensor([0.0, 9.0, 11.0])
    assert counts.sum() >= 100 * 100
    assert codebook_health.measure(counts)[0].dead == 2


def test_dead_is_never_used_when_there_are_few() -> None:
    counts = torch.ones(1, 100)
    counts[0, :5] = 0
    assert codebook_health.measure(counts)[0].dead == 5


def test_one_percent_of_the_total_would_call_a_perfect_codebook_of_256_dead() -> None:
    assert codebook_health.measure(torch.full((1, 256), 1000.0))[0].dead == 0


def test_a_low_utilization_means_something_only_from_three_assignments_a_code() -> None:
    few, enough = torch.zeros(1, 100), torch.zeros(1, 100)
    few[0, :10] = 20
    enough[0, :10] = 40
    assert not codebook_health.measure(few)[0].is_low
    assert codebook_health.measure(enough)[0].is_low


def test_no_assignments_is_not_known_rather_than_zero() -> None:
    found = codebook_health.measure(torch.zeros(1, 8))[0]
    assert (found.utilization, found.perplexity, found.dead) == (None, None, None)


def test_dropped_and_masked_frames_are_not_counted() -> None:
    codes = torch.tensor([[[0, 1], [2, -1], [3, 3]]])
    mask = torch.tensor([[True, True, False]])
    counts = codebook_health.count_codes(codes, mask, 4)
    assert counts.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]


def test_efficiency_is_the_share_of_the_bits_that_carry_something() -> None:
    counts = torch.zeros(2, 16)
    counts[0] += 100
    counts[1, :4] += 100
    assert codebook_health.efficiency(codebook_health.measure(counts)) == pytest.approx((4 + 2) / 8)


def test_the_rolling_window_forgets() -> None:
    rolling = codebook_health.RollingHealth(1, 4, torch.device("cpu"))
    first, second = torch.zeros(1, 10, 1, dtype=torch.long), torch.ones(1, 10, 1, dtype=torch.long)
    everywhere = torch.ones(1, 10, dtype=torch.bool)
    rolling.add(first, everywhere)
    levels, churn = rolling.read(WINDOW_STEPS, torch.tensor([4.0]))
    assert levels[0].utilization == 0.25
    assert churn == [4 / (WINDOW_STEPS * 4)]
    for _ in range(WINDOW_STEPS - 1):
        rolling.add(second, everywhere)
    levels, _ = rolling.read(WINDOW_STEPS - 1, torch.tensor([0.0]))
    assert levels[0].utilization == 0.5
    assert rolling.counts.tolist() == [[10, 10 * (WINDOW_STEPS - 1), 0, 0]]
    rolling.add(second, everywhere)
    levels, _ = rolling.read(1, torch.tensor([0.0]))
    assert levels[0].utilization == 0.25
    assert math.isclose(levels[0].perplexity or 0, 1.0)
