"""Sounds as codes, anew: pieces of sounds are changed in speed, gain and time and go through the frozen codec again.

Codes of one sound are few, and a prior learns them by heart; of the same sound a little faster, softer or later, nearly
all codes are others. Encoding each crop of each step would cost a CPU several times what the prior's own step does. So
a piece has some versions at a time, of which each is replaced after a number of steps. Which version is valid at a
step, and how it is changed, follows from the seed and the step alone; it is encoded when it is first drawn.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from distill_tui.data.decode_cache import Wave
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.tasks.crops import speed_perturb
from distill_tui.engine.training.seeds import generator
from distill_tui.recipe.schema import Recipe

PIECE_FRAMES = 512
"""Longer sounds are cut into pieces, so that one crop of an hour does not need the codes of an hour."""
STEPS_ALIVE = 400
"""Steps after which a version is replaced by another one."""
MOST_A_STEP = 3.0
"""Pieces that a step encodes on the average, at most: of more sounds than that, some crops are of the sounds as they
are. On two cores a piece of half a second takes a tenth of the time of a step of the prior."""


class Piece(NamedTuple):
    """Latent frames `first` to `last` of a wave; `begins` and `ends`: the sound does so there."""

    wave: int
    first: int
    last: int
    begins: bool
    ends: bool


def cut(lengths: Sequence[int], hop: int) -> list[Piece]:
    """Pieces of sounds of so many samples, of equal length up to PIECE_FRAMES within a sound."""
    pieces = []
    for wave, length in enumerate(lengths):
        frames = max(1, math.ceil(length / hop))
        count = math.ceil(frames / PIECE_FRAMES)
        borders = [frames * n // count for n in range(count + 1)]
        for n in range(count):
            pieces.append(Piece(wave, borders[n], borders[n + 1], n == 0, n == count - 1))
    return pieces


class Versions:
    """The versions of some sounds as codes of a codec.

    Args:
        originals: the codes of each sound as it is, [frames, levels].
    """

    def __init__(self, codec: SoundNet, waves: Sequence[Wave], originals: Sequence[Tensor], recipe: Recipe) -> None:
        self._codec, self._waves, self._originals = codec, waves, originals
        self._seed, self._data, self._slots = recipe.train.seed, recipe.data, recipe.prior.versions
        self.pieces = cut([len(wave) for wave in waves], codec.latent_hop)
        misses = min(float(recipe.train.batch_size), len(self.pieces) * self._slots / STEPS_ALIVE)
        self.share = min(1.0, MOST_A_STEP / misses) if misses else 0.0
        """Fraction of the crops that are of a version; the others are of the sounds as they are."""
        self._cache: dict[tuple[int, int], tuple[int, Tensor]] = {}
        self._swept = 0

    def original(self, number: int) -> Tensor:
        """The codes [frames, levels] of a piece as it is."""
        piece = self.pieces[number]
        return self._originals[piece.wave][piece.first : piece.last]

    def draw(self, number: int, step: int, random: torch.Generator) -> Tensor:
        """The codes [frames, levels] of one of the versions of a piece that are valid at a step."""
        version, slot = torch.rand(2, generator=random).tolist()
        if version >= self.share:
            return self.original(number)
        return self.version(number, int(slot * self._slots), step)

    def version(self, number: int, slot: int, step: int) -> Tensor:
        """The codes [frames, levels] of version `slot` of a piece at a step, from 0."""
        age = self._age(number, slot, step)
        known = self._cache.get((number, slot))
        if known is None or known[0] != age:
            known = age, self._encode(number, generator(self._seed, 21, number, slot, age)).to(torch.int32)
            self._sweep(step)
            self._cache[number, slot] = known
        return known[1].long()

    def _age(self, number: int, slot: int, step: int) -> int:
        """How many versions of this slot there were before; they do not change all at once."""
        return (step + (number * self._slots + slot) * 7919) // STEPS_ALIVE

    def _sweep(self, step: int) -> None:
        """Forget now and then the versions that are no longer valid: of many sounds most are drawn once."""
        if step // STEPS_ALIVE != self._swept:
            self._swept = step // STEPS_ALIVE
            self._cache = {key: known for key, known in self._cache.items() if known[0] == self._age(*key, step)}

    @torch.no_grad()
    def _encode(self, number: int, random: torch.Generator) -> Tensor:
        piece, codec, hop = self.pieces[number], self._codec, self._codec.latent_hop
        wave = self._waves[piece.wave]
        context = codec.context * hop
        first, last = max(0, piece.first * hop - context), min(len(wave), piece.last * hop + context)
        speed, gain, shift = (torch.rand(3, generator=random) * 2 - 1).tolist()
        samples = torch.from_numpy(wave[first:last]).to(codec.device)[None]
        samples = _at_speed(samples, 1 + self._data.random_speed * speed) * 10 ** (
            self._data.random_gain_db * gain / 20
        )
        if piece.begins:
            # half of them begin where they do
            samples = torch.nn.functional.pad(samples, (int(max(0.0, shift) * hop), 0))
        codes: Tensor = codec.bottleneck.tokens(codec.encode(codec.pad_to_frames(samples)))[0].cpu()
        # the zeros around a cut are not in the sound
        cut_off = codec.context
        return codes[0 if piece.begins else cut_off : len(codes) if piece.ends else max(1, len(codes) - cut_off)]


def _at_speed(samples: Tensor, factor: float) -> Tensor:
    """[1, samples] at `factor` times their speed."""
    length = max(1, int(samples.shape[1] / factor))
    padded = torch.nn.functional.pad(samples, (1, 4))
    return speed_perturb(padded, torch.full((1, 1), factor, device=samples.device), length)
