"""The place in the training sounds of a codec at which a take lies nearest."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.likely import LikelyPieces
from distill_tui.engine.generate.nearest import SlidingSearch
from distill_tui.engine.generate.references import References
from distill_tui.engine.inference.model import Model

CANDIDATES = 12
"""Pieces that are compared at all places of the frame: the nearest ones of the first search."""
REFINED_SECONDS = 8.0
"""Of candidates, one at least: longer pieces take longer."""
PREPARED_SECONDS = 600.0
"""More sound than that is not all decoded: for each take a search among latents leaves LIKELY_SECONDS of it."""
LIKELY_SECONDS = 40.0
SUBSTEPS = 4
"""Parts of a step by which a take is shifted."""
WINDOW_SECONDS = 2.0
"""Of a longer take the window that is nearest to a training sound is what counts."""
MOST_WINDOWS = 16


class Place(NamedTuple):
    """The piece, its version and the step there at which a take lies nearest, and the distance in dB."""

    number: int
    version: int
    step: int
    distance: float


class Finder:
    """Finds the nearest training sound: among all as the codec gives them back, and then, among the nearest of these,
    in what it makes of them at other places of the frame.
    """

    def __init__(self, bank: CodeBank, codec: Model) -> None:
        self.references = References(bank, codec)
        self._bank = self.references.bank
        self._copies: dict[int, float] = {}
        self._search: SlidingSearch | None = None
        if self.references.pieces:
            self._prepare()

    def nearest(self, wave: Tensor, codes: Tensor, without: int = -1) -> Place:
        """The nearest piece, its step and distance, leaving out the training sound of row `without`."""
        shifted = self._shifted(wave)
        windows = self._windows(shifted[0])
        return min(
            (
                self._nearest_of([steps[:, part] for steps in shifted], self._frames(codes, part), without)
                for part in windows
            ),
            key=lambda place: place.distance,
        )

    def own_copy(self, number: int) -> float:
        """Distance in dB of a copy of a piece from the piece."""
        if number not in self._copies:
            self._copies[number] = self._refined(self._shifted(self.references.copy(number)), number).distance
        return self._copies[number]

    def _prepare(self) -> None:
        references = self.references
        numbers = range(len(references.pieces))
        if sum(references.seconds(number) for number in numbers) <= PREPARED_SECONDS:
            steps = [references.steps(number) for number in numbers]
            self._window = self._window_steps(max(one.shape[1] for one in steps))
            self._search = SlidingSearch(steps, self._window)
            return
        self._window = self._window_steps(self._steps(WINDOW_SECONDS))
        self._likely = LikelyPieces(references)

    def _steps(self, seconds: float) -> int:
        return round(seconds / self.references.mel.step_seconds)

    def _window_steps(self, longest: int) -> int:
        return max(self._steps(0.5), min(longest, self._steps(WINDOW_SECONDS)))

    def _shifted(self, wave: Tensor) -> list[Tensor]:
        """Steps of a take, and of the same a part of a step later: its onset may lie anywhere in a step."""
        mel = self.references.mel
        later = [number * mel.size // (4 * SUBSTEPS) for number in range(SUBSTEPS)]
        return [mel(torch.nn.functional.pad(wave, (samples, 0))) for samples in later]

    def _frames(self, codes: Tensor, window: slice) -> Tensor:
        """The codes [frames, levels] of a window of steps, one frame at least."""
        references = self.references
        rate = references.mel.step_seconds * references.codec.sample_rate / references.hop
        first = min(round(window.start * rate), len(codes) - 1)
        return codes[first : max(first + 1, round(window.stop * rate))]

    def _windows(self, steps: Tensor) -> list[slice]:
        """Windows of a take's steps that overlap by half, without those in which little is heard."""
        begins = range(0, max(1, steps.shape[1] - self._window // 2), max(1, self._window // 2))
        windows = [slice(first, first + self._window) for first in begins]
        sums = [float(steps[:, window].sum()) for window in windows]
        heard = [window for window, one in zip(windows, sums, strict=True) if one >= 0.1 * max(sums)]
        return heard[:: math.ceil(len(heard) / MOST_WINDOWS)]

    def _nearest_of(self, shifted: Sequence[Tensor], codes: Tensor, without: int) -> Place:
        steps = shifted[0]
        if self._search is None:
            numbers = self._likely.find(codes, LIKELY_SECONDS, without)
            sounds = [self.references.steps(number) for number in numbers]
            distances, _ = SlidingSearch(sounds, self._window)(steps)
        else:
            numbers = list(range(len(self.references.pieces)))
            distances, _ = self._search(steps)
            for number, piece in enumerate(self.references.pieces):
                if piece.row == without:
                    distances[number] = torch.inf
        nearest = (row for row in distances.argsort()[:CANDIDATES].tolist() if torch.isfinite(distances[row]))
        best = self.references.within((numbers[row] for row in nearest), REFINED_SECONDS)
        return min((self._refined(shifted, number) for number in best), key=lambda place: place.distance)

    def _refined(self, shifted: Sequence[Tensor], number: int) -> Place:
        """The best place in what the codec makes of a piece at all places of the frame, a part of a step later too."""
        search = SlidingSearch(self.references.versions(number), max(steps.shape[1] for steps in shifted))
        best = min((search.nearest(steps) for steps in shifted), key=lambda one: one.distance)
        return Place(number, best.row, best.step, best.distance)
