"""Sound files through a model and back, of any length, rate and number of channels, in bounded memory.

A file is resampled to the model's rate as it is read, and back as it is written. What lies between, the codes, is
small: an hour of sound is some hundred thousand of them a level. To reconstruct is `encode_file` followed by
`decode_file`, so that the two ways give the same samples.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill_tui.data.audio_io import fit_length, resampled, write_sound
from distill_tui.data.sound_file import OpenSound, Samples, UnreadableSoundError, open_sound
from distill_tui.engine.inference.chunks import wave_chunks
from distill_tui.engine.inference.codes_file import Codes
from distill_tui.engine.inference.model import Model
from distill_tui.errors import RequestError
from distill_tui.text import printable


def encode_file(model: Model, path: Path, levels: int | None = None, beam: int = 1) -> Codes:
    """Encode a sound file; `levels` and `beam` are those of `Model.encode`.

    Raises:
        UnreadableSoundError: it cannot be read, holds nothing, or samples that are not finite.
    """
    with open_sound(path) as sound:
        blocks = resampled(_finite(sound, path), sound.rate, model.sample_rate, least=1)
        codes = torch.cat(list(encode_blocks(model, blocks, levels, beam)), 1)
        return Codes(
            codes=codes.numpy().astype(_dtype(model)),
            model_id=model.card.id,
            weights_sha256=model.card.weights_sha256,
            rate=model.sample_rate,
            source_rate=sound.rate,
            length=sound.frames,
            subtype=_subtype(sound),
            note=sound.cut_off(),
        )


def decode_file(model: Model, codes: Codes, target: Path) -> None:
    """Write the sound of `codes` to a WAV file, atomically.

    Raises:
        RequestError: the codes are another model's.
        DistillError: the file cannot be written.
    """
    check_codes(model, codes)
    channels = codes.codes.shape[0]
    at_model_rate = max(1, round(codes.length * model.sample_rate / codes.source_rate))
    blocks = fit_length(
        decode_codes(model, torch.from_numpy(codes.codes.astype(np.int64 if model.levels else np.float32))),
        at_model_rate,
    )
    # the rounding to the model's rate and back may lose a sample or gain one
    fitted = fit_length(resampled(blocks, model.sample_rate, codes.source_rate, least=1), codes.length)
    write_sound(target, fitted, codes.source_rate, channels, codes.subtype, codes.length, shared=True)


def check_codes(model: Model, codes: Codes) -> None:
    """Check that `codes` are of this very model.

    Raises:
        RequestError: they are another's, or are not codes that it has.
    """
    if codes.weights_sha256 != model.card.weights_sha256 or codes.rate != model.sample_rate:
        raise RequestError(
            f"these codes are of model {printable(str(codes.model_id))}, not of '{printable(model.card.name)}'"
            f" ({model.card.id})",
            "Decode them with the model that encoded them.",
        )
    levels, size = codes.codes.shape[2], model.net.bottleneck.size
    if not model.levels:
        if codes.codes.dtype != np.float32 or levels != model.net.recipe.model.latent_dim:
            raise RequestError("these are not latents of this model: the file is damaged")
    elif levels > model.levels or codes.codes.min() < 0 or codes.codes.max() >= size:
        raise RequestError(f"these codes are not of {model.levels} levels of {size} codes: the file is damaged")
    frames = -(-round(codes.length * codes.rate / codes.source_rate) // model.net.latent_hop)
    if codes.codes.shape[1] < frames:
        raise RequestError(f"there are {codes.codes.shape[1]} frames of codes, not {frames}: the file is damaged")


@torch.no_grad()
def encode_blocks(
    model: Model, blocks: Iterator[Samples], levels: int | None = None, beam: int = 1
) -> Iterator[torch.Tensor]:
    """Encode blocks [samples, channels] at the model's rate to codes [channels, some frames, levels].

    The chunks are those of `Model.encode`, however the blocks are cut: the codes are the same.
    """
    for wave, kept in wave_chunks(blocks, model.net.latent_hop, model.context):
        latents = model.net.encode(torch.from_numpy(np.ascontiguousarray(wave.T)).to(model.net.device).float())
        tokens: torch.Tensor = model.net.bottleneck.tokens(latents[:, kept], levels, beam)
        yield tokens.cpu()


def decode_codes(model: Model, codes: torch.Tensor) -> Iterator[Samples]:
    """Decode codes [channels, frames, levels] to blocks [samples, channels] at the model's rate, as `Model.decode`."""
    return (np.ascontiguousarray(block.numpy().T) for block in model.decode_blocks(codes))


def _dtype(model: Model) -> type[np.number[Any]]:
    """The type that codes, or latents where there are no codes, are stored as."""
    if not model.levels:
        return np.float32
    return np.int16 if model.net.bottleneck.size <= 1 << 15 else np.int32


def _finite(sound: OpenSound, path: Path) -> Iterator[Samples]:
    """The blocks of a sound.

    Raises:
        UnreadableSoundError: some sample is not finite, or there is none.
    """
    for block in sound.blocks():
        if not np.isfinite(block).all():
            raise UnreadableSoundError(path, "holds NaN or infinite samples")
        yield block
    if not sound.frames:
        raise UnreadableSoundError(path, sound.broken or "empty (no samples in it)")


def _subtype(sound: OpenSound) -> str:
    if sound.format.endswith("float"):
        return "FLOAT"
    return "PCM_24" if sound.format.endswith(("24 bit", "32 bit")) else "PCM_16"
