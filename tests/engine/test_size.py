"""The counts that the form shows are those of the real net."""

from typing import Any

import pytest

from distill_tui.engine.nets import build_net
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.size import NUMBER_BYTES, TRAINING_COPIES, batch_bytes, parameters, training_bytes

RESOLVED = {
    "model.sample_rate": 22050,
    "model.n_fft": 1024,
    "model.hop_length": 256,
    "model.n_mels": 128,
    "model.loudness_scale": 2.0,
    "model.stride": 4,
    "model.codebook_size": 32,
    "model.channels": 384,
    "model.encoder_blocks": 4,
    "model.decoder_blocks": 6,
}
SMALL = {"model.channels": 32, "model.encoder_blocks": 1, "model.decoder_blocks": 2}


@pytest.mark.parametrize(
    "values",
    [
        SMALL,
        SMALL | {"model.stride": 1, "model.latent_dim": 7, "model.n_fft": 512, "model.n_mels": 40},
        SMALL | {"model.stride": 5, "model.rvq_levels": 8, "model.codebook_size": 512, "model.dropout": 0.3},
        SMALL | {"model.channels": 40, "model.encoder_blocks": 3, "model.decoder_blocks": 1},
        {},
        SMALL | {"model.net": "conv2d", "model.stride": 16},
        SMALL | {"model.net": "conv2d", "model.stride": 16, "model.channels": 9, "model.quantizer": "vae"},
        {"model.net": "image", "model.quantizer": "rvq_gradient", "model.latent_dim": 2},
        SMALL | {"model.quantizer": "residual_fsq", "model.codebook_size": 512},
        SMALL | {"prior.net": "gru", "prior.width": 24, "prior.layers": 2, "prior.labels": ["a", "b"]},
        SMALL | {"prior.net": "transformer", "prior.width": 32, "prior.layers": 3, "model.rvq_levels": 4},
        SMALL | {"model.quantizer": "residual_vq", "data.crop_seconds": 1.0, "train.batch_size": 8},
    ],
    ids=(
        "small",
        "no stride",
        "long stride",
        "more before than after",
        "a usual one",
        "conv2d",
        "few channels",
        "image",
        "grid of codes",
        "gru",
        "transformer",
        "the library's",
    ),
)
def test_as_many_parameters_as_the_net_has(values: dict[str, Any]) -> None:
    recipe = with_values(Recipe(), RESOLVED | values)
    real = sum(p.numel() for p in build_net(recipe).parameters())
    assert parameters(recipe) == real
    assert training_bytes(recipe) == real * TRAINING_COPIES * NUMBER_BYTES


def test_what_is_kept_of_a_batch_grows_with_the_batch_and_the_net() -> None:
    whole = RESOLVED | {"train.batch_size": 16, "data.crop_seconds": 1.0}
    small, large, wide = (
        batch_bytes(with_values(Recipe(), whole | more))
        for more in ({}, {"train.batch_size": 32}, {"model.channels": 768})
    )
    assert large == 2 * small
    assert small < wide < 2 * small
    judged = batch_bytes(with_values(Recipe(), whole | {"train.adversarial_fraction": 0.33}))
    assert 10 * small < judged < 20 * small, "24 channels for each sample, three windows, two sounds"
    # a second of sound at 44.1 kHz was measured to keep about 12 MB
    assert 16 * 3e6 < small < 16 * 8e6
