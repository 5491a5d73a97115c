"""Distances of sounds from their reconstructions: of tensors, of files, and of all sounds of a corpus."""

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from distill_tui.data.corpus import Corpus, Sound
from distill_tui.data.known_sounds import splits_of
from distill_tui.data.sound_file import OpenSound, Samples, UnreadableSoundError, open_sound, to_mono
from distill_tui.engine.codebook_health import count_codes, efficiency, measure
from distill_tui.engine.dsp.hearing import Hearing, attack, band_levels, bands, buzz, hear, level
from distill_tui.engine.dsp.losses import SpectralLoss
from distill_tui.engine.inference.codes_file import Codes
from distill_tui.engine.inference.files import decode_file, encode_file
from distill_tui.engine.inference.model import Model
from distill_tui.paths import Home
from distill_tui.reporting import sound_quality
from distill_tui.reporting.quality import quality_document, quality_of_numbers

BLOCK_SAMPLES = 1 << 20
"""Distances of longer files are means over blocks of so many samples, weighted by their lengths."""


@torch.no_grad()
def spectral_distances(
    loss: SpectralLoss, original: Tensor, reconstruction: Tensor, with_stft: bool = True, with_lsd: bool = True
) -> dict[str, Tensor]:
    """`mel` and, unless left out, `stft` and `lsd` of a reconstruction [samples]: scalars on its device. All distances
    that people are shown come from here and `heard_distances`: validation, previews, `reconstruct`, `models evaluate`.
    """
    return loss(reconstruction[None], original[None], with_stft, with_lsd)  # type: ignore[no-any-return]


@torch.no_grad()
def heard_distances(
    reconstruction: Tensor, rate: int, original: Hearing, lengths: Sequence[int] | None = None
) -> dict[str, Tensor]:
    """`buzz`, and with their sign `level`, `attack` and the levels of bands (`sound_quality.band_key`), of a
    reconstruction [samples]: scalars on its device.

    Args:
        lengths: of several reconstructions [batch, samples]; see `hear`.
    """
    ours = hear(reconstruction, rate, lengths)
    found = {"buzz": buzz(original, ours), "level": level(original, ours), "attack": attack(original, ours)}
    return found | _by_band(band_levels(original, ours), rate)


def _by_band(levels: Tensor, rate: int) -> dict[str, Tensor]:
    """The levels of bands [..., bands] by name."""
    return {sound_quality.band_key(low): levels[..., number] for number, (low, _) in enumerate(bands(rate))}


class Distances(msgspec.Struct, kw_only=True):
    """Distances of a sound file from its original; channels are mixed to one.

    `mel` and `stft` are those of `losses.SpectralLoss`, `lsd` and `buzz` those of `hearing`, as means over `pieces` of
    BLOCK_SAMPLES samples, weighted by their lengths. `level` and `attack` are those of `hearing`, of the whole, with
    their sign, and so are `bands`, the levels of bands by name. `si_sdr` is the scale-invariant signal-to-distortion
    ratio in dB (Le Roux et al. 2019, arXiv 1811.02508); it means nothing for nets that are not asked for the phase, and
    is None for a silent original.
    """

    mel: float
    stft: float
    lsd: float
    buzz: float
    level: float
    attack: float
    bands: dict[str, float]
    si_sdr: float | None
    pieces: int

    @property
    def numbers(self) -> dict[str, float]:
        """What `sound_quality` speaks of."""
        return {key: getattr(self, key) for key in sound_quality.BY_KEY} | self.bands


