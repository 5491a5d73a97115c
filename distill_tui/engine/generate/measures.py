"""How good and how new a set of takes is, beside the training and the held-out sounds.

Sounds are compared by an embedding that needs no download: statistics of their log-mel steps. It ranks sets as a
network does that was trained on sound effects (tests/benchmarks/RESULTS.md).
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from distill_tui.engine.generate.nearest import MelSteps

NEIGHBOUR = 5
"""A sound is covered by a take that is as near as its fifth neighbour among the training sounds."""
CUT_DB = -26.0
TAIL_SECONDS = 0.01
REPEATS = 10
"""Random halves over which `one_nn` is averaged."""
GROUPS = 8
"""Bands of the envelopes."""
SLOTS = (0.0, 0.012, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Bounds in seconds of the parts of a sound, counted from its onset, in which its envelopes are averaged."""


class Embedding:
    """Numbers of a sound [samples]: its mean spectrum, how that changes, and envelopes of GROUPS bands in SLOTS."""

    def __init__(self, sample_rate: int) -> None:
        self.mel = MelSteps(sample_rate)

    def __call__(self, sounds: Sequence[Tensor]) -> Tensor:
        """[sounds, numbers]."""
        return torch.stack([self._of(sound) for sound in sounds]).double()

    def _of(self, sound: Tensor) -> Tensor:
        steps = self.mel(sound)
        loud = steps.mean(0)
        onset = int((loud > 0.5 * loud.max()).float().argmax()) if float(loud.max()) > 0 else 0
        steps = steps[:, max(0, onset - 1) :]
        bounds = [round(slot / self.mel.step_seconds) for slot in SLOTS]
        bounds = [max(bound, number) for number, bound in enumerate(bounds)]
        padded = torch.nn.functional.pad(steps, (0, max(0, bounds[-1] - steps.shape[1])))
        groups = torch.stack([part.mean(0) for part in padded.chunk(GROUPS)])
        slots = [groups[:, first:last].mean(1) for first, last in itertools.pairwise(bounds)]
        heard = steps[:, steps.sum(0) > 0]
        if not heard.shape[1]:
            heard = steps[:, :1]
        change = heard.diff(dim=1).abs().mean(1) if heard.shape[1] > 1 else torch.zeros(len(heard))
        spread = heard.std(1, correction=0)
        length = torch.tensor([10 * math.log2(1 + heard.shape[1])])
        return torch.cat((heard.mean(1), spread, 2 * change, *slots, length))


class SetMeasures:
    """Compares sets of takes with the training and the held-out sounds, both as they come back from the codec.

    Args:
        training, held_out: sounds [samples], at least two of each.
    """

    def __init__(self, training: Sequence[Tensor], held_out: Sequence[Tensor], sample_rate: int) -> None:
        self._embedding, self._rate = Embedding(sample_rate), sample_rate
        rows = self._embedding(training)
        self._mean, self._deviation = rows.mean(0), rows.std(0).clamp(min=1.0)
        self._training, self._held_out = self._scaled(rows), self._scaled(self._embedding(held_out))

    def __call__(self, takes: Sequence[Tensor]) -> dict[str, float]:
        """Measure a set of two takes [samples] or more.

        Returns:
            `distance`: kernel distance to the held-out sounds, x 100; 0 and below: not told apart.
            `coverage`, `coverage_training`: share of the held-out and of the training sounds that a take is near to.
            `one_nn`: share of takes and training sounds whose nearest neighbour is of their own set; 0.5: not told
            apart, 1: always.
            `diversity`: mean distance of two takes, over that of two training sounds.
            `cut`: share that ends above CUT_DB of its peak.
        """
        rows = self._scaled(self._embedding(takes))
        return {
            "distance": kernel_distance(self._held_out, rows),
            "coverage": coverage(self._held_out, self._training, rows),
            "coverage_training": coverage(self._training, self._training, rows),
            "one_nn": one_nn(rows, self._training),
            "diversity": _spread(rows) / max(_spread(self._training), 1e-9),
            "cut": sum(is_cut(take, self._rate) for take in takes) / len(takes),
        }

    def between_real(self) -> float:
        """Kernel distance between the training and the held-out sounds."""
        return kernel_distance(self._training, self._held_out)

    def nearest_training(self, takes: Sequence[Tensor]) -> list[int]:
        """The training sound that each take is nearest to, by the embedding."""
        rows: list[int] = _squared(self._scaled(self._embedding(takes)), self._training).argmin(1).tolist()
        return rows

    def _scaled(self, rows: Tensor) -> Tensor:
        return (rows - self._mean) / self._deviation


def kernel_distance(reference: Tensor, rows: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy of embeddings, x 100, with a Gaussian kernel.

    Its width is the median distance within the reference (kernel audio distance, Chung et al. 2025, arXiv 2502.15602).
    """
    within, others, between = (_squared(*pair) for pair in ((reference, reference), (rows, rows), (reference, rows)))
    pairs = torch.triu_indices(len(reference), len(reference), 1)
    width = 2 * float(within[pairs[0], pairs[1]].sqrt().median()) ** 2

    def mean(squared: Tensor) -> float:
        count = len(squared)
        return float(((-squared / width).exp().sum() - count) / (count * (count - 1)))

    return 100 * (mean(within) + mean(others) - 2 * float((-between / width).exp().mean()))


def coverage(sounds: Tensor, training: Tensor, rows: Tensor) -> float:
    """Share of `sounds` that have a take as near as their NEIGHBOUR-th training sound (Naeem et al. 2020, arXiv
    2002.09797); the training sounds themselves are no neighbours of their own."""
    far = _squared(sounds, training)
    own = 1 if sounds is training else 0
    radius = far.sort(1).values[:, min(NEIGHBOUR - 1 + own, len(training) - 1)]
    return float((_squared(sounds, rows) < radius[:, None]).any(1).double().mean())


def one_nn(rows: Tensor, training: Tensor) -> float:
    """Accuracy of a nearest neighbour that tells sets of equal size apart, leaving one out (Lopez-Paz and Oquab 2017,
    arXiv 1610.06545); the mean over random choices."""
    generator, count, found = torch.Generator().manual_seed(0), min(len(rows), len(training)), []
    own = torch.arange(2 * count) < count
    for _ in range(REPEATS):
        some = [part[torch.randperm(len(part), generator=generator)[:count]] for part in (rows, training)]
        far = _squared(torch.cat(some), torch.cat(some)).fill_diagonal_(torch.inf)
        found.append(float((own[far.argmin(1)] == own).double().mean()))
    return sum(found) / len(found)


def is_cut(take: Tensor, sample_rate: int) -> bool:
    """True if the last hundredth of a second of a take [samples] is above CUT_DB of its peak."""
    tail = max(1, round(TAIL_SECONDS * sample_rate))
    return bool(take[-tail:].abs().max() > 10 ** (CUT_DB / 20) * take.abs().max().clamp(min=1e-6))


def _spread(rows: Tensor) -> float:
    """Mean distance of two."""
    pairs = torch.triu_indices(len(rows), len(rows), 1)
    return float(_squared(rows, rows).sqrt()[pairs[0], pairs[1]].mean())


def _squared(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances [a, b] of rows."""
    return (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T).clamp(min=0)
