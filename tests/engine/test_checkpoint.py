"""Checkpoints: the newest stay, a damaged one is noticed and passed over."""

import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.engine.training import checkpoint
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.runs import events as e
from tests.engine.support import events_of, make_run, make_trainer, tones
from tests.programs import PATIENCE


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    state = {"step": 3, "net": {"a": torch.randn(5)}, "best": {"weights": None, "numbers": {"x": 1.5}}}
    found = checkpoint.load(checkpoint.save(tmp_path, 3, state))
    assert torch.equal(found["net"]["a"], state["net"]["a"])  # type: ignore[index]
    assert found["best"] == state["best"]


def test_the_newest_three_stay(tmp_path: Path) -> None:
    for step in (5, 10, 100, 1000, 20000):
        checkpoint.save(tmp_path, step, {"step": step})
    assert [p.name for p in checkpoint.newest_first(tmp_path)] == [
        "step-00020000.ckpt",
        "step-00001000.ckpt",
        "step-00000100.ckpt",
    ]


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_one_is_passed_over_and_the_one_before_is_used(tmp_path: Path, seed: int) -> None:
    checkpoint.save(tmp_path, 1, {"step": 1})
    path = checkpoint.save(tmp_path, 2, {"step": 2, "net": torch.randn(100)})
    rng = random.Random(seed)
    content = bytearray(path.read_bytes())
    if seed % 2:
        content = content[: rng.randrange(len(content))]
    else:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    passed: list[Path] = []
    found = checkpoint.load_newest(tmp_path, lambda p, why: passed.append(p))
    assert found is not None
    assert found["step"] == 1
    assert passed == [path]


def test_none_is_none(tmp_path: Path) -> None:
    assert checkpoint.load_newest(tmp_path / "missing", lambda p, why: None) is None


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize(
    "state", [Trap(), "text", None, [1], {"step": Trap()}, {}], ids=["pickle", "text", "none", "list", "trap", "empty"]
)
def test_one_whose_hash_is_right_and_that_is_nothing_of_ours_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint.save(tmp_path, 1, {"step": 1})
    checkpoint.save(tmp_path, 2, state)
    said: list[str] = []
    found = checkpoint.load_newest(tmp_path, lambda p, why: said.append(why), lambda state: state["step"])
    assert found == {"step": 1}
    assert len(said) == 1
    assert "weights_only" not in said[0]
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match="no such file or directory"):
        checkpoint.save(tmp_path / "run" / "checkpoints", 1, {})
    assert not (tmp_path / "run").exists()


def test_an_old_one_that_cannot_be_deleted_is_no_reason_to_end(tmp_path: Path) -> None:
    # a folder of its name cannot be unlinked, whoever one is
    (tmp_path / "step-00000001.ckpt").mkdir()
    for step in (2, 3, 4, 5):
        path = checkpoint.save(tmp_path, step, {"step": step})
        assert path.exists()


def test_steps_go_on_while_one_is_written_and_it_is_told_once_it_is_whole(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(home, make_run(home, tones(tmp_path / "sounds")))
    may_write, save = threading.Event(), checkpoint.save

    def slow(folder: Path, step: int, state: dict[str, Any]) -> Path:
        assert may_write.wait(PATIENCE)
        return save(folder, step, state)

    monkeypatch.setattr(checkpoint, "save", slow)
    trainer.advance()
    kept = {key: value.clone() for key, value in trainer.net.state_dict().items()}
    trainer.begin_checkpoint(count=1)
    trainer.advance()
    trainer.finish_checkpoint()
    assert trainer.checkpoint_writer.is_busy
    assert not events_of(trainer.run_folder, e.CheckpointSaved)
    may_write.set()
    trainer.finish_checkpoint(wait=True)
    (saved,) = events_of(trainer.run_folder, e.CheckpointSaved)
    assert (saved.step, saved.count) == (1, 1)
    found = checkpoint.load(trainer.run_folder.path / saved.file)["net"]
    assert all(torch.equal(value, found[key]) for key, value in kept.items()), "as the net was when it was begun"
    assert not all(torch.equal(value, kept[key]) for key, value in trainer.net.state_dict().items())


def test_one_that_cannot_be_written_is_told_and_the_training_goes_on_to_the_next(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), train__checkpoint_minutes=0.0)
    trainer = make_trainer(home, run)
    # a file in place of the folder stands for a full disk
    run.checkpoints.touch()
    trainer.run(until=4)
    (told,) = events_of(run, e.WarningRaised)
    assert told.code == e.NOT_SAVED
    assert str(run.checkpoints) in told.text
    with pytest.raises(DistillError, match="cannot write"):
        trainer.save_checkpoint()
    run.checkpoints.unlink()
    trainer.run(until=8)
    assert events_of(run, e.CheckpointSaved)[-1].step > 4
    assert len(events_of(run, e.WarningRaised)) == 1