def compare_files(original: Path, reconstruction: Path) -> Distances:
    """Distances of two files of the same length and rate."""
    with open_sound(original) as first, open_sound(reconstruction) as second:
        loss = SpectralLoss(first.rate)
        sums = dict.fromkeys(("mel", "stft", "lsd", "buzz"), 0.0)
        samples, count = 0, 0
        xx, yy, xy, peaks = 0.0, 0.0, 0.0, torch.zeros(2)
        powers = torch.zeros(2, len(bands(first.rate)))
        for a, b in zip(_mono_blocks(first), _mono_blocks(second), strict=False):
            waves = torch.from_numpy(a), torch.from_numpy(b)
            heard = hear(waves[0], first.rate), hear(waves[1], first.rate)
            distances = spectral_distances(loss, *waves)
            distances["buzz"] = buzz(*heard)
            peaks = torch.maximum(peaks, torch.stack([one.peak for one in heard]))
            powers += len(a) * torch.stack([one.bands for one in heard])
            for key in sums:
                sums[key] += float(distances[key]) * len(a)
            x, y = a.astype(np.float64), b.astype(np.float64)
            xx, yy, xy = xx + float(x @ x), yy + float(y @ y), xy + float(x @ y)
            samples, count = samples + len(a), count + 1
    ratio = None
    if xx > 0:
        target = xy * xy / xx
        ratio = 10 * math.log10(max(target, 1e-12) / max(yy - target, 1e-12))
    means = torch.tensor([xx, yy], dtype=torch.float64) / samples
    whole = [Hearing(torch.zeros(0), means[n], peaks[n].double(), powers[n].double() / samples) for n in (0, 1)]
    levels = _by_band(band_levels(*whole), first.rate)
    return Distances(
        **{key: value / samples for key, value in sums.items()},
        level=float(level(*whole)),
        attack=float(attack(*whole)),
        bands={key: float(value) for key, value in levels.items()},
        si_sdr=ratio,
        pieces=count,
    )


def _mono_blocks(sound: OpenSound) -> Iterator[Samples]:
    """A sound mixed to mono in arrays of BLOCK_SAMPLES, the last one shorter."""
    held = np.zeros(0, np.float32)
    for block in sound.blocks():
        held = np.concatenate((held, to_mono(block)))
        while len(held) >= BLOCK_SAMPLES:
            yield held[:BLOCK_SAMPLES]
            held = held[BLOCK_SAMPLES:]
    if len(held):
        yield held


def reconstruct_file(
    model: Model, source: Path, target: Path, levels: int | None = None, subtype: str = "", beam: int = 1
) -> tuple[Codes, float]:
    """Write the reconstruction of a sound file.

    Args:
        levels, beam: those of `Model.encode`.
        subtype: how samples are written; that of the source by default.

    Returns:
        Its codes, and the seconds that encoding and decoding took.

    Raises:
        UnreadableSoundError: the file is no usable sound.
        DistillError: the reconstruction cannot be written.
    """
    began = time.monotonic()
    codes = encode_file(model, source, levels, beam)
    codes.subtype = subtype or codes.subtype
    decode_file(model, codes, target)
    return codes, time.monotonic() - began


# ---------------------------------------------------------------- all sounds of a corpus


class FileScore(msgspec.Struct, kw_only=True):
    """Distances of one sound's reconstruction (see `Distances`), and the `distance` of `sound_quality.FORMULA`.

    `level` and `attack` are without their sign, which `level_signed` and `attack_signed` have; so have `bands`, the
    levels of bands, null for one that cannot be heard in the original.
    `seen` is the split of the model's data that the sound was in: `training`, `validation`, `by time`, or '' for one
    that the model never met. `seconds` are of sound, `real_time` how many of them went through in a second.
    """

    name: str
    seen: str
    seconds: float
    distance: float
    mel: float
    lsd: float
    buzz: float
    level: float
    attack: float
    level_signed: float
    attack_signed: float
    bands: dict[str, float]
    stft: float
    si_sdr: float | None
    real_time: float

    @property
    def numbers(self) -> dict[str, float]:
        """What `sound_quality` speaks of, with the sign."""
        found = {key: float(getattr(self, key)) for key in sound_quality.BY_KEY}
        return found | self.bands | {"level": self.level_signed, "attack": self.attack_signed}

    @property
    def is_trained_on(self) -> bool:
        return self.seen in ("training", "by time")


