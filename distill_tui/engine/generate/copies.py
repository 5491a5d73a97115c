"""Codes that are copied verbatim: how long a run of them is in a take, and a ban on runs that are too long."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank

Steer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Change the logits of the next code of several takes.

Called with the codes so far [takes, frames, levels], the codes drawn so far in the next frame [takes, level] and the
logits of the next code [takes, at least the codebook's size]; returns the new logits.
"""


def longest_run(bank: CodeBank, codes: Tensor, levels: int | None = None) -> int:
    """Length of the longest run of frames whose codes follow one another in a sound of the bank.

    Args:
        codes: of a take [frames, levels].
        levels: the first ones that must agree; all by default.
    """
    ours = _hashes(codes, levels)
    theirs = _concatenated(bank, levels)
    # one row of the table of common substrings at a time: how long a run is that ends here and at each of their frames
    run, longest = np.zeros(len(theirs) + 1, np.int64), 0
    for value in ours:
        run[1:] = np.where(theirs == value, run[:-1] + 1, 0)
        longest = max(longest, int(run.max(initial=0)))
    return longest


def copy_ban(bank: CodeBank, frames: int) -> Steer:
    """Forbid more than `frames` frames in a row, with all their levels, of one training sound.

    After so many the first code of the next frame may not be that sound's: a change of the finest level alone would
    still sound like it.

    Args:
        frames: 1 or more.
    """
    next_codes = _NextCodes(bank, frames)

    def steer(so_far: Tensor, in_frame: Tensor, logits: Tensor) -> Tensor:
        if in_frame.shape[1] or so_far.shape[1] < frames:
            return logits
        banned = next_codes.after(so_far[:, -frames:].cpu())
        if not any(len(codes) for codes in banned):
            return logits
        logits = logits.clone()
        for row, codes in enumerate(banned):
            # where all is forbidden nothing is: a take must go on
            if 0 < len(codes) < int(torch.isfinite(logits[row]).sum()):
                logits[row, torch.from_numpy(codes).to(logits.device)] = -torch.inf
        return logits

    return steer


class CopyRule:
    """The same ban for what does not draw from logits: may a take go on with this frame?"""

    def __init__(self, bank: CodeBank, frames: int) -> None:
        self.frames = frames
        self._next = _NextCodes(bank, frames)

    def allows(self, so_far: Tensor, frame: Tensor) -> bool:
        """True if a frame [levels] after the codes so far [frames, levels] does not make a run longer than allowed."""
        if len(so_far) < self.frames:
            return True
        (banned,) = self._next.after(so_far[None, -self.frames :])
        return int(frame[0]) not in banned


class _NextCodes:
    """The first codes with which training sounds go on after a run of frames."""

    def __init__(self, bank: CodeBank, frames: int) -> None:
        if frames < 1:
            raise ValueError(f"a run of {frames} frames")
        runs, firsts = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for codes in bank.part(held_out=False).codes:
            if len(codes) > frames:
                runs.append(_run_hashes(_hashes(codes, None), frames)[:-1])
                firsts.append(codes[frames:, 0].numpy().astype(np.int64))
        hashes, following = np.concatenate(runs), np.concatenate(firsts)
        order = np.argsort(hashes, kind="stable")
        self._frames, self._hashes, self._firsts = frames, hashes[order], following[order]

    def after(self, recent: Tensor) -> list[NDArray[np.int64]]:
        """The codes for each take, by its last frames [takes, frames, levels]."""
        found = []
        for codes in recent:
            value = _run_hashes(_hashes(codes, None), self._frames)[-1]
            first, last = np.searchsorted(self._hashes, value, "left"), np.searchsorted(self._hashes, value, "right")
            found.append(np.unique(self._firsts[first:last]))
        return found


_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def _hashes(codes: Tensor, levels: int | None) -> NDArray[np.uint64]:
    """A number for the codes of each frame; equal for equal ones, and for others about never."""
    codes = codes[:, :levels].cpu().contiguous()
    # latents of a codec without codebooks are compared by their bits
    table = (codes.float().view(torch.int32) if codes.is_floating_point() else codes).numpy().astype(np.uint64)
    value = np.zeros(len(table), np.uint64)
    for level in range(table.shape[1]):
        value = (value ^ (table[:, level] + np.uint64(1))) * _FACTOR
        value ^= value >> np.uint64(29)
    return value


def _run_hashes(frames: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """A number for each run of `length` frames."""
    count = len(frames) - length + 1
    value = np.zeros(count, np.uint64)
    for place in range(length):
        value = (value ^ frames[place : place + count]) * _FACTOR
        value ^= value >> np.uint64(32)
    return value


def _concatenated(bank: CodeBank, levels: int | None) -> NDArray[np.uint64]:
    """The numbers of all frames of the training sounds, each sound behind one that is of no frame."""
    training: Sequence[Tensor] = bank.part(held_out=False).codes
    parts = [np.zeros(1, np.uint64)]
    for codes in training:
        parts += [_hashes(codes, levels), np.zeros(1, np.uint64)]
    return np.concatenate(parts)
