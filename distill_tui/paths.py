"""Paths of the home folder: runs, models, cache and settings."""

import contextlib
import errno
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distill_tui.errors import RequestError
from distill_tui.foreign import SMALL_FILE, MalformedError, decode_toml, read_bytes, sense
from distill_tui.text import printable

MOVABLE = ("runs", "models", "cache")
"""The folders that `[folders]` in settings.toml may put elsewhere."""
MOST_REREAD = 1 << 22
"""The most characters that are parsed again to find the good part of a damaged file."""


@dataclass(frozen=True)
class Home:
    """The home folder. Asking for a path never creates it; whoever writes there does."""

    root: Path
    moved: Mapping[str, Path] = field(default_factory=dict, hash=False)
    """Those of MOVABLE that lie elsewhere."""
    cache_limit: int = 0
    """The most bytes that decoded sounds may take; 0: by what the disk has room for."""

    @property
    def runs(self) -> Path:
        return self.moved.get("runs", self.root / "runs")

    @property
    def models(self) -> Path:
        return self.moved.get("models", self.root / "models")

    @property
    def cache(self) -> Path:
        return self.moved.get("cache", self.root / "cache")

    @property
    def takes(self) -> Path:
        """The folder of the app's sets of takes."""
        return self.root / "takes"

    @property
    def settings(self) -> Path:
        return self.root / "settings.toml"


def find_home(given: str | os.PathLike[str] | None = None) -> Home:
    """The home that `--home` names, else DISTILL_TUI_HOME, else the platform's data directory."""
    chosen = given or os.environ.get("DISTILL_TUI_HOME")
    root = expand(chosen).absolute() if chosen else _data_folder() / "distill-tui"
    document = read_document(Home(root).settings)[1]
    return Home(root, _moved(root, document), parse_bytes(document.get("cache_limit")) or 0)


def _data_folder() -> Path:
    """The platform's data directory of the user."""
    if sys.platform == "linux" and "ANDROID_DATA" not in os.environ:
        # what platformdirs says too, which takes as long to import as Python to start
        given = os.environ.get("XDG_DATA_HOME", "")
        return Path(given if given.strip() else "~/.local/share").expanduser()
    from platformdirs import user_data_path

    return user_data_path()


def _moved(root: Path, document: Mapping[str, Any]) -> dict[str, Path]:
    """What settings.toml says of the folders, as far as it can be used; `settings` tells what is wrong with it."""
    folders = document.get("folders")
    if not isinstance(folders, dict):
        return {}
    given = {word: folders[word] for word in MOVABLE if is_usable_text(folders.get(word)) and folders[word]}
    return {word: placed(root, path) for word, path in given.items()}


def parse_bytes(value: object) -> int | None:
    """The bytes that a text like `200 GB` or `1.5 TB` means; None if it means none."""
    words = value.split() if isinstance(value, str) else []
    units = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
    if len(words) != 2 or words[1] not in units:
        return None
    try:
        count = float(words[0]) * units[words[1]]
    except ValueError:
        return None
    return int(count) if 1 <= count < 1 << 60 else None


def is_usable_text(value: object) -> bool:
    """Check that a value of settings.toml is text without null characters, which no path or command may hold."""
    return isinstance(value, str) and "\0" not in value


def expand(text: str | os.PathLike[str]) -> Path:
    """Expand `~` in a path as a user typed it.

    Raises:
        RequestError: it cannot be a path: `~nobody`, or a name that is too long for the disk.
    """
    shown = printable(os.fspath(text))
    try:
        path = Path(text).expanduser()
        os.lstat(path)
    except RuntimeError:
        raise RequestError(f"{shown}: there is no such user", "A name that begins with ~ is written ./~name") from None
    except ValueError:
        raise RequestError(f"{shown}: cannot be the name of a file") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise RequestError(f"{shown[:60]}...: a name too long for this disk") from None
    return path


def is_there(path: str | os.PathLike[str]) -> bool:
    """Test if there is a file or folder.

    `Path.exists` raises where a name is too long or a folder cannot be entered.
    """
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: str | os.PathLike[str]) -> bool:
    """Test if there is a file, as `is_there` does."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Test if there is a folder, as `is_there` does."""
    return os.path.isdir(path)  # noqa: PTH112


def read_document(file: Path) -> tuple[str, dict[str, Any], str]:
    """A TOML file as its text, its values and what is wrong with its form ('' for nothing). What stands before a
    mistake counts; a missing file is an empty one. Never fails."""
    try:
        data = read_bytes(file, SMALL_FILE)
        with sense():
            text = data.decode()
    except FileNotFoundError:
        return "", {}, ""
    except (OSError, MalformedError) as error:
        return "", {}, f"was not read: {getattr(error, 'strerror', None) or error}"
    # imported only when there is something to read: tmux asks for the status every few seconds
    import re

    try:
        return text, decode_toml(text), ""
    except MalformedError as error:
        if " (at " not in str(error):
            return text, {}, f"was not read: {error}"
        found = re.search(r"^(.*) \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
        lines = text.rstrip().splitlines()
        number = int(found[2]) if found and found[2] else len(lines)
        problem = f"line {number}: not TOML: {found[1] if found else error}; from there on it was not read"
    # the mistake may have begun lines before it is noticed, with a bracket that is not closed
    left = MOST_REREAD
    for end in range(number - 1, 0, -1):
        before = "\n".join(lines[:end])
        left -= len(before)
        if left < 0:
            break
        with contextlib.suppress(MalformedError):
            return text, decode_toml(before), problem
    return text, {}, problem


def placed(root: Path, path: str) -> Path:
    """Resolve a folder of settings.toml: `~` is expanded, and a relative path starts at the home folder."""
    with contextlib.suppress(RequestError):  # `~somebody` who is not there stays as it is
        return root / expand(path)
    return root / path
