"""A quick search among many sounds: pieces in which a take may lie, by latents alone."""

from collections.abc import Iterator

import torch
from torch import Tensor

from distill_tui.engine.generate.references import References

SMOOTHED = 4
"""Frames that are averaged, so that it matters little where in a frame a sound begins."""
TRIED = 4096
"""Places whose pieces are looked at."""


class LikelyPieces:
    """The smoothed latents of all training sounds, over which those of a take are slid."""

    def __init__(self, references: References) -> None:
        self._references = references
        sounds = [self._smoothed(codes) for codes in references.bank.codes]
        self._all = torch.cat(sounds)
        ends = torch.tensor([len(sound) for sound in sounds]).cumsum(0)
        self._row = torch.cat([torch.full((len(sound),), row) for row, sound in enumerate(sounds)])
        self._last = (ends - 1)[self._row]
        self._first = [0, *ends[:-1].tolist()]
        self._pieces: dict[int, list[int]] = {}
        for number, piece in enumerate(references.pieces):
            self._pieces.setdefault(piece.row, []).append(number)

    def find(self, codes: Tensor, seconds: float, without: int = -1) -> list[int]:
        """The likeliest pieces, up to so many seconds of them, leaving out the training sound of row `without`.

        Args:
            codes: of a take [frames, levels].
        """
        return self._references.within(self._nearest(codes, without), seconds)

    def _nearest(self, codes: Tensor, without: int) -> Iterator[int]:
        far, places = torch.zeros(len(self._all)), torch.arange(len(self._all))
        for number, latents in enumerate(self._smoothed(codes)[::SMOOTHED]):
            # beyond a sound's end its last frame stands for what would follow
            far += (self._all - latents).square().sum(1)[(places + number * SMOOTHED).minimum(self._last)]
        far[self._row == without] = torch.inf
        best = far.topk(min(TRIED, len(far)), largest=False)
        seen = set()
        for distance, place in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            number = self._piece(place)
            if number not in seen and distance < torch.inf:
                seen.add(number)
                yield number

    def _piece(self, place: int) -> int:
        """The last piece that begins before a place, as the next one begins half a piece later."""
        row = int(self._row[place])
        frame = place - self._first[row]
        return max(number for number in self._pieces[row] if self._references.pieces[number].first <= frame)

    def _smoothed(self, codes: Tensor) -> Tensor:
        latents = self._references.latents(codes)
        if len(latents) <= SMOOTHED:
            return latents.mean(0, keepdim=True)
        return torch.nn.functional.avg_pool1d(latents.T[None], SMOOTHED, 1)[0].T
