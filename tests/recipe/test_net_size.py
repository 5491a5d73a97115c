"""The size of the net, and the frames, that follow from sound, budget and machine; and the words for why."""

from typing import Any

import pytest

from distill_tui.machine import Gpu, Machine
from distill_tui.recipe.arithmetic import latent_hop
from distill_tui.recipe.fields import flatten, get, with_values
from distill_tui.recipe.net_size import FIXED, SIZE_KEYS, SIZES
from distill_tui.recipe.pace import Pace, step_work
from distill_tui.recipe.resolve import FRAME_KEYS, TONES, DataFacts, resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting.recipe_text import net_text, reason_for, setting_text

CPU = Machine(cores=2)
GPU = Machine(cores=8, gpus=(Gpu(0, "NVIDIA Test", 8 << 30),))


def facts(seconds: float = 750.0, tonality: float | None = None, rate: int = 44100) -> DataFacts:
    """`seconds` of training sound in pieces of a second."""
    return DataFacts(20, seconds, seconds / 5, 1.0, {rate: seconds}, tonality=tonality)


def made(data: DataFacts, machine: Machine = CPU, paces: tuple[Pace, ...] = (), **values: Any) -> Recipe:
    wanted = {key.replace("__", "."): value for key, value in values.items()}
    return resolve(with_values(Recipe(), wanted), data, machine, paces)


def widths(*budgets: float, paces: tuple[Pace, ...] = (), machine: Machine = CPU, seconds: float = 750.0) -> list[int]:
    recipes = (made(facts(seconds), machine, paces, train__minutes=minutes) for minutes in budgets)
    return [int(recipe.model.channels) for recipe in recipes]


def test_the_table_goes_from_large_to_small_and_its_last_size_fits_always() -> None:
    assert list(SIZES) == sorted(SIZES, key=lambda size: (size.channels, size.encoder_blocks), reverse=True)
    assert (SIZES[-1].least_steps, SIZES[-1].least_seconds) == (0, 0.0)


def test_a_larger_budget_a_faster_machine_and_more_sound_have_larger_nets() -> None:
    slow, fast, large = widths(1, 10, 60, 600), widths(1, 10, 60, 600, machine=GPU), widths(600, seconds=7200.0)
    assert slow == sorted(slow)
    assert slow[0] < slow[-1] < large[0]
    assert all(one <= other for one, other in zip(slow, fast, strict=True))
    assert slow[0] < fast[0]
    little, enough = made(facts(30.0)), made(facts(300.0))
    assert all(get(little, key) < get(enough, key) for key in SIZE_KEYS)


def test_the_pace_of_earlier_runs_counts_more_than_the_kind_of_device() -> None:
    tried = made(facts(), train__minutes=3.0)
    crawling, racing = (Pace("run", "cpu", "convnext", step_work(tried), seconds) for seconds in (10.0, 0.01))
    assert widths(10, paces=(crawling,)) < widths(10) < widths(10, paces=(racing,))
    # one that was measured elsewhere says nothing
    assert widths(10, paces=(Pace("run", "cuda:0", "convnext", step_work(tried), 10.0),)) == widths(10)


def test_what_is_set_stays_and_what_is_chosen_is_told_with_its_reason() -> None:
    recipe = made(facts(tonality=2.4), train__minutes=3.0, model__channels=300)
    assert recipe.model.channels == 300
    values = flatten(recipe)
    assert setting_text(values, "model.channels") == "300"
    assert "3 minutes on 2 cores are about" in reason_for(values, "model.encoder_blocks")
    assert net_text(values).startswith("300 channels, ")
    assert setting_text(values, "model.n_fft") == "2048 (auto: tones, tonality 2.4)"
    by_epochs = flatten(made(facts(30.0), GPU, train__epochs=100))
    assert reason_for(by_epochs, "model.channels") == "30 s of sound; 100 epochs are 40,000 steps of 32 crops"
    assert "1 minute on NVIDIA Test are about" in reason_for(
        flatten(made(facts(), GPU, train__minutes=1.0)), "model.channels"
    )
    # resolved once, the numbers stay: on a resume, on another machine, with other sounds
    assert resolve(recipe, facts(30.0, tonality=0.0), GPU) == recipe


def test_what_is_set_again_loses_its_reason() -> None:
    recipe = with_values(made(facts()), {"model.channels": 64})
    assert setting_text(flatten(recipe), "model.channels") == "64"
    again = resolve(with_values(recipe, {"model.channels": "auto", "train.minutes": 1.0}), facts(), CPU)
    assert "1 minute" in reason_for(flatten(again), "model.channels")
    assert len(again.reasons) == len(made(facts()).reasons)


@pytest.mark.parametrize("rate", [8000, 44100])
def test_tones_have_longer_frames_at_the_same_latent_rate_and_attacks_those_of_always(rate: int) -> None:
    unknown, attacks, tones = (made(facts(tonality=t, rate=rate)) for t in (None, TONES - 0.1, TONES))
    assert [get(attacks, key) for key in FRAME_KEYS] == [get(unknown, key) for key in FRAME_KEYS]
    assert int(tones.model.n_fft) == 2 * int(attacks.model.n_fft)
    assert latent_hop(tones) == latent_hop(attacks)
    assert not [reason for reason in unknown.reasons if reason.startswith(FRAME_KEYS)]


def test_who_sets_one_of_the_frames_sizes_gets_the_others_of_always() -> None:
    for values in ({"model.n_fft": 512}, {"model.hop_length": 128}, {"model.stride": 8}):
        recipe = with_values(Recipe(), values)
        assert resolve(recipe, facts(tonality=3.0), CPU) == resolve(recipe, facts(), CPU)


def test_other_nets_have_a_fixed_size() -> None:
    recipe = made(facts(tonality=3.0), model__net="conv2d", train__minutes=1.0)
    assert tuple(get(recipe, key) for key in SIZE_KEYS) == (FIXED.channels, FIXED.encoder_blocks, FIXED.decoder_blocks)
    assert recipe.model.stride == 16
    assert recipe.reasons == []
    assert net_text(flatten(recipe)) == ""
