"""Sound as int16 with a scale for each block of samples, and a hash of each block.

A block of 16-bit samples that was neither mixed nor resampled is kept as it is. Any other is scaled so that its largest
sample is 32767 (block floating point, Oppenheim 1970): the error of rounding is at most 1/65534 of that sample, a noise
101 dB below the peak of the third of a second around it, in a fade-out as well.
"""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from distill_tui.data.packs import BLOCK
from distill_tui.data.sound_file import Samples

Integers = NDArray[np.int16]
TRAILER = np.dtype([("scale", "<f4"), ("hash", "V8")])
"""A block's row of ROW_BYTES in the table behind the samples. Its hash is against accidents, which pass one time in
10^19."""
UNIT = np.float32(1 / 32768)
LARGEST = 32767


def quantize(block: Samples) -> tuple[Integers, np.float32]:
    """A block as integers and their scale."""
    exact = block / UNIT
    integers = np.rint(exact)
    if np.array_equal(exact, integers) and integers.max() <= LARGEST and integers.min() >= -LARGEST - 1:
        return integers.astype("<i2"), UNIT
    scale = np.float32(np.abs(block).max() / LARGEST)
    if not scale:  # samples of 1e-41 and less
        return np.zeros(len(block), "<i2"), UNIT
    return np.rint(block / scale).astype("<i2"), scale


def restore(integers: Integers, scales: NDArray[np.float32], first: int) -> Samples:
    """Samples of integers from sample `first` of a sound on; `scales` are those of the blocks that they lie in."""
    samples = integers.astype(np.float32)
    border, start = BLOCK - first % BLOCK, 0
    for scale in scales:
        samples[start:border] *= scale
        start, border = border, border + BLOCK
    return samples


def digest(block: Integers, scale: np.float32, key: bytes, number: int) -> bytes:
    """The hash of a block: its integers, their scale, and where they belong."""
    hasher = hashlib.blake2b(block.data, digest_size=8, key=key, salt=number.to_bytes(16, "little"))
    hasher.update(np.float32(scale).tobytes())
    return hasher.digest()


def in_blocks(pieces: Iterable[Samples]) -> Iterator[Samples]:
    """The same samples in arrays of BLOCK, the last one shorter."""
    rest = np.zeros(0, np.float32)
    for piece in pieces:
        rest = np.concatenate((rest, piece)) if len(rest) else piece
        whole = len(rest) // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            yield rest[start : start + BLOCK]
        rest = rest[whole:]
    if len(rest):
        yield rest
