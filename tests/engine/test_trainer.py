"""The trainer: what a step does, what it tells, and that going on is the same as never having stopped."""

import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.data.scan import scan
from distill_tui.engine.quantizers.rvq import ResidualQuantizer
from distill_tui.engine.tasks.codebook_init import quantizer_of
from distill_tui.engine.training import train_step
from distill_tui.engine.training.price_limit import PriceLimit
from distill_tui.engine.training.trainer import Trainer
from distill_tui.errors import DistillError, RequestError
from distill_tui.paths import Home
from distill_tui.recipe.resolve import expectations
from distill_tui.runs import events as e
from distill_tui.runs.control import Control, change_control
from distill_tui.runs.state import RunState
from tests.engine.support import codec_of, events_of, make_run, make_trainer, tones, weights_of
from tests.programs import PATIENCE


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    return tones(tmp_path / "sounds")


def trained(home: Home, sounds: Path, **values: Any) -> Trainer:
    trainer = make_trainer(home, make_run(home, sounds, **values))
    trainer.run()
    return trainer


def poison(trainer: Trainer, steps: set[int]) -> None:
    """Make the batches of these steps hold an infinite sample."""
    whole = trainer.task.batch

    def batch(step: int) -> torch.Tensor:
        wave = whole(step)
        if step in steps:
            wave[0, 0] = float("inf")
        return wave

    trainer.task.batch = batch  # type: ignore[method-assign]


def test_the_loss_falls_and_the_numbers_are_told(home: Home, sounds: Path) -> None:
    trainer = trained(home, sounds, train__epochs=12, train__steps_per_epoch=5, train__learning_rate=3e-3)
    epochs = [m for m in events_of(trainer.run_folder, e.Metrics) if m.scope == "epoch"]
    assert len(epochs) == 12
    assert epochs[-1].values["loss/val"] < 0.9 * epochs[0].values["loss/val"]
    steps = [m for m in events_of(trainer.run_folder, e.Metrics) if m.scope == "step"]
    wanted = {"loss/train", "loss/recon", "loss/commit", "lr", "time/step", "rate/sound"}
    wanted |= {
        f"codebook/{level}/{word}" for level in (0, 1) for word in ("utilization", "perplexity", "dead", "churn")
    }
    assert wanted <= steps[-1].values.keys()
    assert steps[-1].low["loss/train"] <= steps[-1].values["loss/train"] <= steps[-1].high["loss/train"]
    assert trainer.best["distance"] == min(m.values["distance/val"] for m in epochs if "distance/val" in m.values)
    last = {key.removeprefix("distance/"): value for key, value in epochs[-1].values.items()}
    decibels = min(last["level"], 20) + min(last["attack"], 20)
    # one sound is held out
    assert last["val"] == pytest.approx(last["mel"] + 0.1 * last["buzz"] + 0.01 * decibels)
    assert (last["level"], last["attack"]) == (abs(last["level_median"]), abs(last["attack_median"]))
    assert last["lsd"] > 0


def test_the_best_epoch_of_an_older_checkpoint_is_measured_as_later_ones_are(home: Home, sounds: Path) -> None:
    run = make_run(home, sounds, train__quantizer_warmup_fraction=0.0)
    first = make_trainer(home, run)
    first.run(until=5)
    exact = first.best["distance"]
    # as a release before buzz left it: the distance was mel, and nothing later could be below it
    first.best["distance"] = 0.001
    del first.best["measure"], first.best["numbers"]["distance/buzz"]
    first.save_checkpoint()
    second = make_trainer(home, run)
    assert second.restore()
    weights = {key: value.clone() for key, value in second.ema_net.state_dict().items()}
    second.validator.validate(second.step, second.epoch, second.loss_weights)
    told = events_of(run, e.BestEpoch)
    assert told[1].value == pytest.approx(exact, abs=1e-6)
    assert (told[1].epoch, told[1].step) == (1, 4)
    assert second.best["measure"] == second.task.measure
    assert "distance/buzz" in second.best["numbers"]
    assert all(torch.equal(value, weights[key]) for key, value in second.ema_net.state_dict().items())


