"""Find files: folders are walked with their sub-folders, every file is listed in order, none is opened."""

import functools
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill_tui.data.scan_cache import Stamp, stamp_of
from distill_tui.errors import RequestError
from distill_tui.paths import expand
from distill_tui.text import decode_path, printable

# fmt: off
USUAL_EXTENSIONS = frozenset((
    "wav", "wave", "bwf", "flac", "ogg", "oga", "opus", "aif", "aiff", "aifc", "mp1", "mp2", "mp3", "au", "snd", "caf",
    "w64", "rf64", "sph", "nist", "sf", "ircam", "svx", "8svx", "16svx", "iff", "paf", "pvf", "voc", "avr", "htk",
    "wve", "xi", "sds",
))
UNREAD_EXTENSIONS = frozenset((
    "m4a", "aac", "mp4", "m4b", "wma", "ape", "wv", "mka", "webm", "tta", "dsf", "dff", "ac3", "dts", "amr", "ra",
    "mpc", "spx",
))
# fmt: on
"""Sounds that libsndfile does not read: a person should know that they were seen, and what to do."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that a walk came by: its path, its name below what was given, its stamp, and why it is no use ('')."""

    path: str
    name: str
    stamp: Stamp = (0, 0, 0)
    reason: str = ""


@functools.cache
def sound_extensions() -> frozenset[str]:
    """Extensions, without the dot and in lower case, of files that libsndfile may read."""
    import soundfile

    formats = {name.lower() for name in soundfile.available_formats()} - {"raw"}
    return USUAL_EXTENSIONS | formats - UNREAD_EXTENSIONS


def find_files(paths: Sequence[str | Path]) -> tuple[list[str], list[FoundFile]]:
    """The given paths, absolute, and every file in them, sorted by name; hidden files and folders are left out.

    A file or folder that can be reached in several ways (given twice, links) is listed once. Names are relative to the
    folder that was given, or, with several, to the folder that holds them all.

    Raises:
        RequestError: a path that is not there or cannot be opened, or that holds no file; nothing was read.
    """
    if not paths:
        raise RequestError("no sounds were given", "Name a folder of sounds, or sound files.")
    roots = [os.path.normpath(expand(decode_path(str(path))).absolute()) for path in paths]
    alone = len(roots) == 1 and Path(roots[0]).is_dir()
    base = roots[0] if alone else os.path.commonpath([Path(root).parent for root in roots])
    found: dict[str, FoundFile] = {}
    for root in roots:
        shown = printable(root)
        try:
            status = Path(root).stat()
            if stat.S_ISDIR(status.st_mode):
                os.scandir(root).close()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise RequestError(f"{shown}: {reason}", "Name a folder of sounds, or sound files.") from None
        if not stat.S_ISDIR(status.st_mode):
            found.setdefault(root, _look_at(root, base))
            continue
        below = {file.path: file for file in _walk(root, base)}
        if not below:
            raise RequestError(f"no files in {shown}", "Hidden files and folders (.name) are left out.")
        found = below | found
    return roots, sorted(found.values(), key=lambda file: (file.name, file.path))


def _walk(root: str, base: str) -> Iterator[FoundFile]:
    """The files below a folder. No folder is entered twice, so links that go round in circles end."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as scanned:
                entries = sorted((e for e in scanned if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            reason = f"this folder cannot be opened: {(error.strerror or str(error)).lower()}"
            yield FoundFile(folder, _name(folder, base), reason=reason)
            continue
        folders = []
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError:
                is_folder = False
            if is_folder:
                folders.append(entry.path)
            else:
                yield _look_at(entry.path, base)
        waiting += reversed(folders)


def _look_at(path: str, base: str) -> FoundFile:
    name = _name(path, base)
    extension = Path(path).suffix.lstrip(".").lower()
    if extension in UNREAD_EXTENSIONS:
        return FoundFile(path, name, reason=f"libsndfile does not read .{extension}: convert it to WAV or FLAC")
    if extension not in sound_extensions():
        kind = f".{printable(extension)}" if extension else "its name has no extension"
        return FoundFile(path, name, reason=f"not a sound file ({kind})")
    try:
        status = Path(path).stat()
    except OSError as error:
        dangling = Path(path).is_symlink() and isinstance(error, FileNotFoundError)
        reason = "a link to a file that is not there" if dangling else (error.strerror or str(error)).lower()
        return FoundFile(path, name, reason=reason if dangling else f"cannot be read: {reason}")
    if not stat.S_ISREG(status.st_mode):
        return FoundFile(path, name, reason="not a regular file")
    return FoundFile(path, name, stamp_of(status))


def _name(path: str, base: str) -> str:
    """The path below `base` as text: bytes that are not text are replaced, all else stays."""
    return os.fsencode(os.path.relpath(path, base)).decode(errors="replace")
