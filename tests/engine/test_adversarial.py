"""The adversarial part of a training: what stays as it is, what learns, what guards it, and that it resumes exactly."""

from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.engine.dsp.adversarial import discriminator_loss, feature_loss, generator_loss
from distill_tui.engine.nets.discriminator import Discriminator
from distill_tui.engine.tasks import adversarial
from distill_tui.engine.tasks.adversarial import AdversarialPart
from distill_tui.engine.tasks.adversarial_backward import add_adversarial_gradients
from distill_tui.engine.tasks.adversary import WINNING, Adversary
from distill_tui.engine.training import checkpoint
from distill_tui.engine.training.backward import StepOptions
from distill_tui.engine.training.cpu_shards import Shards
from distill_tui.engine.training.trainer import Trainer
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.runs import events as e
from tests.engine.accelerator import accelerator
from tests.engine.support import codec_of, events_of, make_run, make_trainer, tones, weights_of

HALF: dict[str, Any] = {
    "train__adversarial_fraction": 0.5,
    "train__epochs": 4,
    "train__steps_per_epoch": 2,
    "model__dropout": 0.1,
}
"""Eight steps, the last four adversarial."""


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    return tones(tmp_path / "sounds")


def new_trainer(home: Home, sounds: Path, **values: Any) -> Trainer:
    return make_trainer(home, make_run(home, sounds, **HALF | values))


def part_of(trainer: Trainer) -> AdversarialPart:
    part = codec_of(trainer).part
    assert part is not None
    return part


def codes_in_warnings(trainer: Trainer) -> list[str]:
    return [event.code for event in events_of(trainer.run_folder, e.WarningRaised)]


@pytest.mark.parametrize("quantizer", ["rvq_ema", "rvq_gradient", "residual_vq"])
def test_only_the_decoder_learns_from_the_border_on(home: Home, sounds: Path, quantizer: str) -> None:
    trainer = new_trainer(home, sounds, model__quantizer=quantizer, train__dead_code_threshold=0.9)
    trainer.run(until=4)
    assert codec_of(trainer).part is None
    trainer.run(until=5)
    (started,) = events_of(trainer.run_folder, e.AdversarialStarted)
    best = trainer.validator.best
    assert (started.step, started.from_epoch) == (4, 2)
    kept = {key: value for key, value in best["weights"].items() if not key.startswith("decoder.")}
    judge = {key: value.clone() for key, value in part_of(trainer).adversary.discriminator.state_dict().items()}
    trainer.run()
    for net in (trainer.net, trainer.ema_net):
        state = net.state_dict()
        assert [key for key in kept if not torch.equal(kept[key], state[key])] == []
        assert all(
            not torch.equal(best["weights"][key], state[key]) for key in state if key.startswith("decoder.blocks")
        )
    learned = part_of(trainer).adversary.discriminator.state_dict()
    assert all(not torch.equal(judge[key], learned[key]) for key in judge)
    last = [m.values for m in events_of(trainer.run_folder, e.Metrics) if m.scope == "step"][-1]
    assert last["loss/train"] == pytest.approx(
        last["loss/recon"]
        + 0.25 * last["loss/adversarial"]
        + 1.0 * last["loss/feature"]
        + 0.1 * (last["loss/noise"] + last["loss/repetition"])
        + 0.02 * last["loss/loudness"],
        rel=1e-5,
    )
    assert last["loss/discriminator"] > 0
    assert trainer.best["epoch"] == 4, "the last one is kept, not the least distance"


@pytest.mark.slow
@pytest.mark.parametrize("stop_at", [3, 4, 6])
def test_stopped_before_at_and_after_the_border_it_goes_on_as_if_it_never_had(
    home: Home, sounds: Path, stop_at: int
) -> None:
    # the border lies within an epoch
    values = {"train__quantizer_dropout": 0.5, "train__steps_per_epoch": 3, "train__epochs": 3}
    values |= {"train__adversarial_fraction": 0.45}
    whole, first = new_trainer(home, sounds, **values), new_trainer(home, sounds, **values)
    whole.run()
    assert not first.run(until=stop_at)
    first.save_checkpoint()
    second = make_trainer(home, first.run_folder)
    assert second.restore()
    second.run()
    for a, b in ((weights_of(whole), weights_of(second)), (_judge(whole), _judge(second))):
        assert [key for key in a if not torch.equal(a[key], b[key])] == []
    assert second.best["distance"] == whole.best["distance"]
    assert [event.step for event in events_of(whole.run_folder, e.AdversarialStarted)] == [5]


