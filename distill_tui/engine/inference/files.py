"""Sound files through a model and back, of any length, rate and number of channels, in bounded memory.

A file is resampled to the model's rate as it is read, and back as it is written. What lies between, the codes, is
small: an hour of sound is some hundred thousand of them a level. To reconstruct is `encode_file` followed by
`decode_file`, so that the two ways give the same samples.
"""

import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from distill_tui.data.audio_io import SAMPLE_BYTES, fit_length, resampled, write_wav
from distill_tui.data.sound_file import OpenSound, Samples, UnreadableSoundError, open_sound, to_mono
from distill_tui.engine.device import choose_device
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference.chunks import wave_chunks
from distill_tui.engine.inference.model import Model
from distill_tui.errors import RequestError
from distill_tui.files import atomic_write, printable
from distill_tui.foreign import open_regular
from distill_tui.machine import this_machine
from distill_tui.recipe.schema import Recipe

PIECE_SAMPLES = 1 << 20
"""The distance of longer sounds is the mean over pieces of so many samples, weighted by their lengths."""
CODES_FORMAT = "distill_codes"
MOST_BYTES = 1 << 32
MOST_CHANNELS, MOST_RATE, MOST_LENGTH = 1024, 10_000_000, 1 << 40
"""libsndfile writes no more channels; no sound has such a rate or such a length."""


class Codes(msgspec.Struct, kw_only=True):
    """The codes of a sound, and what it takes to make a file of the same length, rate and channels of them.

    `codes` are whole numbers [channels, frames, levels]; of a model without codebooks latents, float32
    [channels, frames, latent_dim]. `rate` is the model's, `source_rate` the sound's, in Hz;
    `length` is in samples of a channel at the sound's rate. `subtype` is how samples are written: PCM_16, PCM_24 or
    FLOAT. `note` says what was odd about the sound, such as that it breaks off.
    """

    codes: NDArray[np.integer[Any]] | NDArray[np.float32]
    model_id: str
    weights_sha256: str
    rate: int
    source_rate: int
    length: int
    subtype: str = "PCM_16"
    note: str = ""

    def save(self, path: Path) -> None:
        """Write an `.npz` file, atomically. Nothing in it is pickled."""
        facts: dict[str, Any] = {
            name: np.array(getattr(self, name)) for name in self.__struct_fields__ if name != "codes"
        }
        # in memory first, which they fit in: a ZIP file that cannot be written to its end raises what it likes
        packed = io.BytesIO()
        np.savez_compressed(packed, format=np.array(CODES_FORMAT), codes=self.codes, **facts)
        atomic_write(path, packed.getvalue(), shared=True)

    @classmethod
    def load(cls, path: Path) -> "Codes":
        """Read a file that `save` wrote; nothing in it is run.

        Raises:
            RequestError: it is not such a file.
        """
        name = printable(str(path))
        try:
            # opened here: numpy would leave a damaged file open, and a file that is no archive is a pickle to it
            with open_regular(path) as handle, zipfile.ZipFile(handle) as archive, np.load(handle) as file:
                if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                    raise ValueError(f"it claims more than {MOST_BYTES >> 30} GB")
                if str(file["format"]) != CODES_FORMAT:
                    raise ValueError("not codes of distill-tui")
                facts = {f.name: file[f.name].item() for f in msgspec.structs.fields(cls) if f.name != "codes"}
                found = cls(codes=file["codes"], **facts)
        except FileNotFoundError:
            raise RequestError(f"{name}: no such file") from None
        except OSError as error:
            raise RequestError(f"{name}: cannot be read: {(error.strerror or str(error)).lower()}") from None
        except Exception:  # noqa: BLE001 - numpy and zipfile raise whatever a damaged file leads to
            # their words are left out: numpy's may advise to load the file in a way that runs what is in it
            raise RequestError(
                f"{name}: not a file of codes, or a damaged one", "Such files are made by: distill-tui encode"
            ) from None
        found.check(name)
        return found

    def check(self, name: str) -> None:
        """See that the parts go together.

        Raises:
            RequestError: they do not.
        """
        codes = self.codes
        most = (MOST_RATE, MOST_RATE, MOST_LENGTH)
        whole = all(
            type(n) is int and 0 < n <= m for n, m in zip((self.rate, self.source_rate, self.length), most, strict=True)
        )
        texts = all(type(text) is str for text in (self.model_id, self.weights_sha256, self.note))
        numbers = codes.dtype.kind == "i" or (codes.dtype == np.float32 and np.isfinite(codes).all())
        good = whole and texts and numbers and codes.ndim == 3 and 0 not in codes.shape and self.subtype in SAMPLE_BYTES
        if not good or codes.shape[0] > MOST_CHANNELS:
            raise RequestError(f"{name}: not a file of codes: its parts do not go together")


def load_model(path: Path, device: str = "auto") -> Model:
    """The model of a file, on a device: `auto` is the best that can be used.

    Raises:
        RequestError: the file is not a good model, or the device cannot be used.
    """
    recipe = Recipe()
    recipe.train.device = this_machine().best_device if device == "auto" else device
    try:
        chosen = str(choose_device(recipe)[0])
    except RequestError:
        if device != "auto":
            raise
        # unlike a training, a sound does not take hours on a processor
        chosen = "cpu"
    return Model.load(path, chosen)


