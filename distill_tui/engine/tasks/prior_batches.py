"""Batches of a prior: crops of sounds as codes, and what came before each frame.

A batch is one tensor [crops, frames, 2 x levels + 2] of whole numbers: the frame before, the frame itself, the sound's
label, and how many frames the batch has to learn. Its random numbers follow from the seed and the step's number.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from distill_tui.engine.nets.prior import NOTHING
from distill_tui.engine.tasks.prior_versions import Versions
from distill_tui.engine.training.seeds import generator
from distill_tui.recipe.schema import Recipe

GROUP = 4
"""Batches that are drawn together and divided by length, so that little of one is padding."""


def pack(crops: Sequence[Tensor], labels: Sequence[int], total: int | None = None) -> Tensor:
    """Crops [frames, 2 x levels] as a batch, padded with NOTHING at their ends."""
    longest = max(len(crop) for crop in crops)
    columns = crops[0].shape[1]
    batch = torch.full((len(crops), longest, columns + 2), NOTHING)
    for row, (crop, label) in enumerate(zip(crops, labels, strict=True)):
        batch[row, : len(crop), :columns] = crop
        batch[row, :, columns] = label
    batch[:, :, -1] = sum(map(len, crops)) if total is None else total
    return batch


def with_before(codes: Tensor, begins: bool, ends: bool, end: int) -> Tensor:
    """Codes [frames, levels] of a piece as [frames, 2 x levels]: the frame before each, then each.

    Args:
        begins: the sound begins here; else the first frame is only what comes before the second.
        ends: the sound ends here: there is one frame more, with the code `end` in level 0.
    """
    nothing = torch.full_like(codes[:1], NOTHING)
    if ends:
        last = nothing.clone()
        last[0, 0] = end
        codes = torch.cat((codes, last))
    before = torch.cat((nothing, codes[:-1]))
    whole = torch.cat((before, codes), 1)
    return whole if begins else whole[1:]


class PriorBatches:
    """The batches of a run: `batch(step)` is the same whenever it is asked for.

    Args:
        labels: the number of each wave's label; -1 for none.
    """

    def __init__(self, versions: Versions, labels: Sequence[int], recipe: Recipe) -> None:
        self._versions, self._labels, self._prior = versions, labels, recipe.prior
        self._seed, self._size = recipe.train.seed, int(recipe.train.batch_size)
        self._codes, self._frames = int(recipe.model.codebook_size), recipe.prior.crop_frames
        pieces = versions.pieces
        lengths = torch.tensor([piece.last - piece.first for piece in pieces])
        begins = torch.tensor([piece.begins for piece in pieces])
        # a short sound is learned as often as a crop of a long one
        weights = lengths.clamp(min=self._frames).double()
        self._anywhere = (weights / weights.sum()).cumsum(0)
        self._begins = begins.nonzero()[:, 0]
        self._lengths = lengths

    def batch(self, step: int) -> Tensor:
        """The batch of a step, counted from 0."""
        group, part = divmod(step, GROUP)
        random = generator(self._seed, 22, group)
        pieces, from_begin = self._draw(random)
        order = self._lengths[pieces].clamp(max=self._frames).sort(stable=True).indices
        which = int(torch.randperm(GROUP, generator=random)[part])
        rows = order[which * self._size : (which + 1) * self._size]
        random = generator(self._seed, 23, step)
        crops = [self._crop(int(pieces[row]), bool(from_begin[row]), step, random) for row in rows]
        heard = torch.rand(self._size, generator=random) >= self._prior.label_dropout
        labels = [self._labels[self._versions.pieces[int(pieces[row])].wave] for row in rows]
        return pack(crops, [label if said else -1 for label, said in zip(labels, heard.tolist(), strict=True)])

    def _draw(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """The pieces of the crops of a group, and which of them begin where the sound does."""
        count = GROUP * self._size
        position = torch.rand(count, generator=random, dtype=torch.float64)
        anywhere = torch.searchsorted(self._anywhere, position).clamp(max=len(self._anywhere) - 1)
        begins = self._begins[torch.randint(len(self._begins), (count,), generator=random)]
        from_begin = torch.rand(count, generator=random) < self._prior.begin_fraction
        return torch.where(from_begin, begins, anywhere), from_begin

    def _crop(self, number: int, from_begin: bool, step: int, random: torch.Generator) -> Tensor:
        piece = self._versions.pieces[number]
        whole = with_before(self._versions.draw(number, step, random), piece.begins, piece.ends, self._codes)
        spare = max(0, len(whole) - self._frames)
        start = 0 if from_begin else int(torch.randint(spare + 1, (), generator=random))
        crop = whole[start : start + self._frames]
        before = crop[:, : crop.shape[1] // 2]
        others = torch.randint(self._codes, before.shape, generator=random)
        wrong = (torch.rand(before.shape, generator=random) < self._prior.corruption) & (before >= 0)
        return torch.cat((torch.where(wrong, others, before), crop[:, before.shape[1] :]), 1)
