"""Drawing codes from a prior: takes in batches, each one the same whatever it is drawn with.

A batch always goes through the net in ROWS rows, some of them unused: a matrix product of another height may round
another way, and one draw that falls on the other side of a border is another sound from there on. Each take has random
numbers of its own.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from distill_tui.engine.generate.sounds import shuffled_place
from distill_tui.engine.nets.prior import NOTHING, Prior, State, Tables
from distill_tui.engine.training.seeds import generator as seeded
from distill_tui.errors import RequestError
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.engine.generate.generator import Generator

Steer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Changes the logits of one level of one frame: (codes so far [takes, frames, levels], what is drawn of this frame
[takes, level], logits [takes, size]) to logits of the same shape. Level 0 has one code more, `size - 1`, the end of the
sound. Each take has to be treated by itself: its row, and what shares the batch, may be any. Logits are float64: of a
prior on MPS they are on the CPU."""

ROWS = 16
TEMPERATURE, TOP_P = 1.0, 0.95
MOST_TEMPERATURE = 10.0
BLOCK_FRAMES = 64
"""Frames whose random numbers are drawn at a time."""
PREFIX_FRAMES = 256


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
        label: the kind of sound, one of `generator.labels`; "": any, as often as there are such training sounds.
        temperature: one number, or one a level; (): 1. The end of a sound is always drawn at 1.
        top_p: share of the probability that is drawn from, the likeliest codes first: one number, or one a level;
            (): 0.95.
        prefix: codes [frames, levels] that every take begins with; they are part of the result.
        end: False: sounds do not end by themselves, and all have `max_frames`.
        steer: see `Steer`.

    Raises:
        RequestError: a label that is not there, numbers that are out of range or do not fit the levels.
    """
    labels = _labels(generator, label, seeds)
    temperatures = per_level(temperature, TEMPERATURE, generator.levels, "temperature", MOST_TEMPERATURE)
    shares = per_level(top_p, TOP_P, generator.levels, "top-p", 1.0)
    if len(seeds) != count:
        raise ValueError(f"{count} takes need as many seeds, not {len(seeds)}")
    takes: list[Tensor] = []
    for first in range(0, count, ROWS):
        some = slice(first, first + ROWS)
        rows = _Rows(generator.prior, seeds[some], labels[some], temperatures, shares, steer, end)
        takes += rows.draw(max_frames, prefix)
    return takes


def per_level(given: Sequence[float], default: float, levels: int, name: str, most: float) -> list[float]:
    """One number a level of what was given: none, one, or one a level.

    Raises:
        RequestError: as many numbers do not fit, or one is not above 0 and up to `most`.
    """
    if len(given) not in (0, 1, levels):
        raise RequestError(f"{name}: {len(given)} numbers for {levels} levels", "Give one, or one for each level.")
    for value in given:
        if not 0 < value <= most:
            raise RequestError(f"{name}: {value:g} is not above 0 and up to {most:g}")
    return list(given) if len(given) == levels else [*(given or (default,))] * levels


def _labels(generator: "Generator", label: str, seeds: Sequence[int]) -> list[int]:
    """The number of the label of each take.

    For "" it is that of a training sound, another one for each seed: takes of no label in particular are less like any
    sound of the training than takes of all its labels are.
    """
    if label or not generator.labels:
        return [_label(generator, label)] * len(seeds)
    known = [name for name in generator.bank.part(held_out=False).labels if name in generator.labels]
    if not known:
        return [-1] * len(seeds)
    return [generator.labels.index(known[shuffled_place(seed, len(known))]) for seed in seeds]


def _label(generator: "Generator", label: str) -> int:
    """The number of a label, -1 for any."""
    if not label:
        return -1
    if label not in generator.labels:
        known = printable(", ".join(generator.labels[:20]))
        raise RequestError(
            f"no label '{printable(label)}' in '{printable(generator.card.name)}'",
            f"It has: {known}" if known else "Its sounds were in no folders, so it has no labels.",
        )
    return generator.labels.index(label)


class _Rows:
    """Up to ROWS takes that are drawn together."""

    def __init__(
        self,
        prior: Prior,
        seeds: Sequence[int],
        labels: Sequence[int],
        temperatures: Sequence[float],
        top_p: Sequence[float],
        steer: Steer | None,
        end: bool,
    ) -> None:
        self._prior, self._temperatures, self._top_p, self._steer, self._end = prior, temperatures, top_p, steer, end
        self._count, self._device = len(seeds), prior.vectors.device
        # MPS has no float64, in which codes are picked
        self._exact = torch.device("cpu") if self._device.type == "mps" else self._device
        self._label = torch.tensor([*labels, *[-1] * (ROWS - len(labels))], device=self._device)
        self._random = [seeded(seed, 31) for seed in seeds]
        self._numbers = torch.empty(0)

    @torch.inference_mode()
    def draw(self, max_frames: int, prefix: Tensor | None) -> list[Tensor]:
        prior, levels = self._prior, self._prior.levels
        tables = prior.tables()
        start = 0 if prefix is None else min(len(prefix), max_frames)
        codes = torch.zeros(ROWS, max_frames, levels, dtype=torch.long, device=self._device)
        lengths = [max_frames] * self._count
        before = torch.full((ROWS, 1, levels), NOTHING, device=self._device)
        state: State = []
        if prefix is not None and start:
            codes[:, :start] = prefix[:start].to(self._device)
            before, state = self._read(codes[:, :start], before, tables)
        for place in range(start, max_frames):
            hidden, state = prior(before, self._label, tables, state)
            frame, ends = self._frame(hidden[:, 0], codes[:, :place], place, tables)
            for row in ends.nonzero()[:, 0].tolist():
                if row < self._count and place:
                    lengths[row] = min(lengths[row], place)
            if all(length <= place for length in lengths):
                break
            codes[:, place] = frame
            before = frame[:, None]
        return [codes[row, :length].cpu().clone() for row, length in enumerate(lengths)]

    def _read(self, prefix: Tensor, before: Tensor, tables: Tables) -> tuple[Tensor, State]:
        """What comes before the frame after the prefix [rows, frames, levels], and the state there."""
        state: State = []
        whole = torch.cat((before, prefix), 1)
        for first in range(0, prefix.shape[1], PREFIX_FRAMES):
            part = whole[:, first : min(first + PREFIX_FRAMES, prefix.shape[1])]
            _, state = self._prior(part, self._label, tables, state)
        return whole[:, -1:], state

    def _frame(self, hidden: Tensor, so_far: Tensor, place: int, tables: Tables) -> tuple[Tensor, Tensor]:
        """The codes [rows, levels] of a frame, and which rows end before it [rows]."""
        prior = self._prior
        numbers = self._uniform(place)
        frame = torch.zeros(ROWS, prior.levels, dtype=torch.long, device=self._device)
        ends = torch.zeros(ROWS, dtype=torch.bool)
        for level in range(prior.levels):
            logits = prior.head(level, hidden, frame, tables).to(self._exact).double()
            if self._steer is not None:
                count = self._count
                steered = self._steer(so_far[:count], frame[:count, :level], logits[:count])
                logits = torch.cat((steered, logits[count:]))
            if level == 0:
                if self._end:
                    # at temperature 1, whatever the codes': else sounds would never end
                    ends = _pick(logits, 1.0, self._top_p[0], numbers[:, -1]) == prior.end
                logits = logits[:, : prior.size]
            picked = _pick(logits, self._temperatures[level], self._top_p[level], numbers[:, level])
            frame[:, level] = picked.to(self._device)
        return frame, ends

    def _uniform(self, place: int) -> Tensor:
        """Random numbers [rows, levels + 1] in 0..1 of a frame, each take's own."""
        inside = place % BLOCK_FRAMES
        if inside == 0 or not len(self._numbers):
            shape = (BLOCK_FRAMES, self._prior.levels + 1)
            drawn = [torch.rand(shape, generator=one, dtype=torch.float64) for one in self._random]
            drawn += [torch.full(shape, 0.5, dtype=torch.float64)] * (ROWS - len(drawn))
            self._numbers = torch.stack(drawn, 1).to(self._exact)
        return self._numbers[inside]


def _pick(logits: Tensor, temperature: float, top_p: float, numbers: Tensor) -> Tensor:
    """Codes [rows] of logits [rows, size], by random numbers [rows], from the likeliest that have `top_p` together."""
    chances, order = torch.softmax(logits / temperature, -1).sort(dim=-1, descending=True, stable=True)
    before = chances.cumsum(-1) - chances
    kept = chances * (before < top_p)
    sums = kept.cumsum(-1)
    place = torch.searchsorted(sums, (numbers * sums[:, -1])[:, None], right=True).clamp(max=logits.shape[-1] - 1)
    # a number that falls behind the last one kept, by rounding, is that one; where all are forbidden, the first
    place = place.minimum((kept > 0).sum(-1, keepdim=True) - 1).clamp(min=0)
    return order.gather(-1, place)[:, 0]