# ---------------------------------------------------------------- there and back


def encode_file(model: Model, path: Path, levels: int | None = None) -> Codes:
    """The codes of a sound file, by the first `levels` codebooks (all by default).

    Raises:
        UnreadableSoundError: it cannot be read, holds nothing, or samples that are not finite.
    """
    with open_sound(path) as sound:
        blocks = _finite(sound, path)
        codes = torch.cat(list(encode_blocks(model, resampled(blocks, sound.rate, model.rate, least=1), levels)), 1)
        return Codes(
            codes=codes.numpy().astype(_kind(model)),
            model_id=model.card.id,
            weights_sha256=model.card.weights_sha256,
            rate=model.rate,
            source_rate=sound.rate,
            length=sound.frames,
            subtype=_subtype(sound),
            note=sound.cut_off(),
        )


def _kind(model: Model) -> type[np.number[Any]]:
    """What codes are kept as, or latents where there are no codes."""
    if not model.levels:
        return np.float32
    return np.int16 if model.net.bottleneck.size <= 1 << 15 else np.int32


def decode_file(model: Model, codes: Codes, target: Path) -> None:
    """Write the sound of `codes` to a WAV file, atomically.

    Raises:
        RequestError: the codes are another model's.
        DistillError: the file cannot be written.
    """
    check_codes(model, codes)
    channels = codes.codes.shape[0]
    at_model_rate = max(1, round(codes.length * model.rate / codes.source_rate))
    blocks = fit_length(
        decode_codes(model, torch.from_numpy(codes.codes.astype(np.int64 if model.levels else np.float32))),
        at_model_rate,
    )
    # the rounding to the model's rate and back may lose a sample or gain one
    fitted = fit_length(resampled(blocks, model.rate, codes.source_rate, least=1), codes.length)
    write_wav(target, fitted, codes.source_rate, channels, codes.subtype, codes.length, shared=True)


def check_codes(model: Model, codes: Codes) -> None:
    """See that `codes` are of this very model.

    Raises:
        RequestError: they are another's, or are not codes that it has.
    """
    if codes.weights_sha256 != model.card.weights_sha256 or codes.rate != model.rate:
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
def encode_blocks(model: Model, blocks: Iterator[Samples], levels: int | None = None) -> Iterator[torch.Tensor]:
    """Blocks [samples, channels] at the model's rate to codes [channels, some frames, levels].

    The chunks are those of `Model.encode`, however the blocks are cut: the codes are the same.
    """
    for wave, kept in wave_chunks(blocks, model.net.latent_hop, model.context):
        latents = model.net.encode(torch.from_numpy(np.ascontiguousarray(wave.T)).to(model.net.device).float())
        tokens: torch.Tensor = model.net.bottleneck.tokens(latents[:, kept], levels)
        yield tokens.cpu()


def decode_codes(model: Model, codes: torch.Tensor) -> Iterator[Samples]:
    """Codes [channels, frames, levels] to blocks [samples, channels] at the model's rate: those of `Model.decode`."""
    return (np.ascontiguousarray(made.numpy().T) for made in model.decoded(codes))


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


# ---------------------------------------------------------------- how far it is from the original


class Distances(msgspec.Struct, kw_only=True):
    """How far a sound is from its original; channels are mixed to one.

    `mel` and `stft` are those of `losses.SpectralLoss`, as means over `pieces` of PIECE_SAMPLES samples, weighted by
    their lengths. `si_sdr` is the scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, arXiv
    1811.02508); it means nothing for nets that are not asked for the phase, and is None for a silent original.
    """

    mel: float
    stft: float
    si_sdr: float | None
    pieces: int


def distances(original: Path, made: Path) -> Distances:
    """The distances of two files of the same length and rate."""
    with open_sound(original) as first, open_sound(made) as second:
        loss = SpectralLoss(first.rate)
        sums = {"mel": 0.0, "stft": 0.0}
        samples, count = 0, 0
        wanted, got, both = 0.0, 0.0, 0.0
        for a, b in zip(_pieces(first), _pieces(second), strict=False):
            with torch.no_grad():
                found = loss(torch.from_numpy(b)[None], torch.from_numpy(a)[None])
            for key in sums:
                sums[key] += float(found[key]) * len(a)
            x, y = a.astype(np.float64), b.astype(np.float64)
            wanted, got, both = wanted + float(x @ x), got + float(y @ y), both + float(x @ y)
            samples, count = samples + len(a), count + 1
    ratio = None
    if wanted > 0:
        target = both * both / wanted
        ratio = 10 * math.log10(max(target, 1e-12) / max(got - target, 1e-12))
    return Distances(mel=sums["mel"] / samples, stft=sums["stft"] / samples, si_sdr=ratio, pieces=count)


def _pieces(sound: OpenSound) -> Iterator[Samples]:
    """A sound mixed to mono in arrays of PIECE_SAMPLES, the last one shorter."""
    held = np.zeros(0, np.float32)
    for block in sound.blocks():
        held = np.concatenate((held, to_mono(block)))
        while len(held) >= PIECE_SAMPLES:
            yield held[:PIECE_SAMPLES]
            held = held[PIECE_SAMPLES:]
    if len(held):
        yield held
