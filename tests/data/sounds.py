"""Sounds for tests, made on the spot."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray


def sine(seconds: float = 0.5, rate: int = 16000, hertz: float = 440.0, peak: float = 0.5) -> NDArray[np.float64]:
    """A sine, [samples]."""
    return peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def write(path: Path, samples: NDArray[Any] | None = None, rate: int = 16000, **how: str) -> Path:
    """A sound file, with its folder; without samples a sine whose pitch follows from the name, so that all differ."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if samples is None:
        samples = sine(rate=rate, hertz=200 + sum(path.name.encode(errors="replace")) % 1500)
    with path.open("wb") as file:
        how.setdefault("format", path.suffix.lstrip(".").upper().replace("AIF", "AIFF").replace("AIFFF", "AIFF"))
        soundfile.write(file, samples, rate, **how)
    return path
