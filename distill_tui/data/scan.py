"""Scan a folder: every file is read to its end once, and is used or skipped with a reason."""

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from distill_tui.data.corpus import Corpus, Skipped, Sound, assign_split
from distill_tui.data.discover import FoundFile, find_files
from distill_tui.data.near_twins import near_twins, sound_print
from distill_tui.data.packer import Encoded
from distill_tui.data.scan_cache import Finding, ScanMemory, stamp_of
from distill_tui.data.scan_packing import ScanPacking
from distill_tui.data.sound_file import FileHash, OpenSound, Samples, UnreadableSoundError, open_sound, to_mono
from distill_tui.data.thread_pool import Stop, as_ready
from distill_tui.data.tonality import TonalityMeter
from distill_tui.paths import Home
from distill_tui.text import encode_path

LOWEST_RATE, HIGHEST_RATE = 8000, 192000
SHORTEST = 0.001
"""Seconds; less is a click that no spectrogram shows."""
LONGEST_HOURS = 24
TOO_LONG = f"longer than {LONGEST_HOURS} hours: split it into shorter files"
UNKNOWN_FRAMES = 1 << 60
"""libsndfile tells of more where a file does not say how long it is."""
SILENCE = 1e-5
"""A sound whose peak is below this is silent: -100 dB, a third of the smallest step of 16 bits."""
CANCELLED = 1e-4
"""What is left of a sound whose channels cancel each other out is below this share of it: rounding."""
LOUD, ABSURD = 10.0, 1e6
"""Peaks, where full scale is 1: above the first a person should look at the file, above the second it is no sound."""

Progress = Callable[[int, int], None]


def scan(
    paths: Sequence[str | Path],
    validation_fraction: float,
    home: Home | None = None,
    progress: Progress | None = None,
    pack: ScanPacking | None = None,
) -> Corpus:
    """Find and check the sounds in folders and files, and split them.

    Memory stays bounded however long the sounds are. What is learned is remembered in `home`'s cache, so that a second
    scan of an unchanged folder only looks at names and dates. Some decoders write their complaints about damaged files
    to the process's standard error: see `quiet.quiet_decoders`.

    Args:
        paths: folders, walked with their sub-folders, and files.
        validation_fraction: share of the sounds that is held out, 0 to 0.5.
        home: where to remember; None to remember nothing.
        progress: called with (files done, files in all) from this thread, first with (0, all).
        pack: how the sounds are kept, decoded, in the same pass; None to keep nothing but what is learned.

    Raises:
        RequestError: a path is missing or holds no files. No usable sound is no error here: see `Corpus.facts`.
    """
    roots, files = find_files(paths)
    corpus = Corpus(paths=[encode_path(root) for root in roots], validation_fraction=validation_fraction)
    first_of: dict[str, str] = {}
    prints: list[str] = []
    for file, finding in _findings(files, home, progress or (lambda _done, _total: None), pack):
        reason = finding.reason
        if not reason and finding.sound in first_of:
            reason = f"the same sound as {first_of[finding.sound]}"
        path = encode_path(file.path)
        if reason:
            corpus.skipped.append(Skipped(path=path, name=file.name, reason=reason))
            continue
        first_of[finding.sound] = file.name
        prints.append(finding.print)
        corpus.sounds.append(
            Sound(
                path=path,
                name=file.name,
                content=finding.content,
                rate=finding.rate,
                channels=finding.channels,
                seconds=finding.frames / finding.rate,
                format=finding.format,
                note=finding.note,
                tonality=finding.tonality,
            )
        )
    sounds = corpus.sounds
    twins = near_twins(prints, [sound.seconds for sound in sounds])
    corpus.twins = [(sounds[one].name, sounds[other].name) for one, other in twins]
    assign_split(sounds, validation_fraction)
    return corpus


def _findings(
    files: list[FoundFile], home: Home | None, progress: Progress, pack: ScanPacking | None
) -> list[tuple[FoundFile, Finding]]:
    """The finding about each file, in the order of `files`."""
    found: dict[str, Finding] = {f.path: Finding(reason=f.reason) for f in files if f.reason}
    memory = ScanMemory(home.cache if home else None)
    try:
        progress(0, len(files))
        found |= memory.recall((f.path, f.stamp) for f in files if not f.reason)
        unknown = [f for f in files if f.path not in found]
        if unknown and pack is not None:
            pack.begin(unknown, found.values())
        with contextlib.closing(as_ready(unknown, lambda file, stop: examine(file, stop, pack))) as results:
            for file, result in results:
                found[file.path], lasting = result()
                if lasting:
                    memory.remember(file.path, file.stamp, found[file.path])
                progress(len(found), len(files))
        if not unknown:
            progress(len(files), len(files))
    finally:
        if pack is not None:
            pack.end()
        memory.close()
    return [(file, found[file.path]) for file in files]