class EvaluationReport(msgspec.Struct, kw_only=True):
    """All sounds, the means over those that were `held_out` (not trained on) and over those `trained_on`.

    `efficiency` is the share of the bitrate that carries something, over every frame of every sound: the entropy of
    the codes of each level, summed, of the bits that they take (the bitrate efficiency of Kumar et al. 2023, arXiv
    2306.06546). `kbps` is the bitrate of a channel with the levels that were used, `real_time` the seconds of sound
    that went through in a second, files included; `failed` are pairs of name and reason. A model that was exported
    without its sounds' names does not know them (`knows_its_sounds`): all are among the held-out ones then. `quality`
    is that of `held_out` (see `reporting.quality`); None where these are other sounds than the ones that its scale was
    measured on.
    """

    model: str
    levels: int
    beam: int
    kbps: float
    efficiency: float | None
    real_time: float | None
    held_out: dict[str, float | None]
    trained_on: dict[str, float | None]
    sounds: list[FileScore]
    failed: list[tuple[str, str]]
    knows_its_sounds: bool
    quality: dict[str, Any] | None = None


def evaluate_corpus(
    model: Model,
    corpus: Corpus,
    levels: int | None,
    on_score: Callable[[FileScore], None],
    beam: int = 1,
    home: Home | None = None,
) -> EvaluationReport:
    """Reconstruct and compare every sound of a corpus; `on_score` is called after each.

    Args:
        levels, beam: those of `Model.encode`.
        home: where the manifest of a model of many sounds may lie.
    """
    known = splits_of(model.card.data, model.card.run, home)
    splits = known or {}
    scores: list[FileScore] = []
    failed: list[tuple[str, str]] = []
    used = levels or model.levels
    counts = torch.zeros(used, model.net.bottleneck.size)
    spent = 0.0
    with tempfile.TemporaryDirectory(prefix="distill-tui-") as folder:
        for sound in corpus.sounds:
            target = Path(folder) / "reconstruction.wav"
            try:
                # in floating point: what a file format rounds away is not the model's
                codes, seconds = reconstruct_file(model, sound.file, target, levels, "FLOAT", beam)
            except UnreadableSoundError as error:
                failed.append((sound.name, error.reason))
                continue
            if used:
                indices = torch.from_numpy(codes.codes.astype("int64"))[..., :used]
                counts += count_codes(indices, torch.ones(indices.shape[:2], dtype=torch.bool), counts.shape[1])
            spent += seconds
            scores.append(_score(sound, target, splits.get(sound.content, ""), seconds))
            on_score(scores[-1])
    unseen = [score for score in scores if not score.is_trained_on]
    held_out = _means(unseen)
    is_own = all(score.seen == "validation" for score in unseen)
    return EvaluationReport(
        model=model.card.id,
        levels=used,
        beam=beam,
        kbps=float(model.card.kbps or 0) * used / max(model.levels, 1),
        efficiency=efficiency(measure(counts)),
        real_time=sum(score.seconds for score in scores) / spent if spent else None,
        held_out=held_out,
        trained_on=_means([score for score in scores if score.is_trained_on]),
        sounds=scores,
        failed=failed,
        knows_its_sounds=known is not None,
        quality=quality_document(quality_of_numbers(held_out, model.card)) if is_own else None,
    )


def _score(sound: Sound, reconstruction: Path, seen: str, seconds: float) -> FileScore:
    distances = compare_files(sound.file, reconstruction)
    return FileScore(
        name=sound.name,
        seen=seen,
        seconds=sound.seconds,
        distance=sound_quality.distance(distances.numbers),
        mel=distances.mel,
        lsd=distances.lsd,
        buzz=distances.buzz,
        level=abs(distances.level),
        attack=abs(distances.attack),
        level_signed=distances.level,
        attack_signed=distances.attack,
        bands=distances.bands,
        stft=distances.stft,
        si_sdr=distances.si_sdr,
        real_time=sound.seconds / max(seconds, 1e-9),
    )


def _means(scores: list[FileScore]) -> dict[str, float | None]:
    """Means over files, each counting alike, how many there are, and the medians of `sound_quality.summary`."""
    means: dict[str, float | None] = {"files": float(len(scores))}
    names = ("distance", *sound_quality.BY_KEY, *sound_quality.SIGNED.values())
    means |= sound_quality.summary([score.numbers for score in scores]) if scores else dict.fromkeys(names)
    for key in ("stft", "si_sdr"):
        known = [value for score in scores if (value := getattr(score, key)) is not None]
        means[key] = sum(known) / len(known) if known else None
    return means
