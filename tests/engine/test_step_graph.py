"""The captured step: replayed as CUDA replays it, it gives the weights of the step that is not captured, bit by bit."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from distill_tui.engine.training.step_graph import EAGER_STEPS, StaticInputs, StepGraph
from distill_tui.engine.training.trainer import Trainer
from distill_tui.paths import Home
from distill_tui.runs import events as e
from tests.engine import recording
from tests.engine.accelerator import OnDevice, accelerator
from tests.engine.support import codec_of, events_of, make_run, make_trainer, tones, weights_of

STEPS, QUANTIZED, BROKEN = 18, 7, 14
"""Steps that are trained, the first with codes, and one that is not finite."""
ALL: dict[str, Any] = {
    "model__noise_bands": 4,
    "model__gains_per_frame": 4,
    "model__loudness_scale": 2.0,
    "model__dropout": 0.1,
    "train__quantizer_dropout": 0.5,
    "train__dead_code_threshold": 0.5,
    "train__batch_size": 3,
    "data__random_speed": 0.1,
    "data__mix_probability": 0.5,
}


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    return tones(tmp_path / "sounds")


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record on the CPU what CUDA would capture; the list grows by one with each capture."""
    captures: list[int] = []

    def capture(*given: Any) -> Any:
        captures.append(1)
        return recording.capture(*given)

    monkeypatch.setattr(StepGraph, "_capture", capture)
    return captures


def state_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """All that a step changes."""
    state = weights_of(trainer)
    for number, slots in trainer.train_step.optimizer.state_dict()["state"].items():
        state |= {f"{number}.{name}": value for name, value in slots.items()}
    health = codec_of(trainer).health.state()
    state |= {"ring": health["ring"], "next": torch.tensor(health["next"])}
    state |= {"guard": torch.tensor(trainer.train_step.guard.read())}
    return {key: value.detach().clone() for key, value in state.items()}


def train(trainer: Trainer, first: int, last: int) -> list[dict[str, float]]:
    """Steps with everything that changes from step to step; what they return."""
    step, rows = trainer.train_step, []
    for number in range(first, last):
        if number == QUANTIZED and not codec_of(trainer).quantizing:
            codec_of(trainer).init_codebooks(trainer)
        # numbers that float32 holds, as the device gets them
        weights = {key: 2.0**-3 * (1 + number % 3) * bool(value) for key, value in trainer.loss_weights.items()}
        inputs = {key: value.clone() for key, value in trainer.task.inputs(number).items()}
        if number == BROKEN:
            inputs["data"] *= math.inf
        values = step.step(inputs, number, 2.0**-9 * (1 + number % 2), weights, print)
        rows.append({key: float(value) for key, value in values.items()})
    return rows


def both(home: Home, sounds: Path, values: dict[str, Any]) -> tuple[Trainer, Trainer]:
    """Two equal trainers; the steps of the second are captured."""
    trainers = [make_trainer(home, make_run(home, sounds, **values)) for _ in range(2)]
    trainers[1].train_step.graph = StepGraph(trainers[1].device, True)
    return trainers[0], trainers[1]


