"""How good and how new a set of takes is, beside the training and the held-out sounds."""

from collections.abc import Sequence

from torch import Tensor

MEASURES = ("distance", "coverage", "one_nn", "newer", "copies", "diversity", "cut")


def set_measures(
    training: Sequence[Tensor], held_out: Sequence[Tensor], takes: Sequence[Tensor], sample_rate: int
) -> dict[str, float]:
    """Compare sounds [samples], the first two as they come back from the codec.

    Returns:
        `distance` of the sets (kernel distance of the embeddings to the held-out sounds, x 100; 0 and below: not told
        apart), `coverage` of the training sounds, `one_nn` (0.5: not told from the training sounds, 1: told always),
        `newer` (share of pairs in which a take is farther from its nearest training sound than a held-out sound),
        `copies` (share of takes that are nearer than 95 % of the held-out sounds), `diversity` (mean distance of two
        takes over that of two training sounds), `cut` (share that ends above -26 dB of its peak).
    """
    raise NotImplementedError
