"""How new a take is: its nearest training sound, and how much of that sound's codes it copies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.copies import longest_run
from distill_tui.engine.generate.nearest import SlidingSearch
from distill_tui.engine.generate.references import References, decoded
from distill_tui.engine.inference.model import Model
from distill_tui.errors import RequestError
from distill_tui.takes.take import Nearest

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
CALIBRATION_SOUNDS = 24
CALIBRATION_SECONDS = 20.0
"""At most so many sounds, and seconds of them, say what is usual."""
LEAST_SCALE = 0.5
"""dB between floor and usual: where held-out sounds are as near as copies, the scale must not burst."""


class _Place(NamedTuple):
    """The piece, its version and the step there at which a take lies nearest, and the distance in dB."""

    number: int
    version: int
    step: int
    distance: float


@dataclass(frozen=True)
class Judgement:
    """How new a take is; the fields are those of `takes.take.Take`."""

    nearest: Nearest
    novelty: float
    copied_frames: int
    copied_coarse: int


class Judge:
    """Judges takes of one codec by the training sounds of a bank.

    `floor` is the distance in dB of training sounds from copies of themselves, softer and a part of a frame later,
    that went through the codec once more; `usual` that of held-out sounds from the training sounds (where there are
    none, of each training sound from the others). Both are medians. The novelty of a take is its distance on a scale
    of 0 at the floor, and below it, and 1 at the usual one.
    """

    def __init__(self, bank: CodeBank, codec: Model) -> None:
        """Decode the training sounds: seconds of processor time for a minute of sound.

        Raises:
            RequestError: the bank has no training sound.
        """
        self.references = References(bank, codec)
        if not self.references.pieces:
            raise RequestError("none of the model's sounds was trained on, so there is nothing to compare with")
        self._bank, self._codec = self.references.bank, codec
        self._copies: dict[int, float] = {}
        self._prepare()
        seconds = [self.references.seconds(number) for number in range(len(self.references.pieces))]
        self.floor = median(self._own_copy(number) for number in _sample(seconds))
        self.usual = max(median(self._usual(bank.part(held_out=True))), self.floor + LEAST_SCALE)

    def judge(self, wave: Tensor, codes: Tensor) -> Judgement:
        """Judge a take.

        Args:
            wave: [samples] at the codec's rate, as it is decoded.
            codes: [frames, levels].
        """
        place = self._nearest(wave, codes)
        piece, own = self.references.pieces[place.number], self._own_copy(place.number)
        nearest = Nearest(
            path=self._bank.names[piece.row],
            start=round(self.references.start_seconds(place.number, place.version, place.step), 3),
            distance=place.distance,
            ratio=place.distance / max(own, 1e-3),
        )
        novelty = max(0.0, (place.distance - self.floor) / (self.usual - self.floor))
        return Judgement(nearest, novelty, longest_run(self._bank, codes), longest_run(self._bank, codes, 1))

    def _prepare(self) -> None:
        references = self.references
        numbers = range(len(references.pieces))
        self._search: SlidingSearch | None = None
        if sum(references.seconds(number) for number in numbers) <= PREPARED_SECONDS:
            steps = [references.steps(number) for number in numbers]
            self._window = self._window_steps(max(one.shape[1] for one in steps))
            self._search = SlidingSearch(steps, self._window)
            return
        self._window = self._window_steps(self._steps(WINDOW_SECONDS))
        parts = [
            references.segments(self._bank.codes[piece.row][piece.first : piece.last]) for piece in references.pieces
        ]
        self._segments = torch.cat(parts)
        self._piece_of = torch.cat([torch.full((len(part),), number) for number, part in enumerate(parts)])

    def _steps(self, seconds: float) -> int:
        return round(seconds / self.references.mel.step_seconds)

    def _window_steps(self, longest: int) -> int:
        return max(self._steps(0.5), min(longest, self._steps(WINDOW_SECONDS)))

    def _likely(self, codes: Tensor, without: int) -> list[int]:
        """Pieces whose latents are most like those of codes [frames, levels]."""
        far = torch.zeros(len(self.references.pieces))
        for segment in self.references.segments(codes):
            distances = (self._segments - segment).square().sum(1)
            far += torch.full_like(far, torch.inf).scatter_reduce(0, self._piece_of, distances, "amin")
        order = (number for number in far.argsort().tolist() if self.references.pieces[number].row != without)
        return self.references.within(order, LIKELY_SECONDS)

    def _nearest(self, wave: Tensor, codes: Tensor, without: int = -1) -> _Place:
        """The nearest piece, its step and distance, leaving out the training sound of row `without`."""
        shifted = self._shifted(wave)
        windows = self._windows(shifted[0])
        return min(
            (self._nearest_of([steps[:, part] for steps in shifted], codes, without) for part in windows),
            key=lambda place: place.distance,
        )

    def _shifted(self, wave: Tensor) -> list[Tensor]:
        """Steps of a take, and of the same a part of a step later: its onset may lie anywhere in a step."""
        mel = self.references.mel
        later = [number * mel.size // (4 * SUBSTEPS) for number in range(SUBSTEPS)]
        return [mel(torch.nn.functional.pad(wave, (samples, 0))) for samples in later]

    def _windows(self, steps: Tensor) -> list[slice]:
        """Windows of a take's steps that overlap by half, without those in which little is heard."""
        begins = range(0, max(1, steps.shape[1] - self._window // 2), max(1, self._window // 2))
        windows = [slice(first, first + self._window) for first in begins]
        sums = [float(steps[:, window].sum()) for window in windows]
        heard = [window for window, one in zip(windows, sums, strict=True) if one >= 0.1 * max(sums)]
        return heard[:: math.ceil(len(heard) / MOST_WINDOWS)]

    def _nearest_of(self, shifted: Sequence[Tensor], codes: Tensor, without: int) -> _Place:
        steps = shifted[0]
        if self._search is None:
            numbers = self._likely(codes, without)
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

    def _refined(self, shifted: Sequence[Tensor], number: int) -> _Place:
        """The best place in what the codec makes of a piece at all places of the frame, a part of a step later too."""
        search = SlidingSearch(self.references.versions(number), max(steps.shape[1] for steps in shifted))
        best = min((search.nearest(steps) for steps in shifted), key=lambda one: one.distance)
        return _Place(number, best.row, best.step, best.distance)

    def _own_copy(self, number: int) -> float:
        """Distance in dB of a copy of a piece from the piece."""
        if number not in self._copies:
            self._copies[number] = self._refined(self._shifted(self.references.copy(number)), number).distance
        return self._copies[number]

    def _usual(self, held_out: CodeBank) -> list[float]:
        """Distances of held-out sounds from the training sounds, or of each training sound from the others."""
        bank = held_out if len(held_out) else self._bank
        if not len(held_out) and len(self._bank) < 2:
            return [self.floor]
        seconds = [length / self._codec.sample_rate for length in bank.lengths]
        found = []
        for row in _sample(seconds):
            codes = bank.codes[row]
            wave = decoded(self._codec, codes, bank.lengths[row])
            found.append(self._nearest(wave, codes, -1 if len(held_out) else row).distance)
        return found


def _sample(seconds: Sequence[float]) -> list[int]:
    """Rows spread evenly, at most CALIBRATION_SOUNDS and about CALIBRATION_SECONDS of sound, one at least."""
    mean = sum(seconds) / len(seconds)
    count = max(1, min(len(seconds), CALIBRATION_SOUNDS, int(CALIBRATION_SECONDS / max(mean, 1e-3))))
    return [(2 * place + 1) * len(seconds) // (2 * count) for place in range(count)]
