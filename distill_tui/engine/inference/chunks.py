"""Overlapping chunks of latent frames of a long sound, so that no border can be heard: the one overlap iterator."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CHUNK_FRAMES = 512
"""Latent frames of a chunk, without its context."""


class Chunk(NamedTuple):
    """Frames `first` to `last` go through the net together; `kept`, counted from `first`, are the result."""

    first: int
    last: int
    kept: slice

    def samples(self, latent_hop: int) -> slice:
        """`kept` in samples, counted from the first one of frame `first`."""
        return slice(self.kept.start * latent_hop, self.kept.stop * latent_hop)


def chunk_at(start: int, frames: int, context: int) -> Chunk:
    """The chunk of a sound of `frames` frames whose result starts at frame `start`, with `context` to each side."""
    first = max(0, start - context)
    return Chunk(first, min(frames, start + CHUNK_FRAMES + context), slice(start - first, start - first + CHUNK_FRAMES))


def chunks(frames: int, context: int) -> Iterator[Chunk]:
    """All chunks of a sound of `frames` latent frames."""
    return (chunk_at(start, frames, context) for start in range(0, frames, CHUNK_FRAMES))


def wave_chunks(
    blocks: Iterable[NDArray[np.float32]], latent_hop: int, context: int
) -> Iterator[tuple[NDArray[np.float32], slice]]:
    """The chunks of a sound that comes in blocks, as waves [samples, channels], and which of their frames are kept.

    They are those of `chunks`, however the blocks are cut; zeros fill the last frame.
    """
    held: list[NDArray[np.float32]] = []
    base = start = there = 0  # in samples, frames, samples

    def cut(end: int) -> tuple[NDArray[np.float32], slice]:
        chunk = chunk_at(start, end, context)
        return held[0][chunk.first * latent_hop - base : chunk.last * latent_hop - base], chunk.kept

    for block in blocks:
        held.append(block)
        there += len(block)
        while there >= (end := start + CHUNK_FRAMES + context) * latent_hop:
            held = [np.concatenate(held)]
            yield cut(end)
            start += CHUNK_FRAMES
            spent = max(0, start - context) * latent_hop
            held, base = [held[0][spent - base :]], spent
    if not there:
        return
    held.append(np.zeros((-there % latent_hop, held[0].shape[1]), np.float32))
    held = [np.concatenate(held)]
    frames = -(-there // latent_hop)
    while start < frames:
        yield cut(frames)
        start += CHUNK_FRAMES
