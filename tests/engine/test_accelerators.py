"""The whole life of a run on a device that is not the CPU: to its end, stopped, resumed, its model in the library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.data.images.dataset import Pictures
from distill_tui.engine import job
from distill_tui.engine.training.control_poller import ControlPoller
from distill_tui.errors import RequestError
from distill_tui.library.container import read_card
from distill_tui.machine import Gpu, Machine
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.presets import EXPLORE, layered
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter
from distill_tui.runs.service import create_run
from tests.engine.accelerator import accelerator
from tests.engine.support import events_of, make_run, make_trainer, tones

# torch's own, about what it does for tensors of a kind that it does not know
pytestmark = pytest.mark.filterwarnings("ignore:at..frobenius_norm is deprecated")
HARMLESS = {"expectations", "utilization/0", "utilization/1"}


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    return tones(tmp_path / "sounds")


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the next trainer hear a request to stop at a step."""

    def at(step: int) -> None:
        look = ControlPoller.poll

        def stop(self: ControlPoller, now: int) -> None:
            look(self, now)
            if now == step and not self.stopping:
                self.stopping = True
                monkeypatch.setattr(ControlPoller, "poll", look)

        monkeypatch.setattr(ControlPoller, "poll", stop)

    return at


def train(home: Home, run: RunFolder, resumed: bool = False) -> Any:
    torch.set_num_threads(1)
    return job.train_run(home, run, toml.load(run.recipe), LogWriter(run.events), resumed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("cuda", {}),
        ("mps", {}),
        # MPS has no float64; for the rest the two are alike
        ("mps", {"model__quantizer": "vae"}),
        ("mps", {"model__quantizer": "rvq_gradient"}),
        ("mps", {"model__net": "conv2d", "model__n_mels": 32}),
    ],
    ids=["cuda-rvq", "rvq", "kl", "gradient", "conv2d"],
)
def test_a_run_ends_well_and_again_after_a_resume(home: Home, sounds: Path, kind: str, values: dict[str, Any]) -> None:
    with accelerator(kind) as device:
        run = make_run(home, sounds, train__device=str(device), train__preview_every=1, train__epochs=3, **values)
        last = train(home, run)
        assert isinstance(last, e.Finished)
        first = read_card(Path(last.path)).weights_sha256
        assert events_of(run, e.RunPrepared)[0].device == str(device)
        again = train(home, run, resumed=True)
        assert isinstance(again, e.Finished)
        assert read_card(Path(again.path)).weights_sha256 == first
    assert len(events_of(run, e.PreviewMade)) == 4, "after the first epochs, and at each end"
    assert {warning.code for warning in events_of(run, e.WarningRaised)} <= HARMLESS


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "step"), [("cpu", 2), ("cuda", 2), ("cuda", 7), ("mps", 7)])
def test_stopped_and_resumed_it_ends_with_the_weights_of_one_that_never_stopped(
    home: Home, sounds: Path, kind: str, step: int, stop_at: Callable[[int], None]
) -> None:
    with accelerator(kind) as device:
        whole, parted = (make_run(home, sounds, train__device=str(device)) for _ in range(2))
        wanted = train(home, whole)
        stop_at(step)
        stopped = train(home, parted)
        assert isinstance(stopped, e.Stopped)
        assert stopped.step == step
        assert read_card(Path(stopped.path)).step == (4 if step == 7 else step)
        ended = train(home, parted, resumed=True)
        assert isinstance(ended, e.Finished)
        assert read_card(Path(ended.path)).weights_sha256 == read_card(Path(wanted.path)).weights_sha256


@pytest.mark.parametrize("kind", ["cuda", "mps"])
@pytest.mark.slow
def test_a_run_of_pictures_ends_well(home: Home, kind: str) -> None:
    with accelerator(kind) as device:
        values = {"train.device": str(device), "train.epochs": 2, "train.map_seconds": 0.1}
        machine = Machine(cores=2, gpus=(Gpu(0, "stand-in", 2**34),), has_mps=True)
        data = Pictures(training=256, validation=64, validation_fraction=0.2)
        run = create_run(home, layered(EXPLORE, values), data, machine).folder
        assert isinstance(train(home, run), e.Finished)
        assert isinstance(train(home, run, resumed=True), e.Finished)
    assert run.map.exists()


def test_a_step_that_is_not_finite_is_skipped_without_a_fused_optimizer(home: Home, sounds: Path) -> None:
    with accelerator("mps") as device:
        run = make_run(home, sounds, train__device=str(device))
        trainer = make_trainer(home, run, str(device))
        trainer.advance()
        before = {key: value.cpu() for key, value in trainer.net.state_dict().items()}
        batch = trainer.task.batch
        trainer.task.batch = lambda step: batch(step) * float("inf")  # type: ignore[method-assign]
        trainer.advance()
        after = {key: value.cpu() for key, value in trainer.net.state_dict().items()}
    assert [key for key in before if not torch.equal(before[key], after[key])] == []


def test_a_gpu_without_a_number_is_the_first() -> None:
    from distill_tui.engine.device import choose_device
    from distill_tui.recipe.schema import Recipe

    recipe = Recipe()
    recipe.train.device = "cuda"
    with accelerator("cuda"):
        assert choose_device(recipe) == (torch.device("cuda:0"), "")


def test_a_gpu_that_is_not_there_is_told_and_an_automatic_one_replaced(home: Home, sounds: Path) -> None:
    from distill_tui.engine.device import choose_device
    from distill_tui.recipe.schema import Recipe

    recipe = Recipe()
    recipe.train.device = "cuda:3"
    with accelerator("cuda"):
        with pytest.raises(RequestError, match="cuda:3 cannot be used: torch sees one GPU, cuda:0"):
            choose_device(recipe)
        recipe.automatic = ["train.device"]
        device, warning = choose_device(recipe)
    assert device == torch.device("cuda:0")
    assert "cuda:3" in warning
