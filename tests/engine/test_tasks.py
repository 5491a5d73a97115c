"""Tasks: a third one, with its own net and data, needs no change of the trainer, the job, the log or the library."""

from pathlib import Path
from typing import Any, Self

import pytest
import torch
from torch import Tensor, nn

from distill_tui.data.corpus import Corpus
from distill_tui.engine.inference.model import load_net
from distill_tui.engine.job import train_run
from distill_tui.engine.nets import NETS
from distill_tui.engine.tasks import register, task_of
from distill_tui.engine.tasks.base import Task, Validation
from distill_tui.engine.tasks.codec import CodecTask
from distill_tui.engine.tasks.images import ImagesTask
from distill_tui.engine.training.seeds import generator
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import TASK_OF_NET, Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter, read_events
from distill_tui.runs.state import RunState
from tests.engine.support import events_of, make_run, make_trainer, tones, weights_of


class Line(nn.Module):
    """y = a x + b."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        return y


@register
class LineTask(Task[Line]):
    """Learns y = 2 x + 1 from points [batch, (x, y)]."""

    name, unit, main_loss = "line", "points", "square"

    @staticmethod
    def load_data(run: RunFolder) -> Corpus:
        return Corpus.load(run.sounds)

    @classmethod
    def from_data(cls, home: Home, data: Any, recipe: Recipe, device: torch.device) -> Self:
        return cls(recipe, device)

    def batch(self, step: int) -> Tensor:
        x = torch.rand(int(self.recipe.train.batch_size), 1, generator=generator(self.recipe.train.seed, step))
        return torch.cat((x, 2 * x + 1), 1)

    def losses(self, net: Line, data: Tensor) -> dict[str, Tensor]:
        return {"square": (net(data[:, :1]) - data[:, 1:]).square().mean()}

    def validate(self, net: Line, weights: Any) -> Validation:
        distance = float(self.losses(net, self.batch(1_000_000))["square"])
        return Validation({"loss/val": distance, "distance/val": distance}, distance)

    def output(self, net: Line) -> Tensor:
        y: Tensor = net(torch.ones(1, 1))
        return y


@pytest.fixture
def run(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run of lines: of a net that the recipe calls convnext."""
    monkeypatch.setitem(TASK_OF_NET, "convnext", "line")
    monkeypatch.setitem(NETS, "convnext", f"{__name__}:Line")
    return make_run(home, tones(tmp_path / "sounds"), train__epochs=20, train__learning_rate=0.1)


def test_a_recipe_means_one_task() -> None:
    assert task_of(Recipe()) is CodecTask
    assert task_of(with_values(Recipe(), {"model.net": "image"})) is ImagesTask


def test_a_third_task_trains_logs_and_saves(home: Home, run: RunFolder) -> None:
    last = train_run(home, run, toml.load(run.recipe), LogWriter(run.events), resumed=False)
    assert isinstance(last, e.Finished)
    epochs = [m.values for m in events_of(run, e.Metrics) if m.scope == "epoch"]
    assert len(epochs) == 20
    assert epochs[-1]["epoch/square"] < 0.1 * epochs[0]["epoch/square"]
    steps = [m.values for m in events_of(run, e.Metrics) if m.scope == "step"]
    assert {"loss/train", "loss/square", "lr", "gradient", "time/step", "time/data", "rate/points"} == steps[-1].keys()
    state = RunState().apply_all(read_events(run.events))
    assert (state.epoch, state.best is not None, bool(state.checkpoints)) == (20, True, True)
    card = Library(home).verify(last.model)
    assert (card.parameters, card.health, card.losses["val"]) == (2, [], card.losses["distance"])
    net, _ = load_net(Path(last.path))
    assert net(torch.tensor([[0.5]])).item() == pytest.approx(2.0, abs=0.3)


def test_a_third_task_resumes_to_the_very_same_weights(home: Home, run: RunFolder) -> None:
    whole = make_trainer(home, run)
    whole.run()
    parted = make_trainer(home, run)
    assert not parted.run(until=13)
    parted.save_checkpoint()
    resumed = make_trainer(home, run)
    assert resumed.restore()
    assert resumed.step == 13
    assert resumed.run()
    ours, theirs = weights_of(resumed), weights_of(whole)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert resumed.best["distance"] == whole.best["distance"]