def test_the_commitment_weight_is_applied_once(home: Home, sounds: Path) -> None:
    trainer = trained(
        home, sounds, train__epochs=2, loss__commitment_weight=0.5, loss__stft_weight=0.1, train__quantizer_dropout=0.0
    )
    last = [m for m in events_of(trainer.run_folder, e.Metrics) if m.scope == "step"][-1].values
    assert last["loss/commit"] > 0
    more = 0.1 * (last["loss/noise"] + last["loss/repetition"]) + 0.02 * last["loss/loudness"]
    assert last["loss/train"] == pytest.approx(last["loss/recon"] + 0.5 * last["loss/commit"] + more, rel=1e-5)
    assert last["loss/recon"] == pytest.approx(1.0 * last["loss/mel"] + 0.1 * last["loss/stft"], rel=1e-5)


def test_same_seed_same_weights_and_another_seed_others(home: Home, sounds: Path) -> None:
    one, two, three = (weights_of(trained(home, sounds, train__epochs=2, train__seed=seed)) for seed in (0, 0, 1))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert not all(torch.equal(one[key], three[key]) for key in one)


@pytest.mark.parametrize("stop_at", [7, *(pytest.param(step, marks=pytest.mark.slow) for step in (1, 2, 13))])
def test_going_on_is_the_same_as_never_having_stopped(home: Home, sounds: Path, stop_at: int) -> None:
    values: dict[str, Any] = {"model__dropout": 0.1, "train__quantizer_dropout": 0.5}
    whole = trained(home, sounds, **values)
    run = make_run(home, sounds, **values)
    first = make_trainer(home, run)
    assert not first.run(until=stop_at)
    first.save_checkpoint()
    second = make_trainer(home, run)
    assert second.restore()
    assert second.step == stop_at
    second.run()
    ours, theirs = weights_of(second), weights_of(whole)
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []
    assert second.best["distance"] == whole.best["distance"]
    assert second.best["epoch"] == whole.best["epoch"]


def test_a_step_that_is_not_finite_changes_nothing_and_is_told(home: Home, sounds: Path) -> None:
    trainer = make_trainer(home, make_run(home, sounds))
    for _ in range(3):
        trainer.advance()
    codec_of(trainer).init_codebooks(trainer)
    trainer.advance()
    before = {key: value.clone() for key, value in weights_of(trainer).items()}
    moments = [s["exp_avg"].clone() for s in trainer.train_step.optimizer.state.values()]
    poison(trainer, {trainer.step})
    trainer.advance()
    after = weights_of(trainer)
    averaged = {key for key in after if key.startswith("ema")}
    assert [key for key in after if key not in averaged and not torch.equal(after[key], before[key])] == []
    assert all(torch.isfinite(after[key]).all() for key in averaged if after[key].is_floating_point())
    assert all(
        torch.equal(a, s["exp_avg"]) for a, s in zip(moments, trainer.train_step.optimizer.state.values(), strict=True)
    )
    trainer.log_steps()
    assert [w.code for w in events_of(trainer.run_folder, e.WarningRaised)] == ["not-finite"]


def test_diverging_goes_back_once_and_then_gives_up(home: Home, sounds: Path) -> None:
    trainer = make_trainer(home, make_run(home, sounds, train__epochs=10))
    for _ in range(2):
        trainer.advance()
    trainer.save_checkpoint()
    poison(trainer, set(range(4, 1000)))
    with pytest.raises(DistillError, match="half the learning rate"):
        trainer.run()
    codes = [w.code for w in events_of(trainer.run_folder, e.WarningRaised)]
    assert codes.count("went-back") == 1
    assert trainer.lr_factor == 0.5


def test_after_going_back_one_bad_step_is_one(home: Home, sounds: Path) -> None:
    trainer = make_trainer(home, make_run(home, sounds, train__epochs=10))
    for _ in range(2):
        trainer.advance()
    trainer.save_checkpoint()
    bad = set(range(4, 9))
    poison(trainer, bad)
    while trainer.lr_factor == 1.0:
        trainer.advance()
        if trainer.step > max(bad):
            trainer.log_steps()
    assert trainer.step == 2
    # the same steps come again, and one of them is still bad
    bad.clear()
    bad.add(6)
    while trainer.step < 9:
        trainer.advance()
    trainer.log_steps()
    said = [w.text for w in events_of(trainer.run_folder, e.WarningRaised) if w.code == "not-finite"]
    assert said[-1].startswith("1 step before step 9 ")
    state = RunState().apply_all(events_of(trainer.run_folder, e.Event))
    steps = list(state.series["loss/train"].steps)
    assert steps == sorted(steps), "the curves go back too"


