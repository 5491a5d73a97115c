"""Which setting wins over which, on the command line of `train`."""

import argparse
from pathlib import Path

import pytest

from distill_tui.cli.parser import build_parser
from distill_tui.cli.recipe_flags import chosen_recipe
from distill_tui.errors import RequestError
from distill_tui.recipe.fields import fields, with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.demo import DEMO_RECIPE


def options(*arguments: str) -> argparse.Namespace:
    return build_parser().parse_args(["train", "x", *arguments])


def test_each_layer_wins_over_those_before_it(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('preset = "conservative"\n[train]\nepochs = 7\nlearning_rate = 0.01\n[model]\nchannels = 100\n')
    file = ("--recipe", str(path))
    assert chosen_recipe(options()).model.channels == "auto"
    assert chosen_recipe(options("--preset", "aggressive")).train.epochs == 400
    recipe = chosen_recipe(options(*file))
    assert (recipe.train.epochs, recipe.model.channels, recipe.model.dropout) == (7, 100, 0.1)
    recipe = chosen_recipe(options(*file, "--preset", "aggressive"))
    assert (recipe.train.epochs, recipe.model.channels, recipe.train.learning_rate) == (400, 100, 0.01)
    assert recipe.preset == "aggressive"
    recipe = chosen_recipe(options(*file, "--set", "epochs=8", "--set", "model.channels=64", "--epochs", "9"))
    assert (recipe.train.epochs, recipe.model.channels) == (9, 64)
    assert chosen_recipe(options("--set", "preset=conservative")).model.dropout == 0.1
    assert chosen_recipe(options(*file, "--set", "channels=auto")).model.channels == "auto"
    assert chosen_recipe(options("--set", "name=a=b")).name == "a=b"


def test_a_complete_recipe_keeps_what_was_automatic_but_for_what_is_set_again(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('automatic = ["model.hop_length", "model.codebook_size"]\n[model]\nhop = 128\ncodebook_size = 32\n')
    assert chosen_recipe(options("--recipe", str(path))).automatic == ["model.hop_length", "model.codebook_size"]
    recipe = chosen_recipe(options("--recipe", str(path), "--codebook-size", "auto", "--set", "hop=64"))
    assert recipe.automatic == []
    assert recipe.model.codebook_size == "auto"


def test_problems_of_all_layers_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("[train]\nepochs = -1\n")
    with pytest.raises(RequestError) as caught:
        chosen_recipe(options("--recipe", str(path), "--set", "mells=3", "--set", "hop", "--learning-rate", "nan"))
    lines = caught.value.message.splitlines()
    assert len(lines) == 4
    assert "(did you mean 'model.n_mels'?)" in lines[1]
    assert lines[3].startswith("--learning-rate: ")


def test_help_tells_bounds_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options("--help")
    told = " ".join(capsys.readouterr().out.split())
    for field in fields().values():
        if flag := field.extra.get("flag"):
            assert flag in told
    assert "(2 to 8; default 3)" in told
    assert "(2 to 65536 or auto; default auto)" in told


def test_the_demos_recipe_is_one() -> None:
    with_values(Recipe(), DEMO_RECIPE)
