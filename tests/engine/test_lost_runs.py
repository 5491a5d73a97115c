"""Real workers: whose run is taken away, who hear a signal before they can train, whose files are damaged meanwhile."""

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.engine.training import checkpoint
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.control import change_control
from distill_tui.runs.service import start_worker
from tests.engine.support import events_of, make_run, make_trainer, tones, weights_of
from tests.engine.test_worker import state_of, until
from tests.programs import PATIENCE

ENDLESS = {"train__epochs": 1_000_000, "train__quantizer_warmup_fraction": 0.0}


@pytest.mark.slow
def test_a_damaged_control_file_costs_nothing_and_a_lost_lock_ends_the_worker(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), **ENDLESS)
    process = start_worker(home, run)
    try:
        until(process, lambda: bool(events_of(run, e.Metrics)))
        for number, damaged in enumerate((b'{"wanted":"\xff"}', b"[" * 100_000, b'{"checkpoint":1e400}'), 1):
            run.control.write_bytes(damaged)
            until(process, lambda number=number: len(events_of(run, e.WarningRaised)) >= number)  # type: ignore[misc]
        run.control.unlink()
        change_control(run.control, lambda control: setattr(control, "checkpoint", 1))
        until(process, lambda: any(saved.count == 1 for saved in events_of(run, e.CheckpointSaved)))
        run.lock.unlink()
        assert process.wait(PATIENCE) == 1
    finally:
        process.kill()
    state = state_of(run)
    assert state.state == "failed"
    assert "lock of this run was moved, removed or replaced" in state.reason
    assert "Traceback" in run.worker_log.read_text()
    # and it can go on
    assert make_trainer(home, run).restore()


@pytest.mark.slow
def test_a_run_that_is_removed_ends_its_worker_and_is_not_made_anew(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), **ENDLESS, train__checkpoint_minutes=0.0)
    process = start_worker(home, run)
    try:
        until(process, lambda: bool(events_of(run, e.CheckpointSaved)))
        run.path.rename(run.path.with_name("away"))
        assert process.wait(PATIENCE) == 1
        assert not run.path.exists()
    finally:
        process.kill()


@pytest.mark.slow
def test_a_signal_before_there_is_a_trainer_leaves_a_last_word(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), **ENDLESS)
    process = start_worker(home, run)
    until(process, lambda: bool(events_of(run, e.Started)))
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0, run.worker_log.read_text()
    assert state_of(run).state == "stopped"
    assert "SIGTERM" in state_of(run).reason
    assert run.worker_log.read_text() == ""


@pytest.mark.slow
def test_a_checkpoint_of_another_net_is_passed_over_and_leaves_nothing_behind(home: Home, tmp_path: Path) -> None:
    sounds = tones(tmp_path / "sounds")
    run, other = make_run(home, sounds), make_run(home, sounds, model__channels=24)
    first = make_trainer(home, run)
    first.save_checkpoint()
    good = torch.load(run.checkpoints / "step-00000000.ckpt", weights_only=True)
    strange = torch.load(make_trainer(home, other).save_checkpoint(), weights_only=True)
    wrong: list[dict[str, Any]] = [
        strange,
        {**good, "optimizer": {**good["optimizer"], "state": {0: {"exp_avg": torch.zeros(2, 2)}}}},
        {**good, "averaged": {key: torch.zeros(1, 2, 3) for key in good["averaged"]}},
        {key: value for key, value in good.items() if key != "warned"},
        {**good, "step": "x"},
        {**good, "best": 3},
    ]
    for step, state in enumerate(wrong, 1):
        for old in run.checkpoints.iterdir():
            old.unlink()
        checkpoint.save(run.checkpoints, 0, good)
        checkpoint.save(run.checkpoints, step, state)
        second = make_trainer(home, run)
        assert second.restore(), step
        assert second.step == 0
        passed = [event.text for event in events_of(run, e.WarningRaised) if f"step-{step:08d}" in event.text]
        assert passed and "passed over" in passed[0], step
    shutil.rmtree(run.checkpoints)
    checkpoint.save(run.checkpoints, 1, strange)
    third = make_trainer(home, run)
    before = {key: value.clone() for key, value in weights_of(third).items()}
    assert not third.restore()
    assert all(torch.equal(value, before[key]) for key, value in weights_of(third).items())


@pytest.mark.slow
def test_a_home_whose_path_is_no_text_trains_to_its_end(tmp_path: Path) -> None:
    home = Home(tmp_path / "home\udcff")
    run = make_run(home, tones(tmp_path / "sounds"))
    assert start_worker(home, run).wait(PATIENCE) == 0, run.worker_log.read_text()
    state = state_of(run)
    assert state.state == "finished"
    assert state.model is not None
    assert state.model.path.startswith("file:///")
    assert "%FF" in state.model.path