def test_a_bad_step_while_codes_are_dead_leaves_the_codebooks_alone(home: Home, sounds: Path) -> None:
    for name in ("rvq_gradient", "rvq_ema"):
        run = make_run(home, sounds, model__quantizer=name, train__dead_code_threshold=0.5)
        trainer = make_trainer(home, run)
        codec_of(trainer).init_codebooks(trainer)
        poison(trainer, {1})
        trainer.advance()
        trainer.net.bottleneck.replaced.zero_()
        quantizer = quantizer_of(trainer.net)
        assert isinstance(quantizer, ResidualQuantizer)
        quantizer.ema_counts[0, 3] = 0.0
        before = quantizer.codebooks.clone()
        trainer.advance()
        assert torch.equal(before, quantizer.codebooks), name
        assert not trainer.net.bottleneck.replaced.any()
        trainer.advance()
        assert trainer.net.bottleneck.replaced.any(), "the next good one replaces the dead"


@pytest.mark.slow
def test_a_loss_that_runs_away_is_said_before_it_is_no_number(home: Home, sounds: Path) -> None:
    run = make_run(
        home, sounds, train__epochs=6, train__warmup_fraction=0, model__loudness_scale=0.0, model__gains_per_frame=0
    )
    trainer = make_trainer(home, run)
    for _ in range(trainer.steps_per_epoch):
        trainer.advance()
    trainer.end_epoch()
    change_control(run.control, lambda control: control.knobs.update({"train.learning_rate": 1.0}))
    trainer.run()
    (said,) = [w for w in events_of(trainer.run_folder, e.WarningRaised) if w.code == "loss-rises"]
    assert "times what it was in the first epoch: it diverges" in said.text


def test_knobs_take_effect_at_a_step_and_bad_ones_are_refused(home: Home, sounds: Path) -> None:
    run = make_run(home, sounds, train__epochs=2)
    trainer = make_trainer(home, run)

    def tune(control: Control) -> None:
        control.knobs = {
            "train.learning_rate": 5e-4,
            "loss.commitment_weight": -1.0,
            "loss.mel_weigth": 2.0,
            "loss.mel_weight": float("nan"),
        }

    change_control(run.control, tune)
    trainer.run()
    assert [(k.key, k.old, k.new, k.step) for k in events_of(run, e.SettingChanged)] == [
        ("train.learning_rate", 1e-3, 5e-4, 0)
    ]
    refused = {r.key: r.text for r in events_of(run, e.SettingRejected)}
    assert set(refused) == {"loss.commitment_weight", "loss.mel_weigth", "loss.mel_weight"}
    assert "did you mean 'loss.mel_weight'" in refused["loss.mel_weigth"]
    assert trainer.poller.settings["loss.commitment_weight"] == 0.25
    assert trainer.poller.settings["loss.mel_weight"] == 1.0


def test_a_knob_survives_a_resume(home: Home, sounds: Path) -> None:
    run = make_run(home, sounds)
    first = make_trainer(home, run)
    change_control(run.control, lambda control: control.knobs.update({"train.learning_rate": 2e-4}))
    first.poller.poll(0)
    first.advance()
    first.save_checkpoint()
    second = make_trainer(home, run)
    second.restore()
    assert second.poller.settings["train.learning_rate"] == 2e-4
    second.advance()
    assert second.train_step.optimizer.param_groups[0]["lr"] < 2.1e-4


def test_pause_go_on_checkpoint_preview_and_stop(home: Home, sounds: Path) -> None:
    run = make_run(home, sounds, train__epochs=10_000)
    trainer = make_trainer(home, run)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(trainer.run()))
    change_control(run.control, lambda c: setattr(c, "wanted", "paused"))
    thread.start()

    def wait_for(kind: type[e.Event], **wanted: Any) -> Any:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for event in events_of(run, kind):
                if all(getattr(event, key) == value for key, value in wanted.items()):
                    return event
        raise AssertionError(f"no {kind} {wanted}")

    assert wait_for(e.StateChanged, state="paused").step == 0

    def ask(control: Control) -> None:
        control.checkpoint, control.preview = 1, 1

    change_control(run.control, ask)
    assert (run.path / wait_for(e.CheckpointSaved, count=1).file).is_file()
    preview = wait_for(e.PreviewMade, count=1)
    assert all((run.path / name).is_file() for pair in preview.pairs for name in pair[:2])
    change_control(run.control, lambda c: setattr(c, "wanted", "running"))
    wait_for(e.Metrics, scope="epoch", epoch=2)
    change_control(run.control, lambda c: setattr(c, "wanted", "stopped"))
    thread.join(PATIENCE)
    assert ended == [False]
    states = [s.state for s in events_of(run, e.StateChanged) if not s.detail]
    assert states == ["running", "paused", "running", "stopping"]
    assert events_of(run, e.CheckpointSaved)[-1].step == trainer.step


