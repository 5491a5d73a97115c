"""A compiled net: the same training, and one that goes on where compiling does not work."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from distill_tui.machine import Gpu, Machine
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.resolve import DataFacts, resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.runs import events as e
from tests.engine.support import events_of, make_run, make_trainer, tones, weights_of


@pytest.fixture
def stance() -> Iterator[None]:
    """What compiling sets for the whole process, set back."""
    yield
    torch.compiler.set_stance("default")
    torch.compiler.reset()


# torch's own, about its own tracing
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.usefixtures("stance")
def test_compiled_it_learns_what_it_learns_without(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    # no compiler is needed to see what is compiled: this backend runs the graphs as they are
    used: list[int] = []

    def graphs(module: torch.fx.GraphModule, _inputs: list[torch.Tensor]) -> object:
        used.append(len(list(module.graph.nodes)))
        return module.forward

    whole = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **options: whole(self, backend=graphs, **options))
    sounds = tones(tmp_path / "sounds")
    trained = []
    for setting in ("off", "on"):
        # its adversarial half too goes through these two graphs
        values = {"train__compile": setting, "train__epochs": 2, "train__adversarial_fraction": 0.5}
        trainer = make_trainer(home, make_run(home, sounds, **values))
        trainer.precision = trainer.train_step.precision = getattr(torch, precision)
        trainer.run()
        trained.append(trainer)
        assert len(used) == (2 if setting == "on" else 0), "the encoder and the decoder, once each"
        assert not [
            warning for warning in events_of(trainer.run_folder, e.WarningRaised) if warning.code == "not-compiled"
        ]
    plain, compiled = map(weights_of, trained)
    assert plain.keys() == compiled.keys()
    for name, weights in plain.items():
        if precision == "float32":
            torch.testing.assert_close(compiled[name], weights, msg=name)
    told = [event.detail for event in events_of(trained[1].run_folder, e.StateChanged)]
    assert any("net compiled in" in text for text in told)


@pytest.mark.slow
@pytest.mark.usefixtures("stance")
def test_where_nothing_can_be_compiled_it_trains_without(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._inductor import config

    monkeypatch.setattr(config.cpp, "cxx", (str(tmp_path / "no-such-compiler"),))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    trainer = make_trainer(home, make_run(home, tones(tmp_path / "sounds"), train__compile="on", train__epochs=2))
    assert trainer.run()
    (warning,) = events_of(trainer.run_folder, e.WarningRaised)
    assert warning.code == "not-compiled"
    assert "could not be compiled" in warning.text
    assert "\n" not in warning.text


@pytest.mark.parametrize(
    ("device", "minutes", "epochs", "chosen"),
    [
        ("cuda:0", 10.0, 1, "on"),
        ("cuda:0", 9.0, 10_000, "off"),
        ("cuda:0", 0.0, 13, "on"),
        ("cuda:0", 0.0, 12, "off"),
        ("cpu", 60.0, 1, "off"),
    ],
)
def test_automatic_is_long_trainings_on_a_gpu(device: str, minutes: float, epochs: int, chosen: str) -> None:
    machine = Machine(cores=2, gpus=(Gpu(index=0, name="GPU", memory=8 * 2**30),))
    facts = DataFacts(2, 10.0, 2.0, 1.0, {8000: 12.0})
    recipe = with_values(Recipe(), {"train.device": device, "train.minutes": minutes, "train.epochs": epochs})
    complete = resolve(recipe, facts, machine)
    assert complete.train.compile == chosen
    assert "train.compile" in complete.automatic
