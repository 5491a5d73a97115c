"""How new a take is: its nearest training sound, and how much of that sound's codes it copies."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

import msgspec
import torch
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.codec_bank import fingerprint
from distill_tui.engine.generate.copies import longest_run
from distill_tui.engine.generate.finder import Finder
from distill_tui.engine.generate.references import decoded
from distill_tui.engine.inference.model import Model
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import atomic_write
from distill_tui.foreign import decode, read_bytes
from distill_tui.takes.take import Nearest

SAMPLE_SOUNDS = 12
SAMPLE_SECONDS = 20.0
"""At most so many sounds, and about so many seconds of them, say what is usual."""
PART_SECONDS = 2.0
"""Of a single recording parts so long, but at least PARTS of them, are compared with one another."""
PARTS = 4
LEAST_SCALE = 0.5
"""dB between floor and usual: where held-out sounds are as near as copies, the scale must not burst."""
VERSION = 2
"""To be raised when the same sounds would be measured in another way."""


@dataclass(frozen=True)
class Judgement:
    """How new a take is; the fields are those of `takes.take.Take`."""

    nearest: Nearest
    novelty: float
    copied_frames: int
    copied_coarse: int
    frames: int


class Scale(msgspec.Struct, frozen=True):
    """The distances in dB between which novelty goes from 0 to 1.

    `floor` is that of training sounds from copies of themselves, softer and a part of a frame later, that went through
    the codec once more; `usual` that of held-out sounds from the training sounds (where there are none, of each
    training sound from the others; of a single one, of each part of it from the others). Both are medians. `held_out`
    is how many held-out sounds there were.
    """

    floor: float
    usual: float
    held_out: int = 0


class Judge:
    """Judges takes of one codec by the training sounds of a bank.

    Args:
        cache: the folder in which the scale is remembered: it takes seconds of processor time.

    Raises:
        RequestError: the bank has no training sound.
    """

    def __init__(self, bank: CodeBank, codec: Model, cache: Path | None = None) -> None:
        if not any(len(codes) for codes in bank.part(held_out=False).codes):
            raise RequestError("none of the model's sounds was trained on, so there is nothing to compare with")
        self._bank, self._codec, self._cache = bank, codec, cache
        self._training = bank.part(held_out=False)

    @cached_property
    def scale(self) -> Scale:
        """The scale of novelty, measured when it is first needed."""
        if self._cache is None:
            return self._measured()
        weights = self._codec.card.weights_sha256[:32]
        path = self._cache / "novelty" / f"{weights}-{fingerprint(self._bank)}-{VERSION}.json"
        with contextlib.suppress(OSError, DistillError):
            return decode(read_bytes(path), Scale)
        scale = self._measured()
        # a cache that cannot be written costs time, and no more
        with contextlib.suppress(DistillError):
            atomic_write(path, msgspec.json.encode(scale))
        return scale

    def judge(self, wave: Tensor, codes: Tensor) -> Judgement:
        """Judge a take.

        Args:
            wave: [samples] at the codec's rate, as it is decoded.
            codes: [frames, levels].
        """
        place = self.finder.nearest(wave, codes)
        references, scale = self.finder.references, self.scale
        nearest = Nearest(
            path=self._training.names[references.pieces[place.number].row],
            start=round(references.start_seconds(place.number, place.version, place.step), 3),
            distance=place.distance,
            ratio=place.distance / max(self.finder.own_copy(place.number), 1e-3),
            held_out=scale.held_out,
            frames=len(self._training.codes[references.pieces[place.number].row]),
        )
        novelty = max(0.0, (place.distance - scale.floor) / (scale.usual - scale.floor))
        whole, coarse = (longest_run(self._bank, codes, levels) for levels in (None, 1))
        return Judgement(nearest, novelty, whole, coarse, len(codes))

    @cached_property
    def finder(self) -> Finder:
        """The search, prepared when it is first needed: it decodes the training sounds."""
        return Finder(self._training, self._codec)

    def _measured(self) -> Scale:
        references = self.finder.references
        seconds = [references.seconds(number) for number in range(len(references.pieces))]
        floor = median(self.finder.own_copy(number) for number in _sample(seconds))
        held_out = len(self._bank.part(held_out=True))
        return Scale(floor, max(median(self._usual(floor)), floor + LEAST_SCALE), held_out)

    def _usual(self, floor: float) -> list[float]:
        """Distances of held-out sounds from the training sounds, or of each training sound from the others."""
        held_out = self._bank.part(held_out=True)
        bank, finder = held_out if len(held_out) else self._training, self.finder
        if not len(held_out) and len(bank) < 2:
            bank = self._parts()
            if len(bank) < 2:
                return [floor]
            finder = Finder(bank, self._codec)
        found = []
        for row in _sample([length / self._codec.sample_rate for length in bank.lengths]):
            codes = bank.codes[row]
            wave = decoded(self._codec, codes, bank.lengths[row])
            found.append(finder.nearest(wave, codes, -1 if len(held_out) else row).distance)
        return found

    def _parts(self) -> CodeBank:
        """The parts of the only training sound, as sounds."""
        (codes,), (name,), hop = self._training.codes, self._training.names, self._codec.net.latent_hop
        frames = max(1, min(round(PART_SECONDS * self._codec.sample_rate / hop), len(codes) // PARTS))
        parts = [part for part in torch.split(codes, frames) if len(part) == frames]
        count = len(parts)
        return CodeBank(parts, [name] * count, [""] * count, [False] * count, [frames * hop] * count)


def _sample(seconds: Sequence[float]) -> list[int]:
    """Rows spread evenly, at most SAMPLE_SOUNDS and about SAMPLE_SECONDS of sound, one at least."""
    mean = sum(seconds) / len(seconds)
    count = max(1, min(len(seconds), SAMPLE_SOUNDS, int(SAMPLE_SECONDS / max(mean, 1e-3))))
    return [(2 * place + 1) * len(seconds) // (2 * count) for place in range(count)]
