"""The training sounds as a codec gives them back: what takes are compared with.

A codec cuts sound into frames, and a sound that begins a part of a frame later gets other codes and comes back another
way. So each sound that may be the nearest is encoded again at PLACES places of its first frame. Without that a copy
that begins half a frame later is as far from its source as a new sound is from the nearest one.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.nearest import MelSteps
from distill_tui.engine.inference.model import Model

PLACES = 8
PIECE_SECONDS = 4.0
"""Longer sounds are cut into pieces; each begins half a piece after the one before."""
CACHED_PIECES = 512
COPY_DB = -6.0
"""The loudness of a copy beside its source."""


_T = TypeVar("_T")


class Piece(NamedTuple):
    """A part of a training sound: its row in the bank, and frames `first` to `last`."""

    row: int
    first: int
    last: int


class References:
    """The training sounds of a bank in pieces, decoded when they are needed."""

    def __init__(self, bank: CodeBank, codec: Model) -> None:
        self.bank, self.codec = bank.part(held_out=False), codec
        self.mel = MelSteps(codec.sample_rate)
        self.hop = codec.net.latent_hop
        self.pieces = list(self._cut())
        self._versions: OrderedDict[int, list[Tensor]] = OrderedDict()
        self._steps: OrderedDict[int, Tensor] = OrderedDict()
        self.leads = [place * self.hop // PLACES for place in range(PLACES)]

    def _cut(self) -> "Sequence[Piece]":
        most = max(2, round(PIECE_SECONDS * self.codec.sample_rate / self.hop))
        pieces = []
        for row, codes in enumerate(self.bank.codes):
            begins = range(0, max(1, len(codes) - most // 2), most // 2)
            pieces += [Piece(row, first, min(len(codes), first + most)) for first in begins]
        return pieces

    def wave(self, piece: Piece) -> Tensor:
        """Samples [samples] of a piece as the codec decodes it."""
        codes = self.bank.codes[piece.row][piece.first : piece.last]
        return decoded(self.codec, codes, self.bank.lengths[piece.row] - piece.first * self.hop)

    def seconds(self, number: int) -> float:
        """Length of a piece."""
        piece = self.pieces[number]
        return (piece.last - piece.first) * self.hop / self.codec.sample_rate

    def within(self, numbers: Iterable[int], seconds: float) -> list[int]:
        """The first of these pieces, one at least, as long as they are no longer than this together."""
        kept: list[int] = []
        for number in numbers:
            seconds -= self.seconds(number)
            if kept and seconds < 0:
                break
            kept.append(number)
        return kept

    def steps(self, number: int) -> Tensor:
        """Steps of a piece as the codec decodes it."""
        return _remembered(self._steps, number, lambda: self.mel(self.wave(self.pieces[number])))

    def start_seconds(self, number: int, version: int, step: int) -> float:
        """The second of a training sound at which a step of a version of a piece begins."""
        samples = self.pieces[number].first * self.hop - self.leads[version]
        return max(0.0, samples / self.codec.sample_rate + step * self.mel.step_seconds)

    def versions(self, number: int) -> list[Tensor]:
        """Steps of a piece as the codec decodes it, and encoded again at the other places of the frame."""

        def compute() -> list[Tensor]:
            again = encoded_again(self.codec, self.wave(self.pieces[number]), self.leads[1:])
            return [self.steps(number), *(self.mel(wave) for wave in again)]

        return _remembered(self._versions, number, compute)

    def copy(self, number: int) -> Tensor:
        """Samples of a copy of a piece: softer, between two of the places, through the codec."""
        wave = 10 ** (COPY_DB / 20) * self.wave(self.pieces[number])
        (again,) = encoded_again(self.codec, wave, [self.hop * (PLACES + 1) // (2 * PLACES)])
        return again

    @torch.no_grad()
    def latents(self, codes: Tensor) -> Tensor:
        """Latents [frames, latent_dim] of codes [frames, levels]."""
        found: Tensor = self.codec.net.bottleneck.latents(codes[None].to(self.codec.net.device))[0].float().cpu()
        return found


def decoded(codec: Model, codes: Tensor, length: int) -> Tensor:
    """Codes [frames, levels] to at most `length` samples [samples]."""
    return codec.decode(codes[None])[0, :length]


def encoded_again(codec: Model, wave: Tensor, later: Sequence[int]) -> list[Tensor]:
    """A sound [samples] through the codec so many samples later, with what the codec puts before it."""
    laid = torch.zeros(len(later), len(wave) + max(later))
    for row, samples in enumerate(later):
        laid[row, samples : samples + len(wave)] = wave
    again = codec.reconstruct(laid)
    return [again[row, : samples + len(wave)] for row, samples in enumerate(later)]


def _remembered(cache: "OrderedDict[int, _T]", number: int, compute: Callable[[], _T]) -> _T:
    """What a cache has of a piece, or computes now; it forgets what was not asked for longest."""
    if number not in cache:
        cache[number] = compute()
        if len(cache) > CACHED_PIECES:
            cache.popitem(last=False)
    cache.move_to_end(number)
    return cache[number]
