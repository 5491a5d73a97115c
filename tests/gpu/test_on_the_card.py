"""What a real card refuses and a CPU does not; skipped where there is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.data.scan import scan
from distill_tui.engine.training import checkpoint
from distill_tui.paths import Home
from distill_tui.recipe.fields import fields, with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.service import create_run, start_worker
from tests.engine.support import TINY, tones
from tests.gpu import inside
from tests.gpu.life import DETERMINISTIC
from tests.programs import PATIENCE

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU"),
]
OPTIONS = {"device": "cuda:0", "small": True}


@pytest.fixture
def whole_memory() -> Iterator[None]:
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def weights(trainer: Any) -> dict[str, torch.Tensor]:
    return {key: value.detach().cpu().clone() for key, value in trainer.net.state_dict().items()}


def test_a_step_that_logs_nothing_never_waits_for_the_card(tmp_path: Path) -> None:
    trainer = inside.subject(OPTIONS, str(tmp_path), 8)
    assert inside.captured(trainer) == "captured"
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            inside.step(trainer)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_two_equal_trainings_are_equal(tmp_path: Path) -> None:
    ends = []
    asked = {DETERMINISTIC.replace(".", "__"): True} if DETERMINISTIC in fields() else {}
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        trainer = inside.subject(OPTIONS, str(tmp_path / name), 8, **asked)
        for _ in range(5):
            inside.step(trainer)
        ends.append(weights(trainer))
    worst = max(float((ends[0][key].double() - ends[1][key].double()).abs().max()) for key in ends[0])
    if not asked:
        pytest.skip(f"the recipe has no {DETERMINISTIC}; the greatest difference is {worst}")
    assert worst == 0.0


def test_a_step_that_is_not_finite_changes_nothing(tmp_path: Path) -> None:
    trainer = inside.subject(OPTIONS, str(tmp_path), 8)
    assert inside.captured(trainer) == "captured"
    before = weights(trainer)
    inputs = trainer.task.inputs
    trainer.task.inputs = lambda step: {
        key: value * float("inf") if key == "gains" else value for key, value in inputs(step).items()
    }
    inside.step(trainer)
    after = weights(trainer)
    assert [key for key in before if not torch.equal(before[key], after[key])] == []


def test_a_captured_step_is_the_eager_one_bit_by_bit_in_a_fixed_order() -> None:
    from distill_tui.engine.device import make_deterministic

    make_deterministic(torch.device("cuda:0"))
    try:
        one, other = (inside.replayed(OPTIONS, 20, captured, "float32") for captured in (False, True))
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(one[0], other[0])
    assert all(torch.equal(a, b) for a, b in zip(one[1], other[1], strict=True))


def test_a_batch_that_does_not_fit_goes_through_in_parts(tmp_path: Path, whole_memory: None) -> None:
    trainer = inside.subject(OPTIONS | {"small": False}, str(tmp_path), 512)
    torch.cuda.empty_cache()
    # the batch itself takes less than 1 GiB, its step more than 4
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**31) / total)
    inside.step(trainer)
    assert trainer.train_step.parts > 1
    inside.step(trainer)
    assert all(bool(value.isfinite().all()) for value in weights(trainer).values() if value.is_floating_point())


def test_what_is_logged_is_read_from_the_card(tmp_path: Path) -> None:
    trainer = inside.subject(OPTIONS, str(tmp_path), 8)
    for _ in range(2):
        inside.step(trainer)
    trainer.log_steps()
    assert trainer.metrics.latest["loss/train"] is not None


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one NVIDIA GPU")
def test_two_cards_train_as_one(home: Home, tmp_path: Path) -> None:
    sounds, ends = tones(tmp_path / "sounds"), []
    for devices in ("", "0,1"):
        values = {"train__device": "cuda", "train__devices": devices, "train__batch_size": 8}
        recipe = with_values(Recipe(), TINY | {key.replace("__", "."): value for key, value in values.items()})
        run = create_run(home, recipe, scan([sounds], 0.2, home)).folder
        assert start_worker(home, run).wait(PATIENCE) == 0, run.worker_log.read_text()
        ends.append(checkpoint.load(next(checkpoint.newest_first(run.checkpoints)))["net"])
    for name, tensor in ends[0].items():
        assert torch.allclose(tensor, ends[1][name], rtol=1e-2, atol=1e-3), name
