"""Permissions of the home folder: closing it to other users, and trusting files in it.

What this program writes there only its owner can read (see `files`). Homes that an earlier version made are as open as
the umask left them: they are closed once. Whoever opens a home again after that has it open.
"""

import contextlib
import os
from pathlib import Path

from distill_tui.paths import Home
from distill_tui.text import printable

OWN = frozenset({"runs", "models", "cache", "themes", "demo-sounds", "settings.toml"})
MARK = ".private"
"""A file that says that this home has been closed."""
OTHERS, OTHERS_WRITE, OTHERS_ENTER = 0o077, 0o022, 0o011


def close_home(home: Home) -> None:
    """Close a home of an earlier release to others, once: what is ours in it, and the folder if nothing else is there.

    Folders that the settings put elsewhere stay as they are. Never fails.
    """
    mark = home.root / MARK
    with contextlib.suppress(OSError):
        if not _is_open(home.root) or mark.exists():
            return
        names = {path.name for path in home.root.iterdir()}
        for name in names & OWN:
            _close_all(home.root / name)
        if names and names <= OWN:
            _close(home.root)
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _is_open(path: Path) -> bool:
    """Check whether a folder of the current user is open to others."""
    info = path.stat()
    return hasattr(os, "geteuid") and info.st_uid == os.geteuid() and bool(info.st_mode & OTHERS)


def _close_all(path: Path) -> None:
    _close(path)
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            _close(Path(folder, name))


def _close(path: Path) -> None:
    with contextlib.suppress(OSError):
        # what a link leads to may be anybody's
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o7777 & ~OTHERS)


def why_not_trusted(file: Path) -> str:
    """Why commands in a file are not to be run, and the way out; '' if only its owner can have put them there.

    That is: file and folder are one's own (or the system's), and nobody else can write either.
    """
    if not hasattr(os, "geteuid"):
        return ""
    try:
        return _why_not_trusted(file)
    except OSError as error:
        return f"whose it is cannot be told: {(error.strerror or str(error)).lower()}"


def _why_not_trusted(file: Path) -> str:
    mine = (os.geteuid(), 0)
    # a link, as people have whose settings lie among others, is looked at on both sides
    for one in dict.fromkeys((file, file.resolve())):
        info, folder = one.stat(), one.parent.stat()
        shown = printable(str(one))
        if info.st_uid not in mine or folder.st_uid not in mine:
            return f"it belongs to somebody else; have your own: chown {os.environ.get('USER', 'YOU')} {shown}"
        if folder.st_mode & OTHERS_WRITE:
            return f"others can write its folder; close it: chmod go-w {printable(str(one.parent))}"
        if info.st_mode & OTHERS_WRITE & (folder.st_mode & OTHERS_ENTER) << 1:
            return f"others can write it; close it: chmod go-w {shown}"
    return ""
