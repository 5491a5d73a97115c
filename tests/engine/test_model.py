"""A model is built from its file alone: one clear error for a file that does not fit, whatever its recipe claims."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

import distill_tui
from distill_tui.engine.inference.model import Model, load_net
from distill_tui.engine.nets import build_net
from distill_tui.errors import RequestError
from distill_tui.library.card import Card
from distill_tui.library.container import read_tensors, write_model
from distill_tui.recipe.fields import fields, with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.toml import to_dict

WINDOWS = """
import os, sys
for name in ("fcntl", "termios", "resource", "pty", "pwd", "grp", "readline", "syslog"):
    sys.modules[name] = None
for name in ("sysconf", "geteuid", "getuid", "fchmod", "O_CLOEXEC", "O_NONBLOCK", "statvfs", "sched_getaffinity"):
    delattr(os, name)
import distill_tui, torch
model = distill_tui.load_model(sys.argv[1])
print(model.reconstruct(torch.zeros(1, 800)).shape)
"""
"""Loads a model without what Python does not have there."""
SMALL: dict[str, Any] = {
    "model.sample_rate": 8000,
    "model.n_fft": 128,
    "model.hop_length": 32,
    "model.n_mels": 16,
    "model.loudness_scale": 2.0,
    "model.stride": 4,
    "model.channels": 16,
    "model.encoder_blocks": 1,
    "model.decoder_blocks": 1,
    "model.latent_dim": 8,
    "model.codebook_size": 8,
    "model.rvq_levels": 2,
}


def small(**changes: Any) -> Recipe:
    return with_values(Recipe(), SMALL | {key.replace("__", "."): value for key, value in changes.items()})


@pytest.mark.slow
def test_a_model_is_loaded_as_on_windows(tmp_path: Path) -> None:
    path = put(tmp_path / "m.distill", small())
    done = subprocess.run(
        [sys.executable, "-c", WINDOWS, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (0, "torch.Size([1, 800])\n"), done.stderr


def put(path: Path, recipe: Recipe, claimed: Recipe | None = None) -> Path:
    """A model with fresh weights of `recipe`, whose card says that it is of `claimed`."""
    torch.manual_seed(0)
    write_model(path, build_net(recipe).state_dict(), Card(recipe=to_dict(claimed or recipe)))
    return path


@pytest.mark.parametrize("net", fields()["model.net"].choices)
@pytest.mark.parametrize(
    "changes",
    [
        {"model__quantizer": "vae"},
        {"model__quantizer": "rvq_gradient"},
        {"model__rvq_levels": 8, "model__codebook_size": 2},
        {"model__stride": 1, "model__dropout": 0.5},
    ],
)
def test_a_net_of_any_kind_comes_back_from_its_file(tmp_path: Path, net: str, changes: dict[str, Any]) -> None:
    recipe = small(model__net=net, **changes)
    path = put(tmp_path / "m.distill", recipe)
    made, card = load_net(path)
    assert card.recipe["model"]["net"] == net
    wanted = read_tensors(path)
    assert made.state_dict().keys() == wanted.keys()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in made.state_dict().items())


def test_the_documented_call_and_its_tensors(tmp_path: Path) -> None:
    path = put(tmp_path / "m.distill", small())
    model = distill_tui.load_model(path)
    assert isinstance(model, Model)
    wave = torch.rand(2, 1000) - 0.5
    codes = model.encode(wave)
    assert codes.shape == (2, 8, 2)
    assert torch.equal(model.decode(codes)[:, :1000], model.reconstruct(wave))
    assert model.encode(wave, levels=1).shape == (2, 8, 1)
    assert torch.equal(model.decode(codes[..., :1])[:, :1000], model.reconstruct(wave, levels=1))


@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        ({"model__channels": 32}, "tensor '"),
        ({"model__rvq_levels": 3}, "is torch.float32 [2, 8, 8], not torch.float32 [3, 8, 8]"),
        ({"model__encoder_blocks": 2}, "is missing"),
        ({"model__decoder_blocks": 2, "model__encoder_blocks": 3}, "more)"),
    ],
)
def test_weights_of_another_recipe_are_told(tmp_path: Path, claimed: dict[str, Any], said: str) -> None:
    path = put(tmp_path / "m.distill", small(), small(**claimed))
    with pytest.raises(RequestError, match="made by another version") as caught:
        Model.load(path)
    assert said in caught.value.message


@pytest.mark.parametrize("key", ["sample_rate", "n_fft", "hop_length", "n_mels", "codebook_size"])
def test_a_recipe_that_was_never_resolved_is_told(tmp_path: Path, key: str) -> None:
    path = put(tmp_path / "m.distill", small(), small(**{f"model__{key}": "auto"}))
    with pytest.raises(RequestError, match=f"^{path}: "):
        Model.load(path)


def test_a_recipe_that_claims_a_net_of_many_gigabytes_takes_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = {key: int(fields()[key].le or 0) for key in SMALL if key not in ("model.sample_rate", "model.hop_length")}
    path = put(tmp_path / "m.distill", small(), with_values(small(), largest))

    def sketched(recipe: Recipe) -> Any:
        assert torch.empty(0).device.type == "meta"
        return build_net(recipe)

    monkeypatch.setattr("distill_tui.engine.inference.model.build_net", sketched)
    with pytest.raises(RequestError, match=r"^[^:]*: tensor '.*and .* more"):
        Model.load(path)


def test_a_card_that_changes_nothing_else_is_read(tmp_path: Path) -> None:
    """Values of a recipe that do not shape the net may be any that are allowed."""
    recipe = small()
    path = put(tmp_path / "m.distill", recipe, with_values(recipe, {"train.epochs": 7, "data.random_gain_db": 0}))
    assert msgspec.convert(Model.load(path).card.recipe, Recipe).train.epochs == 7
