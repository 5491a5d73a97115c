"""A run that continues training from a model: it begins where the model was, whatever became of the model's run."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from distill_tui.data.scan import scan
from distill_tui.engine.inference.model import Model
from distill_tui.engine.job import train_run
from distill_tui.engine.quantizers.rvq_ema import RvqEma
from distill_tui.errors import RequestError
from distill_tui.library.pretrained import values_to_continue
from distill_tui.library.store import Library
from distill_tui.machine import Machine
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import LogWriter
from distill_tui.runs.service import create_run
from tests.engine.support import codec_of, events_of, make_run, make_trainer, tones

pytestmark = pytest.mark.slow


def trained_here(home: Home, run: RunFolder) -> e.Finished:
    """Train a run to its end, in this process."""
    torch.set_num_threads(1)
    last = train_run(home, run, toml.load(run.recipe), LogWriter(run.events), resumed=False)
    assert isinstance(last, e.Finished)
    return last


def continued(home: Home, folder: Path, model: str, **changes: Any) -> RunFolder:
    """A new run that starts from a model."""
    values = values_to_continue(home, model) | {key.replace("__", "."): value for key, value in changes.items()}
    recipe = with_values(Recipe(), values)
    return create_run(home, recipe, scan([folder], 0.2, home), Machine(cores=2)).folder


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, e.Finished]:
    """The sounds, the home and the end of a training that has learned something."""
    folder = tmp_path_factory.mktemp("learned")
    home = Home(folder / "home")
    run = make_run(home, tones(folder / "tones"), train__epochs=40, train__learning_rate=0.01, name="tones")
    return folder / "tones", home.root, trained_here(home, run)


@pytest.fixture
def learned(home: Home, once: tuple[Path, Path, e.Finished]) -> tuple[Path, RunFolder, e.Finished]:
    """The same in a home of its own, with the run in place of its home."""
    folder, root, ending = once
    shutil.copytree(root, home.root)
    (run,) = home.runs.iterdir()
    return folder, RunFolder(run), msgspec.structs.replace(ending, path=str(home.models / "tones.distill"))


def validations(run: RunFolder) -> list[float]:
    told = [event.values for event in events_of(run, e.Metrics) if event.scope == "epoch"]
    return [values["loss/val"] for values in told if values.get("loss/val") is not None]


def test_it_begins_where_the_model_was(home: Home, learned: tuple[Path, RunFolder, e.Finished]) -> None:
    folder, first, ending = learned
    before, scratch = min(validations(first)), validations(first)[0]
    shutil.rmtree(first.path)
    run = continued(home, folder, "tones", train__epochs=2, train__learning_rate=1e-5)
    again = trained_here(home, run)
    assert validations(run)[0] == pytest.approx(before, abs=0.1 * (scratch - before))
    # codebooks were there from the first step: none were made
    assert not [x for x in events_of(run, e.StateChanged) if "codebooks" in x.detail]
    assert again.model == "tones-2"
    card = Library(home).verify("tones-2")
    assert card.started_from == ending.model_id
    assert card.recipe["train"]["start_from"] == str(run.start)


def test_weights_codebooks_and_counts_are_the_models(home: Home, learned: tuple[Path, RunFolder, e.Finished]) -> None:
    folder, _, ending = learned
    run = continued(home, folder, ending.path, train__batch_size=8)
    trainer, start = make_trainer(home, run), Model.load(Path(ending.path))
    trainer.train_step.load_pretrained(start.net.state_dict())
    assert codec_of(trainer).quantizing
    mine_now, its_own = trainer.net.bottleneck, start.net.bottleneck
    assert isinstance(mine_now, RvqEma)
    assert isinstance(its_own, RvqEma)
    assert torch.equal(mine_now.codebooks, its_own.codebooks)
    for mine, its in zip(trainer.ema_net.parameters(), start.net.parameters(), strict=True):
        assert torch.equal(mine, its)
    # a batch of another size: the moving counts add up to its vectors, and the averages still mean the codes
    for codes, counts, sums in zip(mine_now.codebooks, mine_now.ema_counts, mine_now.ema_sums, strict=True):
        assert counts.sum().item() == pytest.approx(codec_of(trainer).latents_per_step, rel=1e-3)
        used = counts > 1
        assert used.any()
        assert torch.allclose(sums[used] / counts[used, None], codes[used], atol=0.05)
    trainer.log.close()


def test_the_run_keeps_a_copy_and_outlives_the_model(home: Home, learned: tuple[Path, RunFolder, e.Finished]) -> None:
    folder, _, ending = learned
    run = continued(home, folder, ending.model_id, train__epochs=1)
    assert run.start.read_bytes() == Path(ending.path).read_bytes()
    Library(home).delete("tones")
    Library(home).empty_trash()
    assert trained_here(home, run).model == "tones"
    # the recipe that the run kept can be used again
    recipe = toml.load(run.recipe)
    repeated = create_run(home, recipe, scan([folder], 0.2, home), Machine(cores=2)).folder
    assert repeated.start.read_bytes() == run.start.read_bytes()
    assert toml.load(repeated.recipe).train.start_from == str(repeated.start)


def test_another_shape_is_refused_with_every_key_that_differs(
    home: Home, learned: tuple[Path, RunFolder, e.Finished]
) -> None:
    folder, first, _ = learned
    with pytest.raises(RequestError) as caught:
        continued(home, folder, "tones", model__channels=32, model__rvq_levels=3)
    assert "model.channels is 32, the model's is 16" in caught.value.message
    assert "model.rvq_levels is 3, the model's is 2" in caught.value.message
    assert "model.sample_rate" not in caught.value.message
    with pytest.raises(RequestError, match=r"train\.start_from: no model 'nobody'"):
        continued(home, folder, "nobody")
    # nothing was made
    assert [path.parent for path in home.runs.glob("*/sounds.json")] == [first.path]


def test_what_was_automatic_for_other_sounds_is_so_again(
    home: Home, learned: tuple[Path, RunFolder, e.Finished]
) -> None:
    values = values_to_continue(home, "tones")
    recipe = toml.load(learned[1].recipe)
    assert "model.hop_length" in recipe.automatic
    assert values["model.hop_length"] == recipe.model.hop_length
    assert "train.steps_per_epoch" not in recipe.automatic
    assert values["train.steps_per_epoch"] == recipe.train.steps_per_epoch
    assert values.keys().isdisjoint(("automatic", "reasons"))
    # who leaves the net's shape open gets the model's, whatever these sounds and this machine would have
    run = continued(home, learned[0], "tones", model__channels="auto", model__n_fft="auto", train__minutes=1.0)
    assert (toml.load(run.recipe).model.channels, toml.load(run.recipe).model.n_fft) == (16, recipe.model.n_fft)
