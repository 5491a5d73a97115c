"""How good a model is on sounds: each goes through it into a file that is compared with the original."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch

from distill_tui.data.corpus import Corpus, Sound
from distill_tui.data.sound_file import UnreadableSoundError
from distill_tui.engine.codebook_health import count_codes, efficiency, measure
from distill_tui.engine.inference.files import decode_file, distances, encode_file
from distill_tui.engine.inference.model import Model


class FileScore(msgspec.Struct, kw_only=True):
    """One sound, and how far what the model made of it is from it (see `sound.Distances`).

    `seen` is the part of the model's data that it was: `training`, `validation`, `by time` or '' for a sound that the
    model never met. `seconds` are of sound, `real_time` how many of them went through in a second.
    """

    name: str
    seen: str
    seconds: float
    mel: float
    stft: float
    si_sdr: float | None
    real_time: float


class EvaluationReport(msgspec.Struct, kw_only=True):
    """All sounds, the means over those that were `held_out` (not trained on) and over those `trained_on`.

    `efficiency` is the share of the bitrate that carried something, over every frame of every sound: the entropy of
    the codes of each level, summed, of the bits that they take (the bitrate efficiency of Kumar et al. 2023, arXiv
    2306.06546). `kbps` is the bitrate of a channel with the levels that were used, `real_time` the seconds of sound
    that went through in a second, files included; `failed` are pairs of name and reason. A model that was exported
    without its sounds' names does not know them (`knows_its_sounds`): all are among the held-out ones then.
    """

    model: str
    levels: int
    kbps: float
    efficiency: float | None
    real_time: float | None
    held_out: dict[str, float | None]
    trained_on: dict[str, float | None]
    sounds: list[FileScore]
    failed: list[tuple[str, str]]
    knows_its_sounds: bool


def judge(model: Model, corpus: Corpus, levels: int | None, told: Callable[[FileScore], None]) -> EvaluationReport:
    """Put every sound of a corpus through the model; `told` hears of each as it is done."""
    parts = _parts(model)
    found: list[FileScore] = []
    failed: list[tuple[str, str]] = []
    used = levels or model.levels
    counts = torch.zeros(used, model.net.bottleneck.size)
    spent = 0.0
    with tempfile.TemporaryDirectory(prefix="distill-tui-") as folder:
        for sound in corpus.sounds:
            try:
                judged, codes, seconds = _judge_one(model, sound, levels, Path(folder), parts.get(sound.content, ""))
            except UnreadableSoundError as error:
                failed.append((sound.name, error.reason))
                continue
            if used:
                counts += count_codes(codes, torch.ones(codes.shape[:2], dtype=torch.bool), counts.shape[1])
            spent += seconds
            found.append(judged)
            told(judged)
    trained_on = [j for j in found if j.seen in ("training", "by time")]
    held_out = [j for j in found if j.seen not in ("training", "by time")]
    return EvaluationReport(
        model=model.card.id,
        levels=used,
        kbps=float(model.card.kbps or 0) * used / max(model.levels, 1),
        efficiency=efficiency(measure(counts)),
        real_time=sum(j.seconds for j in found) / spent if spent else None,
        held_out=_means(held_out),
        trained_on=_means(trained_on),
        sounds=found,
        failed=failed,
        knows_its_sounds="sounds" in model.card.data,
    )


def _parts(model: Model) -> dict[str, str]:
    """The part of the model's data that each sound was, by the hash of its content, as far as its card tells."""
    listed = model.card.data.get("sounds")
    rows = [row for row in (listed if isinstance(listed, list) else []) if isinstance(row, list) and len(row) > 1]
    return {str(row[1]): str(row[2]) if len(row) > 2 else "training" for row in rows}


def _judge_one(
    model: Model, sound: Sound, levels: int | None, folder: Path, seen: str
) -> tuple[FileScore, torch.Tensor, float]:
    made = folder / "made.wav"
    began = time.monotonic()
    codes = encode_file(model, sound.file, levels)
    # in floating point: what a file format rounds away is not the model's
    codes.subtype = "FLOAT"
    decode_file(model, codes, made)
    spent = time.monotonic() - began
    far = distances(sound.file, made)
    judged = FileScore(
        name=sound.name,
        seen=seen,
        seconds=sound.seconds,
        mel=far.mel,
        stft=far.stft,
        si_sdr=far.si_sdr,
        real_time=sound.seconds / max(spent, 1e-9),
    )
    used = torch.from_numpy(codes.codes.astype("int64"))[..., : levels or model.levels]
    return judged, used, spent


def _means(sounds: list[FileScore]) -> dict[str, float | None]:
    """Means over files, each counting alike, and how many there are."""
    means: dict[str, float | None] = {"files": float(len(sounds))}
    for key in ("mel", "stft", "si_sdr"):
        known = [value for j in sounds if (value := getattr(j, key)) is not None]
        means[key] = sum(known) / len(known) if known else None
    return means
