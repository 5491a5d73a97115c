"""Mel filters and Griffin-Lim are torchaudio's bit for bit, so that it does not matter which of the two runs."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from distill_tui.engine.dsp import mel

needs_torchaudio = pytest.mark.skipif(mel.torchaudio is None, reason="torchaudio cannot be imported beside this torch")


@needs_torchaudio
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
@pytest.mark.parametrize("window", [64, 150, 512, 1024, 2048, 4096])
@pytest.mark.parametrize("mels", [4, 40, 80, 128, 256])
def test_filters_are_those_of_torchaudio(rate: int, window: int, mels: int) -> None:
    bins = window // 2 + 1
    assert torch.equal(mel.own_mel_filters(bins, mels, rate), mel.mel_filters(bins, mels, rate))


@needs_torchaudio
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("window", "hop", "frames"), [(256, 64, 40), (1024, 256, 9), (512, 150, 30), (64, 32, 5)])
def test_griffin_lim_is_that_of_torchaudio(window: int, hop: int, frames: int, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    magnitudes = torch.rand(2, window // 2 + 1, frames, dtype=dtype) ** 4
    # silence, where there is no phase
    magnitudes[1, :, 2:4] = 0
    hann = torch.hann_window(window, dtype=dtype)
    for iterations, momentum in ((0, 0.99), (1, 0.99), (32, 0.99), (8, 0.0)):
        ours = mel.own_griffin_lim(magnitudes, hann, hop, iterations, momentum)
        theirs = mel.griffin_lim(magnitudes, hann, hop, iterations, momentum)
        assert torch.equal(ours, theirs)


RENDERS = """
import hashlib, torch
from distill_tui.engine.dsp import mel
from distill_tui.engine.nets import build_net
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
torch.set_num_threads(1)
torch.manual_seed(3)
values = {"model.net": "conv2d", "model.sample_rate": 8000, "model.n_fft": 256, "model.hop_length": 64,
          "model.stride": 16, "model.n_mels": 32, "model.channels": 8, "model.latent_dim": 4, "model.quantizer": "vae"}
net = build_net(with_values(Recipe(), values)).eval()
with torch.no_grad():
    wave = net.render(net.features(torch.rand(1, 4096) - 0.5))
print(mel.torchaudio is None, hashlib.sha256(wave.numpy().tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_a_net_runs_the_same_where_torchaudio_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "torchaudio.py").write_text("raise OSError('libcudart.so.13: cannot open shared object file')")

    def rendered(**more: str) -> list[str]:
        found = {**os.environ, **more}
        command = [sys.executable, "-c", RENDERS]
        return subprocess.run(
            command, env=found, capture_output=True, text=True, timeout=200, check=True
        ).stdout.split()

    without, wave = rendered(PYTHONPATH=str(tmp_path))
    assert without == "True"
    assert wave == rendered()[1]


@pytest.mark.parametrize("error", [ImportError("none"), OSError("undefined symbol"), RuntimeError("another CUDA")])
def test_whatever_torchaudio_raises_it_is_done_without(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise error

    monkeypatch.setattr(importlib, "import_module", broken)
    assert mel._import_torchaudio() is None
