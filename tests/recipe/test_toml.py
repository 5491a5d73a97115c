"""Recipe files: complete, read back as they were, and wrong ones told with all that is wrong."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill_tui.errors import RequestError
from distill_tui.recipe import toml
from distill_tui.recipe.fields import Field, fields, flatten, with_values
from distill_tui.recipe.schema import RECIPE_VERSION, Recipe


def allowed(field: Field) -> st.SearchStrategy[Any]:
    """Any value that a field takes."""
    if field.key == "version":
        return st.just(RECIPE_VERSION)
    if field.key == "train.device":
        return st.sampled_from(["auto", "cpu", "cuda:1", "cuda:0,1"])
    if field.key == "train.devices":
        return st.sampled_from(["", "2", "all", "0,1"])
    if field.kind is bool:
        return st.booleans()
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    if field.kind is list:
        return st.lists(text, max_size=3)
    if field.kind is str:
        return st.sampled_from(field.choices) if field.choices else text
    low, high = field.ge or 0, field.le if field.le is not None else 1e9
    numbers: st.SearchStrategy[Any] = st.floats(low, high) if field.kind is float else st.integers(int(low), int(high))
    return numbers | st.just("auto") if field.allows_auto else numbers


recipes = st.fixed_dictionaries({key: allowed(field) for key, field in fields().items()}).map(
    lambda values: with_values(Recipe(), values)
)


@settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(recipe=recipes)
def test_any_recipe_comes_back_from_its_file(tmp_path: Path, recipe: Recipe) -> None:
    toml.save(recipe, tmp_path / "recipe.toml")
    assert toml.load(tmp_path / "recipe.toml") == recipe


def test_a_file_is_complete_and_may_leave_keys_out(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    toml.save(Recipe(), path)
    assert toml.load_values(path) == flatten(Recipe())
    path.write_text("[model]\nrvq_levels = 5\n[train]\nlearning_rate = 1\n")
    assert toml.load_values(path) == {"model.rvq_levels": 5, "train.learning_rate": 1.0}
    assert toml.load(path).train.epochs == Recipe().train.epochs


def test_every_problem_of_a_file_is_told_at_once_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "my recipe.toml"
    path.write_text(
        'nmae = "x"\nmodel = 3\n[train]\nepochs = 0\nlearning_rate = nan\nepochz = 3\nbatch_size = "some"\n'
        '[data]\npaths = "x"\n'
    )
    with pytest.raises(RequestError) as caught:
        toml.load_values(path)
    lines = caught.value.message.splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    told = caught.value.message
    for part in (
        "unknown key 'nmae' (did you mean 'name'?)",
        "model: is a section, [model], not a value",
        "train.epochs: 0 is outside",
        "train.learning_rate: nan is outside",
        "unknown key 'train.epochz' (did you mean 'train.epochs'?)",
        "train.batch_size: 'some' is not",
        "data.paths: 'x' is not a list of texts",
    ):
        assert part in told
    assert len(lines) == 7


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"epochs =", "not a TOML file"),
        (b"\xff\xfe", "cannot be read as a recipe"),
        (b"version = 99\nnew_thing = 1", "newer than this program's"),
    ],
)
def test_what_is_no_recipe_is_told_in_a_line(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=part):
        toml.load_values(path)
    with pytest.raises(RequestError, match="no such recipe file"):
        toml.load_values(tmp_path / "gone.toml")
    with pytest.raises(RequestError, match="cannot be read"):
        toml.load_values(tmp_path)