def differing(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> list[str]:
    return [key for key in one if not torch.equal(one[key], other[key]) and not _are_close_averages(key, one, other)]


def _are_close_averages(key: str, one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    # a number moves them by a fused operation, which rounds once less
    return key.startswith("ema.") and torch.allclose(one[key], other[key], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(ALL, id="all"),
        pytest.param({"model__quantizer": "rvq_gradient"}, id="gradient", marks=pytest.mark.slow),
        pytest.param({"model__quantizer": "vae"}, id="kl", marks=pytest.mark.slow),
        pytest.param({"loss__stft_weight": 1.0}, id="stft", marks=pytest.mark.slow),
    ],
)
def test_a_captured_step_is_the_step_bit_by_bit(
    home: Home, sounds: Path, rehearsed: list[int], values: dict[str, Any]
) -> None:
    plain, captured = both(home, sounds, values)
    wanted, rows = train(plain, 0, STEPS), train(captured, 0, STEPS)
    assert [row.keys() for row in rows] == [row.keys() for row in wanted]
    for number, (one, other) in enumerate(zip(wanted, rows, strict=True)):
        # two windows of the loss that were drawn the other way round add up to another last bit
        same = (math.isclose(one[key], other[key], rel_tol=1e-6) or math.isnan(one[key]) for key in one)
        assert all(same), number
    assert differing(state_of(plain), state_of(captured)) == []
    assert captured.train_step.graph.error == ""
    # before the codebooks and with them
    assert len(rehearsed) == (1 if values.get("model__quantizer") == "vae" else 2)
    assert captured.train_step.graph.is_captured


@pytest.mark.slow
def test_what_replaces_tensors_is_captured_anew(home: Home, sounds: Path, rehearsed: list[int]) -> None:
    plain, captured = both(home, sounds, {})
    averages = None
    for trainer in (plain, captured):
        train(trainer, 0, QUANTIZED - 1)
        trainer.save_checkpoint()
        train(trainer, QUANTIZED - 1, QUANTIZED + 5)
        assert trainer.restore()
        assert not trainer.train_step.graph.is_captured
        train(trainer, QUANTIZED - 1, QUANTIZED + 5)
        # the same for both: the averages' own last bits grow to percents in five steps
        averages = averages or {key: value.clone() for key, value in trainer.ema_net.state_dict().items()}
        trainer.train_step.restart_from(averages, QUANTIZED + 5)
        train(trainer, QUANTIZED + 5, QUANTIZED + 10)
    assert differing(state_of(plain), state_of(captured)) == []
    assert len(rehearsed) == 4


@pytest.mark.slow
def test_a_batch_cut_for_memory_is_not_captured_and_the_same(
    home: Home, sounds: Path, rehearsed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, captured = both(home, sounds, {})
    for trainer in (plain, captured):
        train(trainer, 0, 5)
        assert trainer.train_step.graph.is_captured == (trainer is captured)
        backward = trainer.task.backward

        def too_large(*given: Any, _backward: Callable[..., Any] = backward, _step: Any = trainer.train_step) -> Any:
            if _step.parts == 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return _backward(*given)

        monkeypatch.setattr(trainer.task, "backward", too_large)
        # a graph that is there takes the memory that it has
        trainer.train_step.graph.reset()
        train(trainer, 5, STEPS)
        assert trainer.train_step.parts == 2
    assert differing(state_of(plain), state_of(captured)) == []
    assert len(rehearsed) == 1


@pytest.mark.slow
def test_a_step_that_cannot_be_captured_runs_eagerly_and_says_so_once(
    home: Home, sounds: Path, rehearsed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, captured = both(home, sounds, {})
    forward = captured.net.encoder.forward

    def asks(x: torch.Tensor, *ends: Any) -> Any:
        assert float(x.detach().sum()) == float(x.detach().sum())
        return forward(x, *ends)

    monkeypatch.setattr(captured.net.encoder, "forward", asks)
    for trainer in (plain, captured):
        train(trainer, 0, EAGER_STEPS + 3)
        trainer.step = EAGER_STEPS + 3
        trainer.log_steps()
        trainer.log_steps()
    assert "not permitted" in captured.train_step.graph.error
    assert differing(state_of(plain), state_of(captured)) == [], "half a step is left of the capture that failed"
    (warning,) = events_of(captured.run_folder, e.WarningRaised)
    assert warning.code == "not-captured"
    assert len(rehearsed) == 1


class _NoWaits(TorchDispatchMode):
    """Refuses what waits for a device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = recording.tensors_in((args, kwargs or {}))
        if func.overloadpacket.__name__ in recording.WAITING and any(isinstance(one, OnDevice) for one in given):
            raise AssertionError(f"{func} waits for the device")
        return func(*args, **(kwargs or {}))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:at..frobenius_norm is deprecated")
def test_a_gpu_cuts_its_batch_within_the_step_and_is_never_waited_for(home: Home, sounds: Path) -> None:
    with accelerator("cuda") as device:
        run = make_run(home, sounds, train__device=str(device), **ALL)
        trainer = make_trainer(home, run, str(device))
        codec_of(trainer).init_codebooks(trainer)
        for _ in range(EAGER_STEPS + 1):
            trainer.advance()
        assert trainer.train_step.graph.error == ""
        assert trainer.train_step.graph.is_captured
        given = trainer.task.inputs(trainer.step)
        assert given.keys() == {"files", "starts", "factors", "gains"}
        assert not any(isinstance(value, OnDevice) for value in given.values())
        with _NoWaits():
            trainer.advance()


def test_inputs_of_the_host_are_copied_at_once_and_stay_where_they_are() -> None:
    with accelerator("cuda") as device:
        given = {"files": torch.arange(3), "gains": torch.rand(2, 3, 1), "lr": 0.5, "levels": 2}
        held = {"data": torch.rand(2, 4).to(device)}
        static = StaticInputs(given | held, device)
        static.fill(given | held)
        places = {key: id(tensor) for key, tensor in static.tensors.items()}
        static.fill({"files": torch.arange(1, 4), "gains": torch.ones(2, 3, 1), "lr": 0.25, "levels": 1} | held)
        assert {key: id(tensor) for key, tensor in static.tensors.items()} == places
        assert static.tensors["files"].tolist() == [1, 2, 3]
        assert static.tensors["gains"].cpu().unique().tolist() == [1.0]
        assert (float(static.tensors["lr"].cpu()), int(static.tensors["levels"].cpu())) == (0.25, 1)
        assert torch.equal(static.tensors["data"].cpu(), held["data"].cpu())
