"""The probe: a few steps of a resolved recipe tell how fast this machine is."""

import json
from typing import Any

import pytest

from distill_tui.engine import probe
from distill_tui.machine import Machine
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.resolve import DataFacts, resolve
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.paces import read_paces
from distill_tui.runs.probe import can_probe, probe_command


def test_it_measures_a_few_steps_and_keeps_the_pace(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.0)
    wanted: dict[str, Any] = {
        "model.channels": 16,
        "model.encoder_blocks": 1,
        "model.decoder_blocks": 1,
        "model.latent_dim": 4,
        "model.codebook_size": 16,
        "train.batch_size": 2,
        "train.device": "cpu",
    }
    facts = DataFacts(4, 20.0, 2.0, 0.5, {8000: 20.0})
    recipe = resolve(with_values(Recipe(), wanted), facts, Machine(cores=2))
    assert can_probe(home, recipe)
    command = probe_command(home, recipe)
    arguments = command[command.index("--home") :]
    assert probe.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    (pace,) = read_paces(home)
    assert told["steps"] == probe.LEAST_STEPS
    assert (pace.seconds, pace.device, pace.is_probe) == (told["step_seconds"], "cpu", True)
    assert probe.main(["--home", str(home.root), "--recipe", '{"model.channels": -1}']) == 2
    assert "error" in json.loads(capsys.readouterr().out)
    several = with_values(recipe, {"train.devices": "2"})
    assert not can_probe(home, several)
