"""What earlier versions wrote is opened, resumed from, and means what it meant."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from distill_tui.data.corpus import Corpus
from distill_tui.data.images.dataset import Pictures
from distill_tui.data.manifest import HASH
from distill_tui.engine.inference.codes_file import Codes
from distill_tui.engine.inference.files import decode_file, encode_file
from distill_tui.engine.inference.model import Model, load_net
from distill_tui.library.container import read_card
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.runs import events as e
from distill_tui.runs.codebook_map import read_map
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.log import read_events
from distill_tui.runs.state import RunState
from tests.engine.support import tones, train_here

FORMATS = sorted(path for path in Path(__file__).parent.iterdir() if path.name.startswith("0."))
WRITTEN_AT = "/home/user/sounds/tones"
"""Where the sounds of the runs lay."""
MODELS = [(path, model.stem) for path in FORMATS for model in sorted((path / "models").glob("*.distill"))]
FIRST = FORMATS[0]
OWN_CODEBOOKS = "0.1.0-2026-11-27b"
"""The first format whose codebooks are our own. The library's let gradients through in another way: training that goes
on from them comes near to where it would have come, and not to the very weights."""


def laid_out(folder: Path, home: Home) -> Path:
    """One format's folder as this test's home, which may be changed."""
    shutil.copytree(folder / "models", home.models)
    shutil.copytree(folder / "runs", home.runs)
    return folder


@pytest.fixture(params=FORMATS, ids=lambda path: path.name)
def old(request: pytest.FixtureRequest, home: Home) -> Path:
    return laid_out(Path(request.param), home)


def run_of(home: Home, name: str) -> RunFolder:
    (path,) = home.runs.glob(f"*-{name}")
    return RunFolder(path)


def test_the_library_lists_and_verifies_every_model(old: Path, home: Home) -> None:
    library = Library(home)
    names = {model for folder, model in MODELS if folder == old}
    assert {entry.name for entry in library.list() if not entry.error} == names
    for name in names:
        assert library.verify(name).weights_sha256


@pytest.mark.parametrize(("folder", "name"), MODELS, ids=lambda value: getattr(value, "name", value))
def test_a_model_loads_and_its_card_says_what_it_is(folder: Path, name: str) -> None:
    path = folder / "models" / f"{name}.distill"
    card = read_card(path)
    assert (card.name, card.epoch > 0, bool(card.recipe)) == (name, True, True)
    net, _ = load_net(path)
    assert sum(p.numel() for p in net.parameters()) == card.parameters
    # the first ones' health is of held-out sound
    assert bool(card.health_window) == (folder != FIRST)


@pytest.mark.slow
def test_codes_mean_the_same_sound(old: Path, home: Home, tmp_path: Path) -> None:
    sound = tones(tmp_path / "tones") / "tone-0.wav"
    model = Model.load(home.models / "ema.distill", "cpu")
    codes = Codes.load(old / "tone-0.codes")
    again = encode_file(model, sound)
    assert again.codes.shape == codes.codes.shape
    # on another processor a latent that lies between two codes may fall to the other
    assert np.mean(again.codes == codes.codes) > 0.9
    decode_file(model, codes, tmp_path / "made.wav")
    assert (tmp_path / "made.wav").stat().st_size == sound.stat().st_size


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_to_what_it_would_have_been(old: Path, home: Home, tmp_path: Path) -> None:
    run, sounds = run_of(home, "killed"), tones(tmp_path / "tones")
    Corpus.load(run.sounds)
    manifest = msgspec.json.decode(run.sounds.read_bytes().replace(WRITTEN_AT.encode(), str(sounds).encode()))
    # of the file as it was written; one without is read as well
    manifest.pop(HASH, None)
    run.sounds.write_bytes(msgspec.json.encode(manifest))
    run.recipe.write_text(run.recipe.read_text().replace(WRITTEN_AT, str(sounds)))
    assert train_here(home, run) == 0
    state = RunState().apply_all(read_events(run.events))
    assert state.state == "finished"
    assert state.model is not None
    ours, _ = load_net(Path(state.model.path))
    theirs, _ = load_net(home.models / "whole.distill")
    if old.name >= OWN_CODEBOOKS:
        for (name, one), two in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
            assert torch.allclose(one, two, rtol=1e-2, atol=1e-3), name
    whole = RunState().apply_all(read_events(run_of(home, "whole").events))
    assert state.series["loss/val"].values[-1] == pytest.approx(whole.series["loss/val"].values[-1], rel=0.1)
    steps = list(state.series["loss/val"].steps)
    assert steps == sorted(set(steps))


def test_a_log_folds_into_the_state_that_it_told(old: Path, home: Home) -> None:
    run = run_of(home, "whole")
    state = RunState().apply_all(read_events(run.events))
    assert (state.state, state.epoch, state.step) == ("finished", 6, 24)
    assert [level.utilization is not None for level in state.health] == [True, True]
    # by an event, or in the first logs by the distance: it is the epoch whose weights became the model
    card = read_card(home.models / "whole.distill")
    assert state.best is not None
    assert (state.best.epoch, state.best.step) == (card.epoch, card.step)
    assert toml.load(run.recipe).train.epochs == 6
    knobs = [event for event in read_events(run.events) if isinstance(event, e.SettingChanged)]
    assert [(knob.key, knob.new) for knob in knobs] == [("loss.commitment_weight", 0.5)]


def test_a_run_of_pictures_is_shown_with_its_map(home: Home) -> None:
    laid_out(FIRST, home)
    run = run_of(home, "images")
    assert Pictures.load(run.pictures).training == 300
    found = read_map(run.map)
    assert found is not None
    assert len(found.levels) == 2
    assert RunState().apply_all(read_events(run.events)).state == "finished"
    assert msgspec.json.decode(run.pictures.read_bytes())
