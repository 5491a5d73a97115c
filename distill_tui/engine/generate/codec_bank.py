"""The code bank of a codec: the sounds that it was trained on, or others, as its codes, cached in the home."""

import contextlib
import hashlib
import io
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import torch

from distill_tui.data.audio_io import resampled
from distill_tui.data.corpus import Corpus, Sound, label_of
from distill_tui.data.known_sounds import splits_of
from distill_tui.data.scan import scan
from distill_tui.data.sound_file import UnreadableSoundError, open_sound, to_mono
from distill_tui.engine.generate.bank import CodeBank
from distill_tui.engine.inference.files import encode_blocks
from distill_tui.engine.inference.model import Model
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import atomic_write
from distill_tui.foreign import open_regular
from distill_tui.paths import Home
from distill_tui.text import decode_path, printable

VERSION = 2
"""To be raised when the same sounds would be stored in another way."""
MOST_SECONDS = 3600.0
"""Of sound in a bank: of larger collections every n-th sound is used."""
WAY_OUT = "Name a folder of such sounds with --data DATA."

Progress = Callable[[int, int], None]


class _Index(msgspec.Struct):
    """The part of a cached bank that is no array."""

    version: int
    names: list[str]
    labels: list[str]
    held_out: list[bool]
    lengths: list[int]
    frames: list[int]


def bank_of_codec(
    home: Home,
    model: Model,
    data: Sequence[str | Path] = (),
    progress: Progress | None = None,
    without: Collection[str] = (),
) -> CodeBank:
    """Encode the sounds that a codec was trained on, or those of `data`; from the cache where they are there.

    Channels are mixed. Of a single sound whose last part was held out, all is taken as trained on. Sounds of `data`
    that the codec was trained on or validated with are so here too. The bank's notice says how many sounds are missing.

    Args:
        data: folders and files; (): those of the model's card, which are found by their contents.
        progress: called with (sounds done, sounds in all).
        without: hashes of the contents of sounds of `data` to leave out.

    Raises:
        RequestError: the sounds are gone, or the model does not say which they were; the way out is `--data`.
    """
    if not data and (cached := _read(_path(home, model, _key_of_card(model)))):
        return cached
    sounds, notice = _scanned(home, model, data, without) if data else _of_card(home, model)
    sounds = _thin(sounds)
    # the bank of some of a card's sounds is not that of the card: the others may be back the next time
    of_some = bool(data or notice)
    key = _key([f"{sound.content} {sound.split}" for sound in sounds]) if of_some else _key_of_card(model)
    path = _path(home, model, key)
    if of_some and (cached := _read(path)):
        return replace(cached, notice=notice)
    bank = _encode(model, sounds, progress or (lambda _done, _total: None))
    if len(bank) < len(sounds):
        notice = "; ".join(
            part for part in (notice, f"{len(sounds) - len(bank)} of {len(sounds)} sounds cannot be read") if part
        )
        return replace(bank, notice=notice)
    # a cache that cannot be written costs time, and no more; a name that is no text cannot be
    with contextlib.suppress(DistillError, UnicodeEncodeError):
        _write(path, bank)
    return replace(bank, notice=notice)


def fingerprint(bank: CodeBank) -> str:
    """A hash of a bank's codes and names: the same takes need the same bank."""
    hasher = hashlib.blake2b(digest_size=8)
    for name, held_out, codes in zip(bank.names, bank.held_out, bank.codes, strict=True):
        hasher.update(f"{name}\0{held_out}\0".encode(errors="surrogateescape"))
        hasher.update(codes.contiguous().numpy().tobytes())
    return hasher.hexdigest()


def _key(contents: Sequence[str]) -> str:
    return hashlib.blake2b("\n".join(contents).encode(), digest_size=8).hexdigest()


def _names(model: Model) -> dict[str, str]:
    """The names of the sounds that a model's card lists, by the hash of their contents."""
    rows = model.card.data.get("sounds")
    return {str(row[1]): str(row[0]) for row in rows if len(row) > 1} if isinstance(rows, list) else {}


def _key_of_card(model: Model) -> str:
    # the card of a large collection has the hash of its manifest in place of the sounds
    manifest = model.card.data.get("manifest")
    return _key([str(manifest)] if manifest else sorted(_names(model)))


def _path(home: Home, model: Model, key: str) -> Path:
    return home.cache / "banks" / f"{model.card.weights_sha256[:32]}-{key}.npz"


def _of_card(home: Home, model: Model) -> tuple[list[Sound], str]:
    """The sounds of a model's card, as they lie on the disk now, and how many are missing."""
    name = printable(model.card.name)
    splits, names = splits_of(model.card.data, model.card.run, home), _names(model)
    paths = [Path(decode_path(str(path))) for path in model.card.data.get("paths") or []]
    if not splits or not paths:
        raise RequestError(f"'{name}' does not say which sounds it was trained on", WAY_OUT)
    there = [path for path in paths if path.exists()]
    if not there:
        raise RequestError(f"the sounds that '{name}' was trained on are gone: {printable(str(paths[0]))}", WAY_OUT)
    sounds = []
    for sound in scan(there, 0.1, home).sounds:
        if sound.content in splits:
            sound.name = names.get(sound.content, sound.name)
            _split_as(sound, splits)
            sounds.append(sound)
    if not any(sound.split == "training" for sound in sounds):
        where = printable(str(there[0]))
        raise RequestError(f"none of the sounds that '{name}' was trained on is in {where} any more", WAY_OUT)
    gone = len(splits) - len({sound.content for sound in sounds})
    return sounds, f"{gone:,} of the {len(splits):,} sounds of '{name}' are gone or have changed" if gone else ""


