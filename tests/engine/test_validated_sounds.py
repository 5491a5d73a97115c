"""Validation in padded batches: the numbers of each sound are those of it alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from distill_tui.engine.codebook_health import count_codes
from distill_tui.engine.dsp.hearing import hear, transform_size
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference.evaluate import heard_distances, spectral_distances
from distill_tui.engine.nets import build_net
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.tasks import codec
from distill_tui.engine.tasks.validated_sounds import make_batches
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from tests.engine.support import RATE, TINY, codec_of, make_run, make_trainer, tones

LENGTHS = (5, 37, 300, 511, 900, 1024, 2049, 2050, 3000, 5000, 6001, 6002, 7168, 7500)
"""From less than a millisecond to a second, some in whole latent frames."""
FRAMES = {"model.sample_rate": RATE, "model.hop_length": 64, "model.n_fft": 256, "model.n_mels": 32, "model.stride": 4}


def sounds() -> list[np.ndarray]:
    """Noise and tones that die away, all the way up to their last sample."""
    random = np.random.default_rng(0)
    waves = []
    for number, length in enumerate(LENGTHS):
        time = np.arange(length) / RATE
        tone = np.sin(2 * np.pi * (300 + 170 * number) * time) + 0.5 * random.standard_normal(length)
        waves.append((0.3 * np.exp(-time) * tone).astype(np.float32))
    return waves


def a_net(**values: object) -> SoundNet:
    """A net whose every head does something."""
    torch.manual_seed(0)
    chosen = TINY | FRAMES | {"model.loudness_scale": 0.5, "model.encoder_blocks": 2, "model.decoder_blocks": 2}
    net: SoundNet = build_net(with_values(Recipe(), chosen | {k.replace("__", "."): v for k, v in values.items()}))
    with torch.no_grad():
        for parameter in net.decoder.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return net.eval()


def alone(net: SoundNet, wave: np.ndarray) -> tuple[dict[str, Tensor], Tensor, dict[str, Tensor], int]:
    """Distances of a sound, its codes counted, losses of the quantizer, and its latent frames."""
    whole = net.pad_to_frames(torch.from_numpy(wave)[None])
    result, output = net(whole)
    original, reconstruction = whole[0, : len(wave)], result[0, : len(wave)]
    values = spectral_distances(SpectralLoss(RATE), original, reconstruction)
    values |= heard_distances(reconstruction, RATE, hear(original, RATE))
    assert output is not None and output.codes is not None
    counts = count_codes(output.codes, net.frame_mask(whole), net.bottleneck.size)
    return values, counts, output.losses, output.codes.shape[1]


@pytest.mark.parametrize(
    "values", [{}, {"model__loudness_scale": 0.0, "model__noise_bands": 0, "model__gains_per_frame": 0}]
)
@torch.no_grad()
def test_a_sound_in_a_batch_is_as_it_is_alone(values: dict[str, object]) -> None:
    net, waves = a_net(**values), sounds()
    batches = make_batches(waves, RATE, 60.0, torch.device("cpu"))
    assert len(batches) == len({transform_size(length, RATE) for length in LENGTHS}) < len(waves)
    expected = [alone(net, wave) for wave in waves]
    counts, commit, found = torch.zeros(()), torch.zeros(()), []
    for batch in batches:
        original = batch.padded(net)
        result, places, output = net.reconstruct(original, batch.frames(net))
        table = batch.distances(SpectralLoss(RATE), original, result, with_stft=True, with_lsd=True)
        found += [{key: table[key][row] for key in table} for row in range(len(batch))]
        assert output is not None and output.codes is not None
        mask = net.frame_mask(original).flatten()[None, places]
        counts = counts + count_codes(output.codes, mask, net.bottleneck.size)
        commit = commit + output.losses["commit"] * len(places)
    for length, ours, (theirs, *_) in zip(LENGTHS, found, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert float(ours[key]) == pytest.approx(float(value), rel=1e-4, abs=2e-5, nan_ok=True), (length, key)
    assert torch.equal(counts, torch.stack([row[1] for row in expected]).sum(0))
    assert float(commit) == pytest.approx(float(sum(row[2]["commit"] * row[3] for row in expected)), rel=1e-5)


def test_a_validation_in_batches_is_one_of_a_file_at_a_time_and_takes_less_when_memory_is_short(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(home, tones(tmp_path / "sounds"))
    found = {}
    for seconds in (0.0, 60.0):
        monkeypatch.setitem(codec.BATCH_SECONDS, "cpu", seconds)
        trainer = make_trainer(home, run)
        task = codec_of(trainer)
        task.init_codebooks(trainer)
        task.validated["validation"] = sounds()[3:]
        found[seconds] = task.evaluate(trainer.ema_net, "validation", trainer.loss_weights)
    one, many = found[0.0], found[60.0]
    assert many.losses == pytest.approx(one.losses, rel=1e-4)
    assert many.distances == pytest.approx(one.distances, rel=1e-4)
    assert many.counts is not None and one.counts is not None
    assert torch.equal(many.counts, one.counts)
    assert task.reduce_memory() == "30 s of sound are validated at once"
    assert task.evaluate(trainer.ema_net, "validation", trainer.loss_weights).distances == many.distances
    monkeypatch.setattr(task, "_batch_seconds", 0.0)
    monkeypatch.setattr(task, "_batched", {})
    task.evaluate(trainer.ema_net, "validation", trainer.loss_weights)
    assert task.reduce_memory() == "1 s of a file are validated at most", "where batches are single files"
