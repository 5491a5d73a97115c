"""The percentages of quality that familiar degradations of sounds get: what the grades of `reporting.quality` rest on.

    python -m tests.benchmarks.quality FOLDER [--model MODEL.distill]

Every fifth file by path is held out, and the scale is that of a run of the balanced preset. Each sound is low-passed,
made quieter, mixed with noise, coded by Opus, Vorbis, MP3 and mu-law (at the bit rate that it got), given random
phases, or, with --model, put through that codec.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from distill_tui.engine.dsp.hearing import hear
from distill_tui.engine.dsp.stft import stft, synthesise
from distill_tui.engine.inference.evaluate import heard_distances, spectral_distances
from distill_tui.engine.inference.model import load_net
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.tasks.anchors import as_numbers
from distill_tui.engine.tasks.codec import CodecTask
from distill_tui.paths import Home
from distill_tui.reporting import sound_quality
from distill_tui.reporting.quality import quality_of, quality_text
from tests.benchmarks.sound import make_trainer

Change = Callable[[Tensor], Tensor]
CODED = (("OPUS", 48_000, (0.5, 0.9, 1.0)), ("VORBIS", 0, (0.0, 0.5, 1.0)), ("MPEG_LAYER_III", 0, (0.0, 0.5, 0.9)))
"""Format, the rate that it wants (0: any), and soundfile's compression levels."""


@torch.no_grad()
def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        settings = argparse.Namespace(seed=0, steps=60, set=[])
        trainer = make_trainer(Home(Path(folder) / "home"), options.data, settings)
        task, net = trainer.task, trainer.ema_net
        assert isinstance(task, CodecTask)
        ends = task.measure_anchors(net)
        print(f"0 % {ends.floor['distance']:.3f}, 100 % {ends.ceiling['distance']:.3f}, {ends.sounds} sounds")
        changes = degradations(task.sample_rate, net)
        if options.model:
            codec, _ = load_net(options.model)
            changes[options.model.stem] = lambda x: codec(codec.pad_to_frames(x[None]))[0][0, : len(x)]
        for name, change in changes.items():
            sounds = [torch.from_numpy(np.array(wave)).float() for wave in task.validated["validation"]]
            rows = [distances(task, sound, change(sound)) for sound in sounds]
            quality = quality_of(sound_quality.summary(as_numbers(rows)), ends.floor, ends.ceiling)
            print(f"{name:24} {quality.grade if quality else '':20} {quality_text(quality)}", flush=True)


def distances(task: CodecTask, sound: Tensor, other: Tensor) -> dict[str, Tensor]:
    values = spectral_distances(task.spectral, sound, other, with_stft=False)
    return values | heard_distances(other, task.sample_rate, hear(sound, task.sample_rate))


def degradations(rate: int, net: SoundNet) -> dict[str, Change]:
    """Functions of a sound at `rate` Hz by name."""
    found: dict[str, Change] = {}
    for cut in (2000, 4000, 8000, 12_000, 16_000):
        if cut < 0.49 * rate:
            found[f"low-pass at {cut} Hz"] = partial(low_pass, cut / rate)
    for decibels in (-3, -6, -12):
        found[f"{decibels} dB"] = partial(torch.mul, torch.tensor(10 ** (decibels / 20)))
    for ratio in (30, 20, 10):
        found[f"noise {ratio} dB below"] = partial(noisy, ratio)
    found["random phases"] = partial(random_phases, net)
    found["mu-law"] = partial(coded, rate, "ULAW", 0, None)
    for kind, needed, levels in CODED:
        for level in levels:
            name = f"{kind} {soundfile_kbps(rate, kind, needed, level):.0f} kbps"
            found[name] = partial(coded, rate, kind, needed, level)
    return found


def low_pass(share: float, sound: Tensor) -> Tensor:
    spectrum = torch.fft.rfft(sound)
    spectrum[int(share * len(sound)) :] = 0
    passed: Tensor = torch.fft.irfft(spectrum, len(sound))
    return passed


def noisy(ratio: float, sound: Tensor) -> Tensor:
    noise = torch.randn(len(sound), generator=torch.Generator().manual_seed(1))
    return sound + noise * sound.square().mean().sqrt() * 10 ** (-ratio / 20)


def random_phases(net: SoundNet, sound: Tensor) -> Tensor:
    padded = net.pad_to_frames(sound[None])
    magnitude = stft(padded, net.window, net.hop_length)[:, :-1].square().sum(-1).sqrt()
    phase = 2 * torch.pi * torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(0))
    log = magnitude.clamp(min=1e-7).log()
    return synthesise(log, phase, net.window, net.hop_length, padded.shape[1])[0, : len(sound)]


def coded(rate: int, kind: str, needed: int, level: float | None, sound: Tensor) -> Tensor:
    """A sound through a file format, resampled for it if it wants another rate."""
    file, target = _file(sound.numpy(), rate, kind, needed, level)
    back = soundfile.read(file, dtype="float32")[0]
    back = soxr.resample(back, target, rate) if target != rate else back
    return torch.from_numpy(np.pad(back, (0, max(0, len(sound) - len(back))))[: len(sound)].copy())


def soundfile_kbps(rate: int, kind: str, needed: int, level: float) -> float:
    """The bit rate that ten seconds of noise take."""
    noise = np.random.default_rng(0).standard_normal(10 * rate).astype(np.float32) * 0.1
    return 8 * len(_file(noise, rate, kind, needed, level)[0].getvalue()) / 10_000


def _file(samples: np.ndarray, rate: int, kind: str, needed: int, level: float | None) -> tuple[io.BytesIO, int]:
    """A file in memory at its beginning, and its rate."""
    target = needed or rate
    samples = soxr.resample(samples, rate, target) if target != rate else samples
    file = io.BytesIO()
    container = {"ULAW": "WAV", "MPEG_LAYER_III": "MP3"}.get(kind, "OGG")
    more = {} if level is None else {"compression_level": level}
    soundfile.write(file, samples, target, format=container, subtype=kind, **more)
    file.seek(0)
    return file, target


if __name__ == "__main__":
    main(sys.argv[1:])
