"""Long sounds in chunks of latent frames, each with what lies around it, so that no border is to be heard."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CHUNK_FRAMES = 512
"""Latent frames that go through the net at a time."""


class Chunk(NamedTuple):
    """Frames `first` to `last` go through the net together; of these, `kept` (counted from `first`) are its result."""

    first: int
    last: int
    kept: slice

    def samples(self, hop: int) -> slice:
        """What `kept` is in samples, counted from the first one of frame `first`."""
        return slice(self.kept.start * hop, self.kept.stop * hop)


def chunk_at(start: int, frames: int, context: int) -> Chunk:
    """The chunk whose result begins with frame `start`, of so many, with `context` frames to each side."""
    first = max(0, start - context)
    return Chunk(first, min(frames, start + CHUNK_FRAMES + context), slice(start - first, start - first + CHUNK_FRAMES))


def chunks(frames: int, context: int) -> Iterator[Chunk]:
    """The chunks of so many frames, from the first to the last."""
    return (chunk_at(start, frames, context) for start in range(0, frames, CHUNK_FRAMES))


def wave_chunks(
    blocks: Iterable[NDArray[np.float32]], hop: int, context: int
) -> Iterator[tuple[NDArray[np.float32], slice]]:
    """The waves [samples, channels] of the chunks of a sound in blocks, and which of their frames are kept.

    They are those that `chunks` cuts, however the blocks are cut; zeros fill the last frame.
    """
    held: list[NDArray[np.float32]] = []
    base = start = there = 0  # in samples, frames, samples

    def cut(end: int) -> tuple[NDArray[np.float32], slice]:
        chunk = chunk_at(start, end, context)
        return held[0][chunk.first * hop - base : chunk.last * hop - base], chunk.kept

    for block in blocks:
        held.append(block)
        there += len(block)
        while there >= (end := start + CHUNK_FRAMES + context) * hop:
            held = [np.concatenate(held)]
            yield cut(end)
            start += CHUNK_FRAMES
            spent = max(0, start - context) * hop
            held, base = [held[0][spent - base :]], spent
    if not there:
        return
    held.append(np.zeros((-there % hop, held[0].shape[1]), np.float32))
    held = [np.concatenate(held)]
    frames = -(-there // hop)
    while start < frames:
        yield cut(frames)
        start += CHUNK_FRAMES
