"""Source sounds: files that takes are made from, at the model's rate, as its latents."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.data.audio_io import resampled
from distill_tui.data.sound_file import FileHash, UnreadableSoundError, open_sound, to_mono
from distill_tui.engine.generate.codec import Codec
from distill_tui.engine.generate.material import Part
from distill_tui.errors import RequestError
from distill_tui.text import printable

SILENCE = 1e-4
"""The peak below which a sound is silent: -80 dB."""
LEAST_FRAMES = 2
"""Latent frames that a source has at least."""
MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Source:
    """A source sound.

    Attributes:
        wave: float32 [samples], mono, at the model's rate.
        codes: [frames, levels]; zeros fill the last frame.
        latents: float32 [frames, dim], those of the codes.
        content: the hash of the file's bytes.
        name: of the file, fit to be shown.
    """

    wave: Tensor
    codes: Tensor
    latents: Tensor
    content: str
    name: str

    def part(self, codec: Codec) -> Part:
        """The sound as something to mix."""
        return Part.of(codec, self.latents, len(self.wave))


def load_source(codec: Codec, path: str | Path) -> Source:
    """Read a sound of any rate and number of channels.

    Raises:
        RequestError: it cannot be read, is silent, shorter than LEAST_FRAMES or longer than MOST_SECONDS.
    """
    file, name = Path(path), printable(str(path))
    kept: list[NDArray[np.float32]] = []
    content, taken, most = "", 0, round(MOST_SECONDS * codec.rate)
    try:
        with open_sound(file) as sound:
            content = FileHash(sound.handle, file).finish()
            for block in resampled((to_mono(b) for b in sound.blocks()), sound.rate, codec.rate, least=1):
                kept.append(block)
                taken += len(block)
                if taken > most:
                    raise RequestError(f"{name}: longer than {MOST_SECONDS:g} s", "Cut a part out of it.")
    except UnreadableSoundError as error:
        raise RequestError(error.message, error.hint) from None
    wave = torch.from_numpy(np.concatenate(kept) if kept else np.zeros(0, np.float32)).float()
    if not wave.isfinite().all():
        raise RequestError(f"{name}: holds NaN or infinite samples")
    least = LEAST_FRAMES * codec.hop
    if len(wave) < least:
        raise RequestError(
            f"{name}: {len(wave) / codec.rate:.3f} s is too short", f"This model needs {least / codec.rate:.3f} s."
        )
    if float(wave.abs().max()) < SILENCE:
        raise RequestError(f"{name}: is silent (below -80 dB)")
    codes = codec.encode(wave)
    return Source(wave, codes, codec.latents(codes), content, name)


def seeded(*numbers: int) -> np.random.Generator:
    """Random numbers that follow from `numbers` alone."""
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
