"""The ends of the scale of quality: measured once a run, before its first step, on held-out sounds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference.evaluate import spectral_distances
from distill_tui.engine.nets import build_net
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.tasks import anchors
from distill_tui.engine.tasks.anchors import mean_spectrum, measure_anchors, steady_hiss
from distill_tui.library.store import Library
from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import sound_quality
from distill_tui.reporting.quality import quality_of, quality_of_card, quality_of_run
from distill_tui.runs import events as e
from distill_tui.runs.quick_state import quick_state
from tests.engine.support import RATE, TINY, events_of, make_run, make_trainer, tones, train_here

FRAMES = {
    "model.sample_rate": RATE,
    "model.hop_length": 64,
    "model.n_fft": 256,
    "model.n_mels": 32,
    "model.stride": 4,
    "model.loudness_scale": 0.5,
}


def a_net(**values: object) -> SoundNet:
    chosen = TINY | FRAMES | {key.replace("__", "."): value for key, value in values.items()}
    net: SoundNet = build_net(with_values(Recipe(), chosen))
    return net.eval()


def plucks(count: int = 4) -> list[np.ndarray]:
    """Decaying tones with noise, half a second each."""
    time, random = np.arange(RATE // 2) / RATE, np.random.default_rng(0)
    return [
        (
            np.exp(-9 * time)
            * (0.5 * np.sin(2 * np.pi * 311 * (1 + n) * time) + 0.1 * random.standard_normal(len(time)))
        ).astype(np.float32)
        for n in range(count)
    ]


@pytest.mark.parametrize(("net", "most"), [("convnext", 0.1), ("conv2d", 0.3)])
def test_analysis_and_synthesis_alone_are_near_and_a_mean_is_far(net: str, most: float) -> None:
    built = a_net(model__net=net, model__n_mels=64)
    state = torch.random.get_rng_state()
    found = measure_anchors(built, SpectralLoss(RATE), plucks(), plucks()[1:])
    floor, ceiling = found.floor["distance"], found.ceiling["distance"]
    assert floor is not None and ceiling is not None
    assert 0 < ceiling < most < 0.4 < floor
    assert sound_quality.words(found.ceiling) == ("" if net == "convnext" else "buzzes"), "Griffin-Lim's phases do"
    assert found.sounds == 3
    worst, best = (quality_of(one, found.floor, found.ceiling) for one in (found.floor, found.ceiling))
    assert worst is not None and best is not None
    assert (worst.percent, worst.grade, best.percent) == (0.0, "rough", 100.0)
    assert best.grade == ("hard to tell apart" if net == "convnext" else "close")
    assert torch.equal(state, torch.random.get_rng_state()), "a training draws the same numbers afterwards"


@torch.no_grad()
def test_the_hiss_has_the_mean_spectrum_and_short_sounds_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    net, waves = a_net(), [torch.from_numpy(wave) for wave in plucks()]
    spectrum = mean_spectrum(net.mel, waves)
    hiss = steady_hiss(spectrum, net, 5 * RATE)
    assert (mean_spectrum(net.mel, [hiss]) - spectrum).abs().mean() < 0.1
    assert len(steady_hiss(spectrum, net, 3)) == 3
    short = waves[0][:20]
    result = net.resynthesise(net.pad_to_frames(short[None]))[0, :20]
    assert float(spectral_distances(SpectralLoss(RATE), short, result)["mel"]) < 0.1
    monkeypatch.setattr(anchors, "FILES", 2)
    assert measure_anchors(net, SpectralLoss(RATE), plucks(1), plucks()).sounds == 2


def test_a_run_measures_once_and_its_model_has_the_quality_of_its_best_epoch(home: Home, tmp_path: Path) -> None:
    run = make_run(home, tones(tmp_path / "sounds"), train__quantizer_warmup_fraction=0.0, train__epochs=2)
    first = make_trainer(home, run)
    first.run(until=2)
    first.save_checkpoint()
    first.log.close()
    assert train_here(home, run) == 0
    (measured,) = events_of(run, e.AnchorsMeasured)
    steps = [event for event in events_of(run, e.Metrics) if event.seq < measured.seq]
    assert not steps, "before the first step"
    details = [event.detail for event in events_of(run, e.StateChanged)]
    assert details.count("measuring both ends of the quality scale") == 1
    state = quick_state(run)
    assert state.anchors == measured
    assert quality_of_run(state) is not None
    (entry,) = Library(home).list()
    assert entry.summary is not None
    assert entry.summary.anchors == {"floor": measured.floor, "ceiling": measured.ceiling}
    assert quality_of_card(entry.summary) is not None
