"""Drawing codes from a prior: takes in batches, each one the same whatever it is drawn with."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from distill_tui.engine.generate.generator import Generator

Steer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Changes the logits of one level of one frame: (codes so far [takes, frames, levels], what is drawn of this frame
[takes, level], logits [takes, size]) to logits of the same shape. Level 0 has one code more, `size - 1`, the end of the
sound. Each take has to be treated by itself: its row, and what shares the batch, may be any."""


def draw(
    generator: "Generator",
    count: int,
    *,
    max_frames: int,
    seeds: Sequence[int],
    label: str = "",
    temperature: Sequence[float] = (),
    top_p: Sequence[float] = (),
    prefix: Tensor | None = None,
    end: bool = True,
    steer: Steer | None = None,
) -> list[Tensor]:
    """Draw the codes of `count` takes, [frames, levels] int64 on the CPU, of 1 to `max_frames` frames each.

    Args:
        max_frames: of a whole take, its prefix included.
        seeds: one a take; take n depends on seeds[n] alone, not on what it is drawn with.
        label: the kind of sound, one of `generator.labels`; "": any.
        temperature: one number, or one a level; (): 1. The end of a sound is always drawn at 1.
        top_p: share of the probability that is drawn from, the likeliest codes first: one number, or one a level;
            (): 0.95.
        prefix: codes [frames, levels] that every take begins with; they are part of the result.
        end: False: sounds do not end by themselves, and all have `max_frames`.
        steer: see `Steer`.

    Raises:
        RequestError: a label that is not there, numbers that are out of range or do not fit the levels.
    """
    raise NotImplementedError
