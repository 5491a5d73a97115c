"""What a folder holds, at a glance: for lists of folders. No sound is read; what earlier scans found is remembered."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from distill_tui.data.discover import USUAL_EXTENSIONS
from distill_tui.data.images.dataset import count_pictures
from distill_tui.data.scan_cache import FILE_NAME, ScanMemory, Stamp, stamp_of

MOST_FILES = 5000
SECONDS = 0.5
"""What a glance may take; a folder that takes longer holds `more`."""


@dataclass(frozen=True)
class Glance:
    """Sound files of a folder and its sub-folders; their length if a scan knows all of them; MNIST's pictures."""

    sounds: int = 0
    seconds: float | None = None
    pictures: int = 0
    more: bool = False


def glance(folder: Path, cache: Path | None = None) -> Glance:
    """Look into a folder, for at most about `SECONDS`; never fails. `cache` is where scans remember their findings."""
    if pictures := count_pictures(folder):
        return Glance(pictures=pictures)
    found, more = _sound_files(folder)
    return Glance(len(found), None if more else _seconds(found, cache), more=more)


def _sound_files(folder: Path) -> tuple[list[tuple[str, Stamp]], bool]:
    """The sound files by their names, with their stamps; True if there may be more."""
    deadline = time.monotonic() + SECONDS
    found: list[tuple[str, Stamp]] = []
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if len(found) >= MOST_FILES or time.monotonic() > deadline:
                        return found, True
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.name.rpartition(".")[2].lower() in USUAL_EXTENSIONS and entry.is_file():
                        found.append((entry.path, stamp_of(entry.stat())))
        except OSError:
            continue
    return found, False


def _seconds(files: list[tuple[str, Stamp]], cache: Path | None) -> float | None:
    """The length of all of these files, if scans have found it out."""
    if not files or cache is None or not (cache / FILE_NAME).is_file():
        return None
    memory = ScanMemory(cache)
    findings = memory.recall(files)
    memory.close()
    if len(findings) < len(files):
        return None
    return sum(one.frames / one.rate for one in findings.values() if one.rate and not one.reason)