@pytest.mark.slow
def test_a_budget_of_minutes_ends_by_then(home: Home, sounds: Path) -> None:
    trainer = trained(home, sounds, train__minutes=0.02, train__epochs=1)
    assert 1.0 <= trainer.clock.seconds < 4.0
    assert trainer.step > trainer.steps_per_epoch
    assert trainer.best["weights"] is not None


def test_a_run_stops_at_its_price_over_all_sessions_until_that_is_raised(home: Home, sounds: Path) -> None:
    with pytest.raises(RequestError, match="the price of an hour of this machine is not known"):
        make_run(home, sounds, train__max_price=5.0)
    home.root.mkdir(parents=True, exist_ok=True)
    home.settings.write_text("machine.price = 1")
    run = make_run(home, sounds, train__epochs=1, train__max_price=5.0)
    trainer = make_trainer(home, run)
    trainer.poller.price_limit = PriceLimit(price=1.0, earlier_seconds=4.99 * 3600)
    assert not trainer.run(until=1)
    assert trainer.step == 1, "it may cost as much as this"
    trainer.poller.price_limit = PriceLimit(price=1.0, currency="EUR", earlier_seconds=5.25 * 3600)
    assert not trainer.run()
    assert trainer.poller.too_dear == "it has cost 5.25 EUR, and was to stop at 5.00 EUR"
    assert events_of(run, e.CheckpointSaved)[-1].step == 1
    again = make_trainer(home, run)
    assert again.restore()
    again.poller.price_limit = trainer.poller.price_limit
    change_control(run.control, lambda control: control.knobs.update({"train.max_price": 6.0}))
    assert again.run()


def test_early_stopping_ends_after_epochs_without_a_better_one(home: Home, sounds: Path) -> None:
    trainer = make_trainer(
        home, make_run(home, sounds, train__epochs=500, train__patience=3, train__quantizer_warmup_fraction=0.0)
    )
    trainer.best["distance"] = 0.0
    trainer.run()
    assert trainer.epoch < 20
    assert "no better epoch in 3" in trainer.stop_reason


def test_overfitting_and_low_use_are_said_in_words_that_tell_what_to_do(home: Home, sounds: Path) -> None:
    trainer = make_trainer(home, make_run(home, sounds, train__epochs=40))
    per_epoch = trainer.steps_per_epoch
    trainer.diagnostics.check_overfitting(1.1, 1.0, 30, 40, 40 * per_epoch)
    trainer.diagnostics.check_overfitting(1.3, 1.0, 1, 40, 40 * per_epoch)
    trainer.diagnostics.check_overfitting(1.3, 1.0, 9, 12, 12 * per_epoch)
    assert not events_of(trainer.run_folder, e.WarningRaised), (
        "a small gap, or one of held-out sound that may yet get better"
    )
    trainer.diagnostics.check_overfitting(1.3, 1.0, 10, 13, 13 * per_epoch)
    counts = torch.zeros(2, 8)
    counts[0] += 10
    counts[1, :2] += 100
    trainer.diagnostics.check_codebooks(counts, 3)
    assert len(events_of(trainer.run_folder, e.WarningRaised)) == 1
    trainer.diagnostics.check_codebooks(counts, 3)
    said = {w.code: w for w in events_of(trainer.run_folder, e.WarningRaised)}
    assert "30% worse" in said["overfitting"].text
    assert said["utilization/1"].text == "Level 2: utilization 25% (below 30% threshold)"
    assert all(w.advice for w in said.values())


def test_out_of_memory_cuts_the_batch_into_parts_with_the_same_gradients(home: Home, sounds: Path) -> None:
    run = make_run(home, sounds, loss__stft_weight=0.0)
    whole, cut = make_trainer(home, run), make_trainer(home, run)
    decode = cut.net.decode_to_train

    def too_much(latents: torch.Tensor, *more: torch.Tensor) -> Any:
        if len(latents) > 2:
            raise torch.OutOfMemoryError("not enough memory")
        return decode(latents, *more)

    cut.net.decode_to_train = too_much
    for trainer in (whole, cut):
        trainer.advance()
    said = events_of(run, e.WarningRaised)
    assert [w.code for w in said] == ["out-of-memory"]
    assert "in 2 parts" in said[0].text
    for ours, theirs in zip(cut.net.parameters(), whole.net.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)


