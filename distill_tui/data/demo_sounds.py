"""Synthesised sounds of the demo: short, varied and musical, from sines and noise; the same for the same seed."""

import io
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distill_tui.files import atomic_write

RATE = 22050
PEAK = 0.8
Signal = NDArray[np.float64]
Random = np.random.Generator
NOTES = (110.0, 130.8, 146.8, 164.8, 196.0, 220.0, 261.6, 293.7, 329.6, 392.0)
"""A pentatonic scale on A and C, in Hz: any of its notes sound well together."""


def write_demo_sounds(folder: Path, seed: int = 0, count: int = 24) -> list[Path]:
    """Write `count` sounds into sub-folders of `folder`, one for each kind, and return their paths.

    They are WAV files, 16 bit, mono, 22.05 kHz, 0.3 to 1.2 s long (24 of them are about 15 s), with a peak of 0.8 and
    a clean end. Files that are there already with the same bytes are left alone.

    Raises:
        DistillError: the folder cannot be written.
    """
    paths = []
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        # a stream of its own for each sound: one more of them changes none of the others
        random = np.random.default_rng([seed, number])
        content = _wav(_finish(KINDS[kind](random)))
        path = folder / (kind + ("es" if kind.endswith("s") else "s")) / f"{kind}-{number // len(KINDS) + 1:02d}.wav"
        if not (path.is_file() and path.read_bytes() == content):
            atomic_write(path, content)
        paths.append(path)
    return paths


def _time(random: Random, shortest: float, longest: float) -> Signal:
    """Seconds from 0 to a length in this range."""
    return np.arange(int(random.uniform(shortest, longest) * RATE)) / RATE


def _decay(time: Signal, half_life: float) -> Signal:
    return np.asarray(0.5 ** (time / half_life))


def _noise(random: Random, length: int, low: float, high: float) -> Signal:
    """White noise between two frequencies in Hz."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    frequency = np.fft.rfftfreq(length, 1 / RATE)
    spectrum[(frequency < low) | (frequency > high)] = 0
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / np.abs(noise).max())


def _kick(random: Random) -> Signal:
    time = _time(random, 0.35, 0.5)
    low, drop = random.uniform(42, 60), random.uniform(120, 260)
    pitch = low + drop * _decay(time, 0.018)
    body = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * _decay(time, random.uniform(0.05, 0.09))
    click = _noise(random, len(time), 1500, 8000) * _decay(time, 0.003)
    return np.asarray(np.tanh(1.8 * body) + 0.25 * click)


def _snare(random: Random) -> Signal:
    time = _time(random, 0.3, 0.45)
    tone = random.uniform(170, 230)
    body = sum(np.sin(2 * np.pi * tone * ratio * time) / ratio for ratio in (1.0, 1.59, 2.14))
    wires = _noise(random, len(time), random.uniform(900, 1800), 10000)
    return np.asarray(0.6 * body * _decay(time, 0.03) + wires * _decay(time, random.uniform(0.04, 0.08)))


def _hat(random: Random) -> Signal:
    is_open = random.random() < 0.5
    time = _time(random, *((0.5, 0.7) if is_open else (0.3, 0.35)))
    base = random.uniform(380, 460)
    metal = sum(np.sign(np.sin(2 * np.pi * base * ratio * time)) for ratio in (2.0, 3.0, 4.16, 5.43, 6.79, 8.21))
    hiss = _noise(random, len(time), 5500, 10800)
    # the metal's low part is what a real hi-hat has not: its difference from sample to sample has less of it
    ring = np.diff(metal, n=2, prepend=[0.0, 0.0]) / 12
    return np.asarray((hiss + 0.4 * ring) * _decay(time, 0.09 if is_open else 0.02))


def _pluck(random: Random) -> Signal:
    """A plucked string by Karplus and Strong: a burst of noise in a loop that loses its highs."""
    time = _time(random, 0.6, 1.0)
    period = round(RATE / (random.choice(NOTES) * random.choice([1, 2])))
    loop = _noise(random, period, 0, random.uniform(3000, 8000))
    loss = random.uniform(0.990, 0.997)
    turns = []
    for _ in range(len(time) // period + 1):
        turns.append(loop)
        loop = loss * 0.5 * (loop + np.roll(loop, 1))
    return np.asarray(np.concatenate(turns)[: len(time)] * _decay(time, 0.35))


def _bell(random: Random) -> Signal:
    """Two-operator frequency modulation at a ratio that is no harmony."""
    time = _time(random, 0.8, 1.2)
    carrier = random.choice(NOTES) * 2
    modulator = carrier * random.choice([1.4, 1.73, 2.41, 3.14])
    index = random.uniform(1.5, 4.0) * _decay(time, 0.18)
    return np.asarray(
        np.sin(2 * np.pi * carrier * time + index * np.sin(2 * np.pi * modulator * time)) * _decay(time, 0.22)
    )


def _bass(random: Random) -> Signal:
    """A saw of a few harmonics, the high ones dying first."""
    time = _time(random, 0.5, 0.8)
    note = random.choice(NOTES[:6]) / 2
    brightness = random.uniform(0.06, 0.15)
    partials = (np.sin(2 * np.pi * note * n * time) / n * _decay(time, 2.5 * brightness / n**0.5) for n in range(1, 13))
    return np.asarray(np.tanh(1.2 * sum(partials)))


def _sweep(random: Random) -> Signal:
    """Noise through a band that glides up or down."""
    time = _time(random, 0.5, 0.8)
    start, end = sorted(random.uniform((300, 2500), (900, 8000)), reverse=bool(random.random() < 0.5))
    centre = start * (end / start) ** (time / time[-1])
    # noise that is slow to change, moved up to the centre: a band of it, 2 x 150 Hz wide
    slow = _noise(random, len(time), 0, 150) + 1j * _noise(random, len(time), 0, 150)
    glide = np.real(slow * np.exp(2j * np.pi * np.cumsum(centre) / RATE))
    return np.asarray(glide * np.abs(np.sin(np.pi * time / time[-1])) ** 0.7)


KINDS: dict[str, Callable[[Random], Signal]] = {
    "kick": _kick,
    "snare": _snare,
    "hat": _hat,
    "pluck": _pluck,
    "bell": _bell,
    "bass": _bass,
    "sweep": _sweep,
}


def _finish(sound: Signal) -> Signal:
    """Without an offset, faded in over 0.5 ms and out over 30 ms, at the common peak."""
    sound = sound - sound.mean()
    rise, fall = int(0.0005 * RATE), int(0.03 * RATE)
    sound[:rise] *= np.linspace(0, 1, rise)
    sound[-fall:] *= np.linspace(1, 0, fall) ** 2
    return np.asarray(PEAK * sound / np.abs(sound).max())


def _wav(sound: Signal) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(np.round(sound * 32767).astype("<i2").tobytes())
    return file.getvalue()
