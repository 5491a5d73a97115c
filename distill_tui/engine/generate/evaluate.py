"""Sets of takes of a generator, measured beside references: real sounds, blends, walks, shuffled and random codes."""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, median

import msgspec
import torch
from torch import Tensor

from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.generate.make import Maker
from distill_tui.engine.generate.measures import SetMeasures
from distill_tui.engine.generate.novelty import Judge, Judgement, Scale
from distill_tui.engine.generate.references import decoded
from distill_tui.engine.inference.model import Model
from distill_tui.engine.training.seeds import generator as seeded
from distill_tui.reporting.novelty import is_near
from distill_tui.takes.request import Method, Request

MOST_SOUNDS = 200
"""Training sounds, and held-out ones, that sets are compared with: evenly from all."""
PRIOR, LABELS, BLEND, WALK = "prior", "prior by label", "blend", "walk"
HELD_OUT, AGAIN, SHUFFLED, RANDOM = "held-out sounds", "the same again", "shuffled frames", "random codes"


class SetScore(msgspec.Struct, kw_only=True):
    """Measures of one set.

    `distance`, `coverage`, `coverage_training`, `one_nn`, `diversity` and `cut` are those of `SetMeasures`. `newer` is
    the share of pairs in which a take is farther from its nearest training sound than a held-out sound from its own,
    `copies` the share of takes that are as near to one as its copies are, `ratio` the median of how far they are beside
    such a copy, `novelty` the median, `copied_frames` and `copied_coarse` the medians of the longest runs as shares of
    a take, `labels_right` the share whose nearest training sound, by the embedding, has the label that was asked for.
    """

    name: str
    sounds: int
    distance: float | None
    coverage: float | None
    coverage_training: float
    one_nn: float
    newer: float
    copies: float
    ratio: float
    novelty: float
    copied_frames: float
    copied_coarse: float
    diversity: float
    cut: float
    labels_right: float | None = None


class GeneratorReport(msgspec.Struct, kw_only=True):
    """The sets of one generator, its own first; `scale` is that of novelty in dB, the counts are of real sounds."""

    model: str
    seed: int
    training: int
    held_out: int
    scale: Scale
    sets: list[SetScore]


class Evaluator:
    """Measures sets of takes beside a bank's sounds.

    Args:
        bank: with two training sounds or more; where fewer than two are held out the training sounds stand for them.
    """

    def __init__(self, bank: CodeBank, codec: Model, judge: Judge) -> None:
        self._codec, self._judge = codec, judge
        self.training = evenly(bank.part(held_out=False), MOST_SOUNDS)
        held_out = evenly(bank.part(held_out=True), MOST_SOUNDS)
        self.has_held_out = len(held_out) > 1
        self.held_out = held_out if self.has_held_out else self.training
        self._real = waves_of(self.held_out, codec)
        self._measures = SetMeasures(waves_of(self.training, codec), self._real, codec.sample_rate)
        self._far = [one.nearest.distance for one in self._judged(self._real, self.held_out.codes)]

    def held_out_score(self) -> SetScore:
        """The held-out sounds themselves; their distance is that to the training sounds."""
        score = self.score(HELD_OUT, self._real, self.held_out.codes, self.held_out.labels)
        distance = self._measures.between_real()
        return msgspec.structs.replace(score, distance=distance, coverage=None)

    def score(
        self, name: str, waves: Sequence[Tensor], codes: Sequence[Tensor], labels: Sequence[str] = ()
    ) -> SetScore:
        """Measure a set of two takes or more.

        Args:
            waves: of each [samples].
            codes: of each [frames, levels].
            labels: those that were asked for; none where there are none.
        """
        judged = self._judged(waves, codes)
        far = torch.tensor([one.nearest.distance for one in judged])
        ratios = [one.nearest.ratio or 0.0 for one in judged]
        right = None
        if any(labels):
            kinds = [self.training.labels[row] for row in self._measures.nearest_training(waves)]
            right = fmean(float(kind == label) for kind, label in zip(kinds, labels, strict=True))
        return SetScore(
            name=name,
            sounds=len(waves),
            **self._measures(waves),
            newer=float((far[:, None] > torch.tensor(self._far)).double().mean()),
            copies=fmean(float(is_near(one.nearest.ratio, one.novelty)) for one in judged),
            ratio=median(ratios),
            novelty=median(one.novelty for one in judged),
            copied_frames=median(one.copied_frames / max(1, one.frames) for one in judged),
            copied_coarse=median(one.copied_coarse / max(1, one.frames) for one in judged),
            labels_right=right,
        )

    def _judged(self, waves: Sequence[Tensor], codes: Sequence[Tensor]) -> list[Judgement]:
        return [self._judge.judge(wave, one) for wave, one in zip(waves, codes, strict=True)]


