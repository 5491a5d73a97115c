"""The kinds of quantizer in a recipe, and the two keys that named them in version 1."""

from typing import Any, get_args

import pytest

from distill_tui.cli.recipe_flags import parse_settings
from distill_tui.errors import RequestError
from distill_tui.machine import Machine
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.quantizers import QUANTIZERS, QuantizerName
from distill_tui.recipe.resolve import DataFacts, resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.toml import from_dict
from distill_tui.recipe.upgrade import WITHOUT_NOISE

OLD: list[tuple[dict[str, str], str]] = [
    ({"bottleneck": "kl"}, "vae"),
    ({"bottleneck": "kl", "codebooks": "gradient"}, "vae"),
    ({"bottleneck": "rvq", "codebooks": "ema"}, "rvq_ema"),
    ({"bottleneck": "rvq"}, "rvq_ema"),
    ({"codebooks": "gradient"}, "rvq_gradient"),
    ({"codebooks": "gradient", "bottleneck": "rvq"}, "rvq_gradient"),
]


def test_every_quantizer_of_a_recipe_has_its_facts() -> None:
    assert set(get_args(QuantizerName)) == set(QUANTIZERS)
    assert Recipe().model.quantizer_facts.losses == ("commit",)


@pytest.mark.parametrize(("old", "quantizer"), OLD)
def test_recipes_and_settings_of_version_1_mean_the_same(old: dict[str, str], quantizer: str) -> None:
    without_noise = {f"model.{key}": value for key, value in WITHOUT_NOISE.items()}
    assert from_dict({"version": 1, "model": old}) == {"version": 3, "model.quantizer": quantizer} | without_noise
    for prefix in ("model.", ""):
        problems: list[str] = []
        settings = [f"{prefix}{key}={value}" for key, value in old.items()]
        assert parse_settings(["epochs=3", *settings], problems) == {"model.quantizer": quantizer, "train.epochs": 3}
        assert not problems


@pytest.mark.parametrize("value", ["cosine", 3, ["kl"], {"kl": 1}], ids=str)
@pytest.mark.parametrize("key", ["bottleneck", "codebooks"])
def test_a_value_that_version_1_did_not_take_is_refused_in_todays_words(key: str, value: Any) -> None:
    with pytest.raises(RequestError, match=r"model\.quantizer: .* is not one of: rvq_ema, rvq_gradient"):
        from_dict({"model": {key: value}})


def test_an_old_key_beside_the_new_one_is_refused() -> None:
    with pytest.raises(RequestError, match=r"unknown key 'model\.bottleneck'"):
        from_dict({"model": {"bottleneck": "kl", "quantizer": "vae"}})


def test_a_grid_of_codes_has_a_power_of_2_of_them() -> None:
    facts = DataFacts(files=9, training_seconds=60, validation_seconds=6, median_seconds=1, seconds_by_rate={8000: 66})
    recipe = with_values(Recipe(), {"model.quantizer": "residual_fsq", "model.codebook_size": 100})
    with pytest.raises(RequestError, match=r"model\.codebook_size: 100 is not a power of 2, as .* residual_fsq needs"):
        resolve(recipe, facts, Machine(cores=2))
    assert resolve(with_values(recipe, {"model.codebook_size": "auto"}), facts, Machine(cores=2))