def _scanned(home: Home, model: Model, data: Sequence[str | Path], without: Collection[str]) -> tuple[list[Sound], str]:
    """The sounds of `data`, and how many are left out."""
    corpus: Corpus = scan(data, 0.1, home)
    if not corpus.sounds:
        raise corpus.no_sounds()
    splits = splits_of(model.card.data, model.card.run, home) or {}
    sounds = [sound for sound in corpus.sounds if sound.content not in without]
    for sound in sounds:
        if sound.content in splits:
            _split_as(sound, splits)
    left_out = len(corpus.sounds) - len(sounds)
    if not sounds:
        raise RequestError("the model was trained on all of these sounds", "Name sounds that it was not trained on.")
    return sounds, f"{left_out:,} of {len(corpus.sounds):,} sounds were trained on: left out" if left_out else ""


def _split_as(sound: Sound, splits: Mapping[str, str]) -> None:
    sound.split = "validation" if splits[sound.content] == "validation" else "training"


def _thin(sounds: list[Sound]) -> list[Sound]:
    """At most MOST_SECONDS of sound, evenly from all of it, at least two sounds of each part."""
    ordered = sorted(sounds, key=lambda sound: sound.name)
    every = max(1, round(sum(sound.seconds for sound in ordered) / MOST_SECONDS))
    parts = [[s for s in ordered if (s.split == "validation") == flag] for flag in (False, True)]
    kept = [s for part in parts for s in (part[::every] if len(part[::every]) > 1 else part)]
    return sorted(kept, key=lambda sound: sound.name)


def _encode(model: Model, sounds: list[Sound], progress: Progress) -> CodeBank:
    """Encode sounds one by one; those that cannot be read any more are left out."""
    rows = []
    failed = ""
    for done, sound in enumerate(sounds):
        progress(done, len(sounds))
        try:
            codes, length = _codes(model, sound)
        except UnreadableSoundError as error:
            failed = str(error)
            continue
        rows.append((codes, sound, length))
    progress(len(sounds), len(sounds))
    if not rows:
        raise RequestError(failed, WAY_OUT)
    return CodeBank(
        [codes for codes, _, _ in rows],
        [sound.name for _, sound, _ in rows],
        [label_of(sound.name) for _, sound, _ in rows],
        [sound.split == "validation" for _, sound, _ in rows],
        [length for _, _, length in rows],
    )


def _codes(model: Model, sound: Sound) -> tuple[torch.Tensor, int]:
    """The codes of a sound [frames, levels], at most MOST_SECONDS of it, and its samples at the model's rate."""
    with open_sound(sound.file) as opened:
        blocks = resampled((to_mono(block) for block in opened.blocks()), opened.rate, model.sample_rate, least=1)
        most = round(MOST_SECONDS * model.sample_rate)
        taken, kept = 0, []
        for block in blocks:
            kept.append(np.nan_to_num(block[: most - taken, None]))
            taken += len(kept[-1])
            if taken >= most:
                break
    if not taken:
        raise UnreadableSoundError(sound.file, "empty (no samples in it)")
    return torch.cat(list(encode_blocks(model, iter(kept))), 1)[0], taken


def _write(path: Path, bank: CodeBank) -> None:
    codes = torch.cat(list(bank.codes)).numpy()
    index = _Index(
        VERSION,
        list(bank.names),
        list(bank.labels),
        list(bank.held_out),
        list(bank.lengths),
        [len(one) for one in bank.codes],
    )
    packed = io.BytesIO()
    small = codes.astype(np.int32) if codes.dtype.kind == "i" else codes
    np.savez_compressed(packed, codes=small, index=np.frombuffer(msgspec.json.encode(index), np.uint8))
    atomic_write(path, packed.getvalue())


def _read(path: Path) -> CodeBank | None:
    """A bank of the cache; None where there is none, or a damaged one."""
    try:
        with open_regular(path) as handle, zipfile.ZipFile(handle) as archive, np.load(handle) as file:
            if sum(member.file_size for member in archive.infolist()) > 1 << 32:
                return None
            index = msgspec.json.decode(file["index"].tobytes(), type=_Index)
            codes = torch.from_numpy(file["codes"].astype(np.int64 if file["codes"].dtype.kind == "i" else np.float32))
        if index.version != VERSION:
            return None
        parts = list(torch.split(codes, index.frames))
        return CodeBank(parts, index.names, index.labels, index.held_out, index.lengths)
    except Exception:  # noqa: BLE001 - numpy and zipfile raise whatever a damaged file leads to; it is made anew
        return None