def evaluate_generator(
    maker: Maker, judge: Judge, bank: CodeBank, count: int, seed: int, on_score: Callable[[SetScore], None]
) -> GeneratorReport:
    """Make sets of `count` takes and measure each beside the references; `on_score` is called after each.

    Args:
        maker: of a generator or a codec.
        bank: of the sounds to compare with.
    """
    codec = maker.codec.model
    evaluator = Evaluator(bank, codec, judge)
    scores = []

    def keep(score: SetScore) -> None:
        scores.append(score)
        on_score(score)

    for method in maker.methods:
        waves, codes = takes_of(maker, [Request(method=msgspec.convert(method, Method), count=count, seed=seed)])
        keep(evaluator.score(method, waves, codes))
        if method == PRIOR and maker.labels:
            requests = list(requests_by_label(evaluator.training, count, seed))
            waves, codes = takes_of(maker, requests)
            asked = [request.label for request in requests for _ in range(request.count)]
            keep(evaluator.score(LABELS, waves, codes, asked))
    keep(evaluator.held_out_score())
    real = evaluator.held_out
    again = [codec.encode(wave[None])[0] for wave in waves_of(real, codec)]
    keep(evaluator.score(AGAIN, _decoded(again, real.lengths, codec), again, real.labels))
    for name, change in ((SHUFFLED, _shuffled), (RANDOM, _random)):
        if codes := list(change(evaluator.training, count, seed, codec)):
            keep(evaluator.score(name, _decoded(codes, [], codec), codes))
    return GeneratorReport(
        model=maker.card.id,
        seed=seed,
        training=len(evaluator.training),
        held_out=len(real) if evaluator.has_held_out else 0,
        scale=judge.scale,
        sets=scores,
    )


def takes_of(maker: Maker, requests: Sequence[Request]) -> tuple[list[Tensor], list[Tensor]]:
    """Waves and codes of the takes of requests."""
    made = [one for request in requests for one in maker.make(request)]
    return [torch.from_numpy(one.wave) for one in made], [one.codes for one in made]


def requests_by_label(training: CodeBank, count: int, seed: int) -> Iterator[Request]:
    """Requests for `count` takes of the prior in all, their labels as frequent as among the training sounds."""
    labels = sorted(label for label in training.labels if label)
    chosen = [labels[(2 * number + 1) * len(labels) // (2 * count)] for number in range(count)]
    for label in sorted(set(chosen)):
        yield Request(method="prior", label=label, count=chosen.count(label), seed=seed + chosen.index(label))


def evenly(bank: CodeBank, most: int) -> CodeBank:
    """At most so many sounds of a bank, spread evenly."""
    count = min(len(bank), most)
    return bank.some([(2 * place + 1) * len(bank) // (2 * count) for place in range(count)])


def waves_of(bank: CodeBank, codec: Model) -> list[Tensor]:
    """The sounds of a bank as the codec gives them back, [samples] each."""
    return _decoded(bank.codes, bank.lengths, codec)


def _decoded(codes: Sequence[Tensor], lengths: Sequence[int], codec: Model) -> list[Tensor]:
    most = lengths or [len(one) * codec.net.latent_hop for one in codes]
    return [decoded(codec, one, length) for one, length in zip(codes, most, strict=True)]


def _shuffled(training: CodeBank, count: int, seed: int, _codec: Model) -> Iterator[Tensor]:
    """Training sounds with their frames in another order."""
    for number in range(count):
        codes = training.codes[number % len(training)]
        yield codes[torch.randperm(len(codes), generator=seeded(seed, number))]


def _random(training: CodeBank, count: int, seed: int, codec: Model) -> Iterator[Tensor]:
    """Codes drawn evenly, as many as those of training sounds; none for a codec without codebooks."""
    if codec.levels:
        for number in range(count):
            shape = training.codes[number % len(training)].shape
            yield torch.randint(codec.net.bottleneck.size, shape, generator=seeded(seed, number))