def _judge(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Weights and moments of the discriminator, and what holds it back."""
    adversary = part_of(trainer).adversary
    slots = adversary.optimizer.state_dict()["state"]
    moments = {f"{number}.{key}": value for number, slot in slots.items() for key, value in slot.items()}
    return {**adversary.discriminator.state_dict(), **moments, "mean_loss": adversary.mean_loss}


def test_a_checkpoint_of_before_there_was_this_part_is_resumed(home: Home, sounds: Path) -> None:
    trainer = new_trainer(home, sounds)
    trainer.run(until=3)
    path = trainer.save_checkpoint()
    state = checkpoint.load(path)
    del state["adversarial"], state["averaged_from"]
    for key in ("loss.adversarial_weight", "loss.feature_weight"):
        del state["knobs"][key]
    checkpoint.save(trainer.run_folder.checkpoints, trainer.step, state)
    again = make_trainer(home, trainer.run_folder)
    assert again.restore()
    assert again.run()
    assert part_of(again).failures == 0


def test_a_checkpoint_with_another_discriminator_is_passed_over(home: Home, sounds: Path) -> None:
    trainer = new_trainer(home, sounds)
    trainer.run(until=6)
    state = checkpoint.load(trainer.save_checkpoint())
    del state["adversarial"]["adversary"]["net"]["windows.0.score.bias"]
    checkpoint.save(trainer.run_folder.checkpoints, trainer.step, state)
    again = make_trainer(home, trainer.run_folder)
    before = weights_of(again)
    assert not again.restore()
    assert codec_of(again).part is None
    assert all(torch.equal(value, weights_of(again)[key]) for key, value in before.items())


def test_shards_and_parts_have_the_gradients_of_one_piece(home: Home, sounds: Path) -> None:
    trainer = new_trainer(home, sounds, model__dropout=0.0)
    codec_of(trainer).init_codebooks(trainer)
    net, loss, data = trainer.net, codec_of(trainer).loss, trainer.task.batch(0)
    adversary = Adversary(trainer.recipe, trainer.device)
    weights = {"mel": 1.0, "adversarial": 0.5, "feature": 0.5}

    def gradients(shards: int, parts: int) -> tuple[dict[str, torch.Tensor], list[torch.Tensor]]:
        learning = [*net.decoder.parameters(), *adversary.discriminator.parameters()]
        for parameter in learning:
            parameter.grad = None
        options = StepOptions(weights, torch.float32, 0, Shards(shards), parts)
        values, _ = add_adversarial_gradients(net, loss, data, options, 2, adversary.discriminator)
        assert all(parameter.grad is None for parameter in net.encoder.parameters())
        return values, [parameter.grad for parameter in learning if parameter.grad is not None]

    values, whole = gradients(1, 1)
    for shards, parts in ((2, 1), (1, 4)):
        others, cut = gradients(shards, parts)
        assert (
            len(cut)
            == len(whole)
            == len(list(net.decoder.parameters())) + len(list(adversary.discriminator.parameters()))
        )
        for a, b in zip(whole, cut, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(values, others)
    torch.set_num_threads(1)


def test_the_losses_are_those_of_their_definitions() -> None:
    real, fake = [[torch.full((2, 3), 2.0), torch.ones(2, 1)]], [[torch.full((2, 3), 3.0), torch.zeros(2, 1)]]
    assert float(discriminator_loss(real, fake)) == 0
    assert float(generator_loss(fake)) == 1
    assert float(feature_loss(real, fake)) == 0.5
    assert float(discriminator_loss(fake, real)) == 2


def test_windows_that_a_crop_cannot_fill_are_left_out() -> None:
    judge = Discriminator(4, 600)
    assert [window.n_fft for window in judge.windows] == [512, 128]
    (*_, score), _ = judge(torch.zeros(1, 600))
    assert torch.isfinite(score).all()


def test_a_discriminator_that_wins_waits_for_the_decoder(home: Home, sounds: Path) -> None:
    trainer = new_trainer(home, sounds)
    trainer.run(until=5)
    adversary = part_of(trainer).adversary
    adversary.mean_loss.fill_(0.5 * WINNING)
    before = {key: value.clone() for key, value in adversary.discriminator.state_dict().items()}
    trainer.run(until=6)
    after = adversary.discriminator.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert codes_in_warnings(trainer).count("discriminator-wins") == 1
    # an untrained one does not win: the mean of its loss rises, and it learns again
    adversary.mean_loss.fill_(WINNING)
    trainer.run()
    assert not all(torch.equal(value, adversary.discriminator.state_dict()[key]) for key, value in before.items())


@pytest.mark.slow
def test_a_distance_that_runs_away_goes_back_twice_and_then_is_plain(
    home: Home, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversarial, "RUN_AWAY", -1.0)
    monkeypatch.setattr(adversarial, "MARGIN", -1.0)
    trainer = new_trainer(home, sounds, train__epochs=8)
    trainer.run(until=10)
    began_from = trainer.best["weights"]
    assert part_of(trainer).factor == 0.25
    assert all(torch.equal(value, trainer.net.state_dict()[key]) for key, value in began_from.items())
    trainer.run(until=12)
    assert part_of(trainer).factor == 0
    trainer.run()
    said = [w for w in events_of(trainer.run_folder, e.WarningRaised) if w.code == "adversarial-ran-away"]
    assert ["adversarial weight x 0.25" in said[0].text, "without the discriminator" in said[1].text] == [True, True]
    assert len(said) == 2
    last = [m.values for m in events_of(trainer.run_folder, e.Metrics) if m.scope == "step"][-1]
    assert "loss/adversarial" not in last
    assert trainer.best["epoch"] not in (5, 6), "of an epoch without a discriminator"


@pytest.mark.slow
def test_a_loss_that_is_not_finite_goes_back_to_the_best_epoch(home: Home, sounds: Path) -> None:
    trainer = new_trainer(home, sounds, train__epochs=10)
    trainer.run(until=11)
    whole = trainer.task.batch
    trainer.task.batch = lambda step: whole(step) * float("inf")  # type: ignore[method-assign]
    for _ in range(5):
        trainer.advance()
    trainer.log_steps()
    assert codes_in_warnings(trainer)[-1] == "adversarial-ran-away"
    best = trainer.best["weights"]
    assert all(torch.equal(value, trainer.net.state_dict()[key]) for key, value in best.items())
    assert all(bool(torch.isfinite(value).all()) for value in _judge(trainer).values())


def test_memory_is_tried_before_the_first_step(home: Home, sounds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = 2
    real = add_adversarial_gradients

    def limited(net: Any, loss: Any, data: torch.Tensor, options: StepOptions, *others: Any) -> Any:
        if len(data) / options.count > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(net, loss, data, options, *others)

    monkeypatch.setattr(adversarial, "add_adversarial_gradients", limited)
    trainer = new_trainer(home, sounds)
    trainer.run(until=1)
    assert trainer.train_step.parts == 1, "what comes before has room"
    (said,) = [w for w in events_of(trainer.run_folder, e.WarningRaised) if w.code == "out-of-memory"]
    assert "batches of the adversarial part will go through in 2 parts" in said.text
    trainer.run(until=5)
    assert trainer.train_step.parts == 2
    room = 1
    trainer.run(until=6)
    assert trainer.train_step.parts == 4, "and less in the part itself"
    room = 0
    with pytest.raises(DistillError, match="out of memory on cpu with a single piece"):
        new_trainer(home, sounds).run(until=1)


def test_the_trial_changes_nothing(home: Home, sounds: Path) -> None:
    one, two = new_trainer(home, sounds), new_trainer(home, sounds, train__adversarial_fraction=0.0)
    # the same steps: the learning rate follows another schedule
    for trainer in (one, two):
        trainer.recipe.train.min_lr_ratio = 1.0
        trainer.run(until=4)
    ours, theirs = weights_of(one), weights_of(two)
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_it_stays_on_the_device(home: Home, sounds: Path, kind: str) -> None:
    with accelerator(kind) as device:
        run = make_run(home, sounds, **HALF | {"train__device": str(device), "model__dropout": 0.0})
        trainer = make_trainer(home, run, str(device))
        trainer.run(until=6)
        trainer.save_checkpoint()
        again = make_trainer(home, run, str(device))
        assert again.restore()
        assert again.run()
        assert part_of(again).failures == 0
