"""The recipe's declaration as fields: what is taken, what is refused and how that is said."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_tui.errors import RequestError
from distill_tui.recipe.fields import check, fields, find_key, flatten, live_keys, parse, unknown_key, with_values
from distill_tui.recipe.schema import Recipe


def test_every_field_takes_its_own_default_and_says_what_it_is() -> None:
    for field in fields().values():
        assert check(field, field.default) == (field.default, "")
        assert field.title
        assert field.help
        # as a form shows it and takes it back
        if field.kind in (int, float, bool):
            assert parse(field, str(field.default)) == (field.default, "")


def test_flags_and_keys_are_fixed() -> None:
    """Scripts rely on them: a flag may be added here, none may change."""
    flags = {field.extra["flag"]: field.key for field in fields().values() if "flag" in field.extra}
    assert flags == {
        "--name": "name",
        "--preset": "preset",
        "--epochs": "train.epochs",
        "--minutes": "train.minutes",
        "--learning-rate": "train.learning_rate",
        "--rvq-levels": "model.rvq_levels",
        "--codebook-size": "model.codebook_size",
        "--commitment-weight": "loss.commitment_weight",
        "--max-price": "train.max_price",
        "--device": "train.device",
        "--devices": "train.devices",
        "--seed": "train.seed",
        "--start-from": "train.start_from",
    }
    assert set(live_keys()) == {
        "train.learning_rate",
        "train.max_price",
        "loss.commitment_weight",
        "loss.mel_weight",
        "loss.stft_weight",
        "loss.codebook_weight",
        "loss.kl_weight",
        "loss.adversarial_weight",
        "loss.feature_weight",
    }


@pytest.mark.parametrize("key", [field.key for field in fields().values() if field.kind in (int, float)])
def test_numbers_outside_of_the_bounds_are_refused_and_so_is_nan(key: str) -> None:
    field = fields()[key]
    value: Any
    for value in (math.nan, math.inf, -math.inf, -1e9, True, None, [], "three"):
        if value is math.inf and field.le is None and field.kind is float:
            continue
        _, problem = check(field, value)
        assert problem.startswith(f"{key}: "), value
    for text in ("nan", "", "1e400", "--", "0x10"):
        assert parse(field, text)[1].startswith(f"{key}: "), text
    for bound in (field.ge, field.le):
        if bound is not None:
            assert check(field, field.kind(bound)) == (field.kind(bound), "")


@given(st.sampled_from([f for f in fields().values() if f.ge is not None and f.le is not None]), st.floats())
def test_a_number_is_taken_exactly_when_it_is_inside(field: Any, number: float) -> None:
    value, problem = parse(field, repr(number))
    inside = field.ge <= number <= field.le and (field.kind is float or number.is_integer())
    assert (problem == "") == inside
    if inside:
        assert value == number
        assert type(value) is field.kind


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("model.codebook_size", "auto", "auto"),
        ("model.codebook_size", " 64 ", 64),
        ("model.rvq_levels", "4.0", 4),
        ("train.learning_rate", "3e-4", 3e-4),
        ("train.learning_rate", "1", 1.0),
        ("data.random_polarity", "off", False),
        ("data.random_polarity", "TRUE", True),
        ("train.device", "cuda:3", "cuda:3"),
        ("train.precision", "bfloat16", "bfloat16"),
        ("name", "3", "3"),
        ("data.paths", "/a b", ["/a b"]),
    ],
)
def test_text_becomes_the_value_that_it_says(key: str, text: str, value: Any) -> None:
    assert parse(fields()[key], text) == (value, "")


@pytest.mark.parametrize(
    ("key", "text", "part"),
    [
        ("model.rvq_levels", "3.5", "whole number, 2 to 8"),
        ("model.rvq_levels", "auto", "2 to 8"),
        ("model.codebook_size", "many", "2 to 65536 or auto"),
        ("train.device", "gpu", "cuda:1"),
        ("train.device", "cuda:x", "cuda"),
        ("data.random_polarity", "maybe", "true or false"),
        ("preset", "bold", "conservative, balanced, aggressive or faithful"),
    ],
)
def test_what_is_refused_is_told_with_what_is_wanted(key: str, text: str, part: str) -> None:
    assert part in parse(fields()[key], text)[1]


def test_a_key_is_known_by_its_last_word_and_the_nearest_is_named() -> None:
    assert find_key("model.rvq_levels") == find_key("rvq-levels") == find_key(" RVQ_LEVELS ") == "model.rvq_levels"
    with pytest.raises(RequestError, match=r"unknown key 'lerning_rate' \(did you mean 'train.learning_rate'\?\)"):
        find_key("lerning_rate")
    assert unknown_key("model.channel") == "unknown key 'model.channel' (did you mean 'model.channels'?)"
    assert unknown_key("qqqq") == "unknown key 'qqqq'"


def test_all_problems_of_values_come_at_once_and_nothing_is_changed() -> None:
    recipe = Recipe()
    with pytest.raises(RequestError) as caught:
        with_values(recipe, {"model.rvq_levels": 99, "train.epochz": 3, "loss.mel_weight": math.nan, "name": 3})
    lines = caught.value.message.splitlines()
    assert len(lines) == 4
    assert recipe == Recipe()


def test_a_value_that_is_set_is_no_longer_automatic() -> None:
    recipe = Recipe(automatic=["model.hop_length", "model.n_mels"])
    assert with_values(recipe, {"model.hop_length": 128}).automatic == ["model.n_mels"]
    assert with_values(recipe, {"model.hop_length": 128, "automatic": ["model.hop_length"]}).automatic == [
        "model.hop_length"
    ]
    assert recipe.automatic == ["model.hop_length", "model.n_mels"]


def test_a_copy_shares_nothing_with_what_it_was_made_from() -> None:
    recipe = Recipe()
    copy = with_values(recipe, {"data.paths": ["a"]})
    copy.data.paths.append("b")
    copy.model.channels = 8
    assert recipe == Recipe()
    assert flatten(copy)["data.paths"] == ["a", "b"]
