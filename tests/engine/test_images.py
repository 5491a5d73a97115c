"""The Explorer's training: the same trainer on pictures, its losses, its maps, and what its pictures are worth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distill_tui.data.images.dataset import Pictures, find_pictures
from distill_tui.engine.maps.live import TRAIL
from distill_tui.engine.training.trainer import Trainer
from distill_tui.machine import Machine
from distill_tui.paths import Home
from distill_tui.recipe.presets import EXPLORE, layered
from distill_tui.runs import events as e
from distill_tui.runs.codebook_map import read_map
from distill_tui.runs.control import change_control
from distill_tui.runs.service import create_run

from .support import events_of
from .support import make_trainer as trainer_of_run

pytestmark = pytest.mark.slow

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


def make_trainer(home: Home, data: Pictures, **values: Any) -> Trainer:
    """A trainer of pictures, as its worker makes it."""
    changes = {key.replace("__", "."): value for key, value in values.items()}
    run = create_run(home, layered(EXPLORE, {"train.device": "cpu"}, changes), data, Machine(cores=2)).folder
    return trainer_of_run(home, run)


def figures(count: int = 600) -> Pictures:
    return Pictures(training=count * 9 // 10, validation=count // 10, validation_fraction=0.1)


@pytest.mark.parametrize("quantizer", ["rvq_gradient", "rvq_ema"])
def test_it_learns_and_tells_its_losses_and_maps(home: Home, quantizer: str) -> None:
    trainer = make_trainer(home, figures(), model__quantizer=quantizer, train__epochs=12, train__map_seconds=0.1)
    trainer.run()
    run = trainer.run_folder
    epochs = [m.values for m in events_of(run, e.Metrics) if m.scope == "epoch"]
    assert epochs[-1]["loss/val_recon"] < 0.75 * epochs[0]["loss/val_recon"]
    step = [m.values for m in events_of(run, e.Metrics) if m.scope == "step"][-1]
    assert ("loss/codebook" in step) == (quantizer == "rvq_gradient")
    assert {"loss/train", "loss/recon", "loss/commit", "rate/pictures", "codebook/1/utilization"} <= step.keys()
    # total = recon + w_commit commit + w_codebook codebook
    total = step["loss/recon"] + 0.25 * step["loss/commit"] + step.get("loss/codebook", 0.0)
    assert step["loss/train"] == pytest.approx(total, rel=1e-4)
    found = read_map(run.map)
    assert found is not None
    assert found.dims == 2
    assert len(found.points) == len(found.labels) == 60
    assert [len(level.codes) for level in found.levels] == [16, 16]
    # the last 100 batches of 64
    assert sum(found.levels[0].counts) <= 100 * 64
    assert len(found.inputs) == len(found.outputs) == 8
    assert len(found.inputs[0].pixels) == 28 * 28
    assert 1 <= len(found.trail_steps) <= TRAIL
    assert len(found.levels[0].trail) == len(found.trail_steps)
    trainer.log.close()


def test_weights_that_are_turned_change_the_losses_within_a_second(home: Home) -> None:
    trainer = make_trainer(home, figures(), train__epochs=8)
    trainer.run(until=trainer.steps_per_epoch)
    change_control(trainer.run_folder.control, lambda c: c.knobs.update({"loss.commitment_weight": 2.0}))
    trainer.run()
    (knob,) = events_of(trainer.run_folder, e.SettingChanged)
    assert knob.step == trainer.steps_per_epoch
    steps = [m for m in events_of(trainer.run_folder, e.Metrics) if m.scope == "step" and m.step > knob.step]
    answer = steps[0]
    assert answer.time - knob.time < 1.0
    total = answer.values["loss/recon"] + 2.0 * answer.values["loss/commit"] + answer.values["loss/codebook"]
    assert answer.values["loss/train"] == pytest.approx(total, rel=1e-4)
    trainer.log.close()


def test_other_weights_come_to_other_losses(home: Home) -> None:
    ends = []
    for weight in (0.0, 2.0):
        trainer = make_trainer(home, figures(), train__epochs=4, loss__commitment_weight=weight)
        trainer.run()
        ends.append(trainer.metrics.latest["epoch/commit"] or 0.0)
        trainer.log.close()
    # latents that nothing holds back run away from their codes
    assert ends[1] < 0.7 * ends[0]


def test_a_collapsed_posterior_is_said(home: Home) -> None:
    values: dict[str, Any] = {"model__quantizer": "vae", "loss__kl_weight": 1.0, "loss__free_bits": 0.0}
    trainer = make_trainer(home, figures(), train__epochs=8, **values)
    trainer.run()
    (warning,) = [w for w in events_of(trainer.run_folder, e.WarningRaised) if w.code == "posterior-collapse"]
    assert "below 0.5" in warning.text
    epochs = [m.values for m in events_of(trainer.run_folder, e.Metrics) if m.scope == "epoch"]
    assert epochs[-1]["validation/latent/kl"] < 0.5
    # annealed: at first the term costs next to nothing, and the latents say more
    assert epochs[0]["validation/latent/kl"] > epochs[-1]["validation/latent/kl"]
    trainer.log.close()


def test_digits_can_be_recognised_in_what_comes_out(home: Home) -> None:
    """By a linear classifier that only ever saw originals. On MNIST's test images where they are there, else figures.

    Three levels of 32 codes for a latent of 8; how often is in tests/benchmarks/RESULTS.md.
    """
    torch.set_num_threads(1)
    data = find_pictures(MNIST, 0.1) if MNIST.is_dir() else figures(3000)
    values: dict[str, Any] = {"model__latent_dim": 8, "model__rvq_levels": 3, "model__codebook_size": 32}
    epochs = 560 // (data.training // 64)
    trainer = make_trainer(home, data, train__epochs=epochs, train__learning_rate=3e-3, **values)
    (pictures, labels), (held_out, names) = data.read()
    trainer.run()
    weights = _classifier(pictures, labels)
    with torch.no_grad():
        made = trainer.ema_net(torch.from_numpy(held_out.astype(np.float32) / 255))[0].numpy()
    originals = _recognised(weights, held_out / 255, names)
    reconstructed = _recognised(weights, made, names)
    print(f"recognised: {originals:.1%} of originals, {reconstructed:.1%} of reconstructions")
    assert originals > 0.8
    # about 0.6, less or more as a processor rounds; 0.2 after a third of the steps, and chance is 0.1
    assert reconstructed > 0.4
    trainer.log.close()


def _classifier(pictures: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Ridge regression from pixels to digits."""
    x = np.concatenate((pictures.reshape(len(pictures), -1) / 255, np.ones((len(pictures), 1))), 1)
    weights: np.ndarray = np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ np.eye(10)[labels])
    return weights


def _recognised(weights: np.ndarray, pictures: np.ndarray, labels: np.ndarray) -> float:
    x = np.concatenate((pictures.reshape(len(pictures), -1), np.ones((len(pictures), 1))), 1)
    return float(((x @ weights).argmax(1) == labels).mean())
