"""The kinds of quantizer, and what follows from each for the recipe, the screens and the size of a net."""

from dataclasses import dataclass
from typing import Literal

QuantizerName = Literal["rvq_ema", "rvq_gradient", "residual_vq", "residual_fsq", "vae"]


@dataclass(frozen=True)
class QuantizerFacts:
    """Facts of one kind: `losses` are those that it adds, by name. `has_codes` is false of continuous latents."""

    losses: tuple[str, ...]
    has_codes: bool = True


QUANTIZERS: dict[QuantizerName, QuantizerFacts] = {
    "rvq_ema": QuantizerFacts(("commit",)),
    "rvq_gradient": QuantizerFacts(("commit", "codebook")),
    "residual_vq": QuantizerFacts(("commit",)),
    "residual_fsq": QuantizerFacts(()),
    "vae": QuantizerFacts(("kl",), has_codes=False),
}


def fsq_levels(size: int) -> list[int]:
    """The numbers of steps in each dimension of a grid of `size` codes: powers of 2 up to 8, as equal as can be.

    Raises:
        ValueError: `size` is not a power of 2.
    """
    bits = size.bit_length() - 1
    if bits < 1 or size != 1 << bits:
        raise ValueError(f"{size} is not a power of 2")
    dims = -(-bits // 3)
    return [2 ** (bits // dims + (number < bits % dims)) for number in range(dims)]
