"""From `auto` to numbers: what follows from the data and the machine."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_tui.errors import RequestError
from distill_tui.machine import Gpu, Machine
from distill_tui.recipe.arithmetic import bitrate_kbps
from distill_tui.recipe.fields import fields, flatten, get, with_values
from distill_tui.recipe.presets import DESCRIPTIONS, PRESETS, PRIOR
from distill_tui.recipe.resolve import (
    FRAME_SECONDS,
    FRAMES_PER_CODE,
    MODEL_RATES,
    DataFacts,
    codebook_size,
    expectations,
    hop_for,
    model_rate,
    resolve,
)
from distill_tui.recipe.schema import Recipe

CPU = Machine(cores=2)
GPU = Machine(cores=8, gpus=(Gpu(0, "A", 8 << 30), Gpu(1, "B", 8 << 30)))


def facts(seconds: float = 600.0, rate: int = 44100, files: int = 20) -> DataFacts:
    return DataFacts(files, seconds * 0.8, seconds * 0.2, seconds / files, {rate: seconds})


@given(st.floats(0.01, 1e6), st.integers(8000, 192_000), st.integers(1, 3000), st.sampled_from([CPU, GPU]))
def test_whatever_the_data_a_recipe_becomes_complete_and_is_sound(
    seconds: float, rate: int, files: int, machine: Machine
) -> None:
    recipe = resolve(Recipe(), facts(seconds, rate, files), machine)
    values = flatten(recipe)
    assert {key for key, value in values.items() if value == "auto"} <= {
        "train.precision",
        "prior.width",
        "prior.layers",
    }
    assert with_values(recipe, values) == recipe
    assert resolve(recipe, facts(), machine) == recipe
    assert set(recipe.automatic) <= fields().keys()
    assert recipe.model.sample_rate in MODEL_RATES


def test_what_was_chosen_is_listed_and_what_was_set_stays() -> None:
    recipe = resolve(with_values(Recipe(), {"model.codebook_size": 64}), facts(), CPU)
    assert recipe.model.codebook_size == 64
    assert "model.codebook_size" not in recipe.automatic
    assert {"model.sample_rate", "model.hop_length", "train.device"} <= set(recipe.automatic)
    assert recipe.train.device == "cpu"
    assert resolve(Recipe(), facts(), GPU).train.device == "cuda:0"


@pytest.mark.parametrize(
    ("by_rate", "rate"),
    [
        ({44100: 1.0}, 44100),
        ({96000: 1.0}, 48000),
        ({88200: 1.0}, 44100),
        ({8000: 1.0}, 8000),
        ({16000: 6.0, 48000: 5.0}, 16000),
        ({11127: 1.0}, 11025),
        ({12000: 1.0}, 16000),
    ],
)
def test_the_models_rate_is_the_usual_one_above_the_median(by_rate: dict[int, float], rate: int) -> None:
    assert model_rate(by_rate) == rate


def test_the_codebook_grows_with_the_data_within_its_limits() -> None:
    assert codebook_size(0) == codebook_size(FRAMES_PER_CODE * 16) == 16
    assert codebook_size(FRAMES_PER_CODE * 64 - 1) == 32
    assert codebook_size(FRAMES_PER_CODE * 64) == 64
    assert codebook_size(1e12) == 1024
    for rate in MODEL_RATES:
        hop = hop_for(rate)
        assert hop & (hop - 1) == 0
        assert FRAME_SECONDS / 1.5 < hop / rate < FRAME_SECONDS * 1.5


def test_the_bitrate_is_frames_times_levels_times_bits() -> None:
    values = {
        "model.sample_rate": 16000,
        "model.hop_length": 200,
        "model.stride": 2,
        "model.rvq_levels": 3,
        "model.codebook_size": 64,
    }
    assert bitrate_kbps(with_values(Recipe(), values)) == pytest.approx(40 * 3 * 6 / 1000)


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"train.device": "cuda:2"}, ["cuda:0 (A), cuda:1 (B)"]),
        ({"train.device": "mps"}, ["Apple silicon"]),
        ({"loss.mel_weight": 0.0, "loss.stft_weight": 0.0}, ["nothing to learn"]),
        (
            {"model.hop_length": 900, "model.n_fft": 1000, "model.n_mels": 512, "train.device": "mps"},
            ["hop", "1024", "Apple"],
        ),
        ({"model.hop_length": 512, "model.n_fft": 1024, "model.n_mels": 512, "data.crop_seconds": 0.1}, []),
    ],
)
def test_contradictions_are_told_all_at_once(values: dict[str, Any], parts: list[str]) -> None:
    recipe = with_values(Recipe(), values)
    if not parts:
        resolve(recipe, facts(), GPU)
        return
    with pytest.raises(RequestError) as caught:
        resolve(recipe, facts(), GPU)
    for part in parts:
        assert part in caught.value.message


def test_a_segment_is_a_whole_number_of_latent_frames() -> None:
    for seconds in (0.02, 3.0, 4000.0):
        recipe = resolve(Recipe(), facts(seconds, 22050, 3), CPU)
        latent = int(recipe.model.hop_length) * int(recipe.model.stride)
        samples = float(recipe.data.crop_seconds) * int(recipe.model.sample_rate)
        assert math.isclose(samples / latent, round(samples / latent), abs_tol=0.01)


def test_batches_follow_the_device_and_an_epoch_hears_all_sound_but_is_neither_short_nor_long() -> None:
    def chosen(machine: Machine, seconds: float, **values: Any) -> Recipe:
        named = {key.replace("__", "."): value for key, value in values.items()}
        return resolve(with_values(Recipe(), {"data.crop_seconds": 1.5} | named), facts(seconds), machine)

    hours = 1000 * 3600.0
    cases = (
        (CPU, 30.0, 8, 50),
        (GPU, 30.0, 32, 400),
        (CPU, 1500.0, 8, 100),
        (CPU, hours, 8, 150),
        (GPU, hours, 64, 2000),
    )
    for machine, seconds, batch, steps in cases:
        recipe = chosen(machine, seconds)
        assert recipe.train.batch_size == batch
        assert recipe.train.steps_per_epoch == pytest.approx(steps, rel=0.02)
    assert chosen(CPU, 30.0, train__batch_size=100).train.steps_per_epoch == 25
    # where a fifth is held out a pass takes about as long as twenty validations; where half of it is, it does not
    half = DataFacts(20, 100.0, 100.0, 10.0, {44100: 200.0})
    recipe = resolve(with_values(Recipe(), {"data.crop_seconds": 1.5}), half, CPU)
    assert recipe.train.steps_per_epoch == math.ceil(0.25 * 2 * 60 / 0.05 / 12)
    assert any("validation takes 5 % of the time" in reason for reason in recipe.reasons)


def test_the_batch_of_a_gpu_follows_the_budget_the_sound_and_its_memory() -> None:
    def chosen(seconds: float, machine: Machine = GPU, **values: Any) -> tuple[Any, bool]:
        given = {"data.crop_seconds": 1.0} | {key.replace("__", "."): value for key, value in values.items()}
        recipe = resolve(with_values(Recipe(), given), facts(seconds), machine)
        said = any(reason.startswith("train.batch_size: ") for reason in recipe.reasons)
        return recipe.train.batch_size, said

    assert chosen(7200.0, train__minutes=60.0) == (64, True)
    assert chosen(7200.0, train__minutes=5.0) == (32, False)
    assert chosen(600.0, train__minutes=60.0) == (32, False)
    assert chosen(7200.0, train__epochs=100) == (32, False)
    assert chosen(7200.0, train__epochs=1000) == (64, True)
    small = Machine(cores=2, gpus=(Gpu(0, "small", 8 << 30, 1 << 30),))
    assert chosen(7200.0, small, train__minutes=60.0) == (8, True)
    assert chosen(7200.0, CPU, train__minutes=60.0, train__batch_size=64) == (64, False)


def test_a_prior_of_little_sound_is_trained_as_briefly_on_a_gpu_as_on_a_cpu() -> None:
    def steps(machine: Machine, seconds: float) -> int:
        codec = resolve(Recipe(), facts(seconds), CPU)
        values = {"train.steps_per_epoch": "auto", "train.batch_size": "auto", "train.device": "auto"}
        recipe = resolve(with_values(codec, PRIOR | values), facts(seconds), machine)
        assert recipe.task == "prior"
        return recipe.train.epochs * int(recipe.train.steps_per_epoch)

    assert steps(GPU, 60.0) == steps(CPU, 60.0) == 1250
    assert steps(CPU, 36_000.0) > steps(GPU, 36_000.0) > 5000


def test_little_sound_and_large_codebooks_are_warned_of() -> None:
    assert expectations(resolve(Recipe(), facts(3600), CPU), facts(3600)) == []
    (tiny, unused) = expectations(
        resolve(with_values(Recipe(), {"model.codebook_size": 1024}), facts(3), CPU), facts(3)
    )
    assert "only 2.4 s of sound" in tiny
    assert "codebook size 1024" in unused


def test_the_adversarial_part_is_for_gpus_and_a_net_that_makes_samples() -> None:
    def said(machine: Machine, **values: Any) -> list[str]:
        chosen = {key.replace("__", "."): value for key, value in values.items()}
        recipe = resolve(with_values(Recipe(), {**PRESETS["faithful"], **chosen}), facts(3600), machine)
        return expectations(recipe, facts(3600))

    (slow,) = said(CPU)
    assert "ten" not in slow
    assert "meant for hours of GPU, 10 minutes at least: on a CPU it takes many times as long" in slow
    (short,) = said(GPU, train__minutes=3)
    assert "3 minutes are too short for it; --set train.adversarial_fraction=0" in short
    assert said(GPU) == said(GPU, train__minutes=10) == said(CPU, train__adversarial_fraction=0.0) == []
    with pytest.raises(RequestError, match=r"train\.adversarial_fraction: net conv2d makes no samples"):
        said(GPU, model__net="conv2d")


def test_sounds_that_lose_their_highs_to_the_median_rate_are_told_of_with_what_keeps_them() -> None:
    def of(**files: int) -> DataFacts:
        rates = {int(key.removeprefix("at_")): count for key, count in files.items()}
        seconds = {rate: 10.0 * count for rate, count in rates.items()}
        whole = sum(seconds.values())
        return DataFacts(sum(rates.values()), 0.8 * whole, 0.2 * whole, 10.0, seconds, files_by_rate=rates)

    mixed = of(at_8000=20, at_44100=7, at_96000=5)
    (told,) = [text for text in expectations(resolve(Recipe(), mixed, CPU), mixed) if "lose" in text]
    assert told.startswith("12 of 32 sounds lose everything above 4 kHz at the model's rate of 8000 Hz")
    assert "--set model.sample_rate=48000 keeps it, at up to twice the time a step" in told
    chosen = resolve(with_values(Recipe(), {"model.sample_rate": 8000}), mixed, CPU)
    assert not [text for text in expectations(chosen, mixed) if "lose" in text], "who chose it knows"
    for fine in (of(at_44100=1), of(at_44100=20, at_96000=20), of(at_44100=9, at_48000=5), of(at_8000=5, at_44100=9)):
        assert not [text for text in expectations(resolve(Recipe(), fine, CPU), fine) if "lose" in text]


def test_presets_set_fields_that_there_are_to_values_that_they_take() -> None:
    assert PRESETS.keys() == DESCRIPTIONS.keys() == set(fields()["preset"].choices)
    for name, values in PRESETS.items():
        recipe = with_values(Recipe(), values)
        assert all(get(recipe, key) == value for key, value in values.items()), name
    # a recipe without a preset's values would be balanced in name only
    assert all(get(Recipe(), key) == value for key, value in PRESETS["balanced"].items())