def examine(file: FoundFile, stop: Stop | None = None, pack: ScanPacking | None = None) -> tuple[Finding, bool]:
    """Read one file to its end, once: what it is, and whether that is worth remembering (a passing failure is not)."""
    stamp = file.stamp

    def check(opened: OpenSound) -> None:
        nonlocal stamp
        if LONGEST_HOURS * 3600 * opened.rate < opened.promised < UNKNOWN_FRAMES:
            raise UnreadableSoundError(Path(file.path), TOO_LONG)
        stamp = stamp_of(os.fstat(opened.handle))

    packed: Encoded | None = None
    try:
        with open_sound(Path(file.path), check) as opened:
            finding = Finding(rate=opened.rate, channels=opened.channels)
            content = FileHash(opened.handle, Path(file.path))
            blocks = _listen(opened, finding, content, stop)
            packed = pack.encode(blocks, opened.rate) if pack is not None else None
            # to the end, also of what is not packed
            deque(blocks, maxlen=0)
            finding.content = content.finish(stop)
        with contextlib.suppress(OSError):
            if not stamp == stamp_of(Path(file.path).stat()) == file.stamp:
                return Finding(reason="it was changed while it was read: scan again"), False
        if pack is not None and packed is not None and not finding.reason:
            pack.add(finding.content, packed)
            packed = None
    except UnreadableSoundError as error:
        return Finding(reason=error.reason), not isinstance(error.__cause__, OSError)
    finally:
        if packed is not None:
            packed.drop()
    return finding, True


def _listen(opened: OpenSound, finding: Finding, content: FileHash, stop: Stop | None) -> Iterator[Samples]:
    """Decode a sound to its end, as mono blocks, and judge it: `finding` is complete after the last one."""
    finding.format = opened.format
    if not LOWEST_RATE <= opened.rate <= HIGHEST_RATE:
        finding.reason = f"its rate is {opened.rate} Hz; from {LOWEST_RATE} to {HIGHEST_RATE} Hz can be used"
        return
    hasher = hashlib.blake2b(str(opened.rate).encode(), digest_size=20)
    peak = mono_peak = 0.0
    meter = TonalityMeter(opened.rate)
    not_finite = 0
    for block in opened.blocks():
        if stop is not None:
            stop.check()
        if opened.frames > LONGEST_HOURS * 3600 * opened.rate:
            finding.reason = TOO_LONG
            return
        content.follow(stop)
        hasher.update(block.data)
        largest = float(max(block.max(), -block.min()))
        if not np.isfinite(largest):
            not_finite += block.size - int(np.isfinite(block).sum())
            continue
        peak = max(peak, largest)
        if largest < ABSURD:
            mono = to_mono(block)
            mono_peak = max(mono_peak, float(np.abs(mono).max()))
            finding.print = finding.print or sound_print(mono, opened.rate)
            meter.add(mono)
            yield mono
    finding.sound, finding.frames, finding.tonality = hasher.hexdigest(), opened.frames, meter.value
    finding.note = opened.cut_off()
    finding.reason = _why_not(finding, opened.broken, peak, mono_peak, not_finite)
    if peak > LOUD:
        finding.note = "; ".join(filter(None, (finding.note, f"its peak is {peak:.4g}, where full scale is 1")))


def _why_not(finding: Finding, broken: str, peak: float, mono_peak: float, not_finite: int) -> str:
    if not finding.frames:
        return broken or "empty (no samples in it)"
    if not_finite:
        return f"holds NaN or infinite samples ({not_finite} of {finding.frames * finding.channels})"
    if finding.frames < SHORTEST * finding.rate:
        return f"too short: {1000 * finding.frames / finding.rate:.2g} ms; {1000 * SHORTEST:g} ms is the least"
    if peak < SILENCE:
        return "silent (its peak is below -100 dB)"
    if peak >= ABSURD:
        return f"its peak is {peak:.3g}, where full scale is 1: these samples are no sound"
    if mono_peak < max(SILENCE, CANCELLED * peak):
        return "silent once its channels are mixed to one: they cancel each other out"
    return ""
