"""`models evaluate`: per file and in total, what was trained on kept apart from what was held out."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from distill_tui.cli.main import run as main
from distill_tui.engine.nets import build_net
from distill_tui.library.card import Card
from distill_tui.library.container import read_card, write_model
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.toml import from_dict, to_dict
from distill_tui.reporting.formatting import plural
from distill_tui.reporting.quality import quality_of_card, quality_text
from tests.conftest import Trained


@pytest.mark.slow
def test_what_was_trained_on_is_kept_apart(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new.wav"
    soundfile.write(new, 0.3 * np.sin(np.arange(8000) / 7), 8000)
    home = str(trained.home.root)
    asked = ["models", "evaluate", str(trained.model), str(trained.sounds), str(new), "--home", home]
    assert main([*asked, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    seen = {sound["name"]: sound["seen"] for sound in report["sounds"]}
    assert sorted(set(seen.values())) == ["", "training", "validation"]
    assert [Path(name).name for name, part in seen.items() if part == ""] == ["new.wav"]
    for part, kinds in (("trained_on", ("training",)), ("held_out", ("validation", ""))):
        values = [sound["mel"] for sound in report["sounds"] if sound["seen"] in kinds]
        assert report[part]["files"] == len(values)
        assert report[part]["mel"] == pytest.approx(sum(values) / len(values))
        means = report[part]
        assert set(means) > {"distance", "lsd", "buzz", "level", "attack", "level_median", "attack_median"}
    for sound in report["sounds"]:
        decibels = min(sound["level"], 20) + min(sound["attack"], 20)
        assert sound["distance"] == pytest.approx(sound["mel"] + 0.1 * sound["buzz"] + 0.01 * decibels)
        assert sound["level"] == abs(sound["level_signed"]) and sound["attack"] == abs(sound["attack_signed"])
    assert report["quality"] is None, "new.wav is none of the sounds that its scale was measured on"
    assert 0 < report["efficiency"] <= 1
    assert report["kbps"] > 0
    assert report["real_time"] > 0
    assert main([*asked, "--levels", "1"]) == 0
    out = capsys.readouterr().out
    assert "held out: " in out
    assert "\n  buzz " in out and "what is heard" in out
    assert "1 levels" in out
    assert main([*asked[:4], "--home", home]) == 0
    quality = quality_text(quality_of_card(read_card(trained.model)))
    assert re.search(rf"\n  quality    {quality}\n", capsys.readouterr().out), "that of its own held-out sounds"
    assert main(["models", "show", str(trained.model), "--json", "--home", home]) == 0
    assert json.loads(capsys.readouterr().out)["quality"]["text"] == quality
    # of the newest epoch, which need not be the best
    assert main(["status", "--json", "--home", home]) == 0
    assert 0 <= json.loads(capsys.readouterr().out)["quality"]["percent"] <= 100


@pytest.mark.slow
def test_a_model_that_was_exported_does_not_say_what_it_was_trained_on(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, gift = ["--home", str(trained.home.root)], str(tmp_path / "gift.distill")
    assert main(["models", "export", str(trained.model), gift, *home]) == 0
    assert str(trained.sounds).encode() not in Path(gift).read_bytes()
    capsys.readouterr()
    assert main(["models", "evaluate", gift, str(trained.sounds), *home]) == 0
    out = capsys.readouterr().out
    assert "which of these it was trained on is unknown" in out
    assert "all: 5 sounds" in out and "new" not in out and "held out" not in out


def test_every_column_is_defined_in_the_help_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["models", "evaluate", "--help"])
    told = capsys.readouterr().out
    for word in (
        "distance",
        "mel",
        "lsd",
        "buzz",
        "level",
        "attack",
        "stft",
        "SI-SDR",
        "x real time",
        "kbps",
        "carrying",
    ):
        assert f"\n  {word}  " in told
    for source in ("2306.06546", "1910.11480", "1811.02508"):
        assert source in told


def test_a_wrong_request_changes_nothing(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(trained.home.root)
    assert main(["models", "evaluate", "nobody", str(trained.sounds), "--home", home]) == 2
    assert main(["models", "evaluate", str(trained.model), str(trained.sounds / "none"), "--home", home]) == 2
    assert main(["models", "evaluate", str(trained.model), str(trained.sounds), "--levels", "9", "--home", home]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_models_are_put_side_by_side(trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.distill"
    torch.manual_seed(0)
    recipe = with_values(read_recipe(trained.model), {"model.quantizer": "vae"})
    write_model(other, build_net(recipe).state_dict(), Card(recipe=to_dict(recipe), name="other", losses={"val": 0.5}))
    asked = ["models", "compare", str(trained.model), str(other), "--home", str(trained.home.root)]
    assert main(asked) == 0
    out = capsys.readouterr().out
    rows = {line.split("  ")[0]: line.split()[-2:] for line in out.splitlines()[1:]}
    assert rows["model.quantizer"] == ["rvq_ema", "vae"]
    assert rows["bit rate"][1] == "continuous"
    assert rows["val loss"][1] == "0.5000"
    assert "level 1 perplexity" in out
    assert "model.sample_rate" not in out
    assert main([*asked, "--data", str(trained.sounds), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["different"] == ["model.quantizer"]
    ours, its = (model["measured"] for model in told["models"])
    assert [sound["name"] for sound in ours["sounds"]] == [sound["name"] for sound in its["sounds"]]
    assert its["kbps"] == 0
    assert main([*asked, "--data", str(trained.sounds)]) == 0
    out = capsys.readouterr().out
    # what one of them was trained on is not held out, though the other never met it
    held_out = [
        sound["mel"] for sound, same in zip(its["sounds"], ours["sounds"], strict=True) if same["seen"] != "training"
    ]
    row = next(line for line in out.splitlines() if line.startswith(f"mel, {plural(len(held_out), 'sound')} held out"))
    assert float(row.split()[-1]) == pytest.approx(sum(held_out) / len(held_out), abs=1e-3)
    assert main(["models", "compare", "nothing", "--home", str(trained.home.root)]) == 2


def read_recipe(model: Path) -> Recipe:
    return with_values(Recipe(), from_dict(read_card(model).recipe, "the model"))
