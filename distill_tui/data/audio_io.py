"""Blocks of samples: resampling, and writing sound files atomically."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from distill_tui.errors import DistillError
from distill_tui.files import atomic_write
from distill_tui.text import printable

LARGEST_WAV = (1 << 32) - (1 << 16)
"""Bytes; a larger file is written as RF64, which is WAV with longer numbers."""
SAMPLE_BYTES = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}


def pcm16(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples in -1..1 as whole numbers of 16 bits; libsndfile rounds in one way for WAV and in another for FLAC."""
    return np.rint(samples.astype(np.float64) * 32768).clip(-32768, 32767).astype(np.int16)


def wav16(samples: NDArray[np.floating], rate: int) -> bytes:
    """Samples [frames] or [frames, channels] in -1..1 as a WAV file of 16 bits, its length in its header."""
    return _wav(pcm16(samples), rate)


def as_wav(content: bytes) -> bytes:
    """A sound file of 16 bits as WAV; one that is WAV stays as it is."""
    if content[:4] == b"RIFF":
        return content
    return _wav(*soundfile.read(io.BytesIO(content), dtype="int16"))


def _wav(samples: NDArray[np.int16], rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, "PCM_16", format="WAV")
    return buffer.getvalue()


def resampled(
    blocks: Iterator[NDArray[np.float32]], rate: int, wanted: int, least: int = 0
) -> Iterator[NDArray[np.float32]]:
    """Blocks [frames] or [frames, channels] at one rate as blocks at another, in Hz.

    n frames become round(n * wanted / rate), but no fewer than `least`: of 2 frames at 192 kHz nothing is left at 8.
    """
    if rate == wanted:
        yield from blocks
        return
    stream, shape, taken, given = None, (), 0, 0
    for block in blocks:
        if stream is None:
            shape = block.shape[1:]
            stream = soxr.ResampleStream(rate, wanted, *(shape or (1,)), dtype="float32", quality="HQ")
        out = stream.resample_chunk(np.ascontiguousarray(block)).reshape(-1, *shape)
        taken, given = taken + len(block), given + len(out)
        yield out
    if stream is None:
        return
    rest = stream.resample_chunk(np.zeros((0, *shape), np.float32), last=True).reshape(-1, *shape)
    if not given + len(rest):
        rest = np.zeros((least, *shape), np.float32)
    # the resampler rounds every half up and `round` to even, so that there may be a frame too many, and never too few
    yield from fit_length(iter([rest]), max(least, round(taken * wanted / rate)) - given)


def fit_length(blocks: Iterator[NDArray[np.float32]], length: int) -> Iterator[NDArray[np.float32]]:
    """The first `length` frames; if there are fewer, the last one is held."""
    last: NDArray[np.float32] | None = None
    for block in blocks:
        if length <= 0:
            return
        if len(block):
            last = block[:length]
            length -= len(last)
            yield last
    if length > 0 and last is not None:
        yield np.repeat(last[-1:], length, 0)


def write_sound(
    path: Path,
    blocks: Iterable[NDArray[np.float32]],
    rate: int,
    channels: int = 1,
    subtype: str = "PCM_16",
    frames: int = 0,
    shared: bool = False,
) -> None:
    """Write blocks [samples] or [samples, channels] in -1..1 as a WAV file, atomically; FLAC if it is called *.flac.

    Args:
        subtype: one of SAMPLE_BYTES; whole numbers clip what is outside. FLAC has no floating point: 24 bits instead.
        frames: how many there will be, where they may be more than a WAV file can hold.
        shared: as for `atomic_write`.

    Raises:
        DistillError: the disk is full, the folder cannot be written, or the format cannot hold such a sound.
    """
    large = frames * channels * SAMPLE_BYTES[subtype] >= LARGEST_WAV
    is_flac = path.suffix.lower() == ".flac"
    kind = "FLAC" if is_flac else "RF64" if large else "WAV"
    if is_flac and subtype == "FLOAT":
        subtype = "PCM_24"

    def write(file: IO[bytes]) -> None:
        sink = _Sink(file)
        with soundfile.SoundFile(sink, "w", rate, channels, subtype, format=kind) as sound:
            for block in blocks:
                sound.write(block)
                sink.check()
        sink.check()

    try:
        atomic_write(path, write, shared=shared)
    except (soundfile.SoundFileError, OverflowError) as error:
        # libsndfile names the object that it was to write to as well
        why = str(error).rpartition(": ")[2].rstrip(".")
        raise DistillError(
            f"cannot write {printable(str(path))}: no {kind} file of {channels} channels at {rate} Hz: {why}"
        ) from error


class _Sink:
    """A file for libsndfile, whose callbacks cannot raise: the first OSError is kept for `check`, and the rest lost."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the error that there was."""
        if self._error is not None:
            raise self._error

    def write(self, data: bytes) -> int:
        try:
            if self._error is None:
                self._file.write(data)
        except OSError as error:
            self._error = error
        # so that libsndfile goes on, and does not complain of a file that is too short
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            self._error = self._error or error
            return 0

    def tell(self) -> int:
        return self._file.tell()