def test_out_of_memory_with_a_single_piece_says_what_would_help(home: Home, sounds: Path) -> None:
    trainer = make_trainer(home, make_run(home, sounds))

    def too_much(latents: torch.Tensor, *more: torch.Tensor) -> Any:
        raise torch.OutOfMemoryError("not enough memory")

    trainer.net.decode_to_train = too_much
    with pytest.raises(DistillError, match="single piece") as caught:
        trainer.advance()
    assert "model.channels" in caught.value.hint


def test_out_of_memory_where_codebooks_are_made_and_where_it_validates(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(home, make_run(home, tones(tmp_path / "long", seconds=3.0)))
    quantizer = quantizer_of(trainer.net)
    assert quantizer is not None
    encode, initialise = trainer.net.encode, quantizer.init_codebooks
    pools: list[int] = []
    held: list[int] = []

    def small_batches(data: torch.Tensor) -> Any:
        if len(data) > 2:
            raise torch.OutOfMemoryError("not enough memory")
        return encode(data)

    def small_pools(pool: torch.Tensor, batch_vectors: int) -> None:
        pools.append(len(pool))
        if len(pools) < 2:
            raise torch.OutOfMemoryError("not enough memory")
        initialise(pool, batch_vectors)

    whole = trainer.ema_net.encode

    def short_files(data: torch.Tensor) -> Any:
        held.append(data.shape[-1])
        if data.shape[-1] > 1.6 * 8000:
            raise torch.OutOfMemoryError("not enough memory")
        return whole(data)

    trainer.net.encode = small_batches
    trainer.ema_net.encode = short_files
    monkeypatch.setattr(quantizer, "init_codebooks", small_pools)
    codec_of(trainer).init_codebooks(trainer)
    assert pools[1] == -(-pools[0] // 2)
    trainer.end_epoch()
    assert trainer.best["weights"] is not None
    assert held[0] > 1.6 * 8000 >= held[-1]
    said = [w.text for w in events_of(trainer.run_folder, e.WarningRaised)]
    assert [text.partition(": ")[2] for text in said] == [
        "batches of 4 go through in 2 parts from here",
        f"the codebooks are made of {pools[1]} latents",
        "2 s of a file are validated at most from here",
    ]


def test_memory_is_given_back_when_the_failed_pass_is_gone(
    home: Home, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(home, make_run(home, sounds))
    decode = trainer.net.decode_to_train
    tracked: list[Any] = []

    def too_much(latents: torch.Tensor, *more: torch.Tensor) -> Any:
        if len(latents) > 2:
            made = latents * 2
            tracked.append(weakref.ref(made))
            raise torch.OutOfMemoryError("not enough memory")
        return decode(latents, *more)

    gone: list[bool] = []
    monkeypatch.setattr(train_step, "free_memory", lambda _device: gone.append(all(t() is None for t in tracked)))
    trainer.net.decode_to_train = too_much
    trainer.advance()
    assert tracked
    assert gone == [True]


def test_a_loss_may_be_switched_on_and_off_while_it_trains(home: Home, sounds: Path) -> None:
    run = make_run(home, sounds, loss__stft_weight=0.0)
    trainer = make_trainer(home, run)
    trainer.advance()
    trainer.poller.settings["loss.stft_weight"] = 0.5
    trainer.advance()
    trainer.log_steps()
    trainer.advance()
    trainer.log_steps()
    mixed, on = [m.values["loss/stft"] for m in events_of(run, e.Metrics)]
    assert mixed is not None, "the mean over the steps that computed it"
    assert on is not None


def test_five_files_of_a_fifth_of_a_second_work_with_a_word_of_what_to_expect(home: Home, tmp_path: Path) -> None:
    folder = tones(tmp_path / "tiny", count=5, seconds=0.2)
    automatic = {"model__codebook_size": "auto", "data__crop_seconds": "auto", "train__batch_size": "auto"}
    trainer = make_trainer(home, make_run(home, folder, **automatic))
    assert trainer.run()
    assert trainer.best["weights"] is not None
    assert "expect a model of these very sounds" in expectations(trainer.recipe, scan([folder], 0.2).facts())[0]
