"""Sounds on their way, as latents."""

from dataclasses import dataclass

from torch import Tensor

from distill_tui.engine.generate.codec import Codec


@dataclass(frozen=True)
class Material:
    """A sound on its way: latents [frames, dim] and its samples, at most frames x hop."""

    latents: Tensor
    samples: int


@dataclass(frozen=True)
class Part:
    """A sound that is mixed: latents [frames, dim], the frame of its peak, its samples."""

    latents: Tensor
    peak: int
    samples: int

    @classmethod
    def of(cls, codec: Codec, latents: Tensor, samples: int) -> "Part":
        return cls(latents, int(codec.loudness(latents).argmax()), samples)
