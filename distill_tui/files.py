"""Atomic writes of files that a user keeps, and locks that die with their process."""

import contextlib
import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from distill_tui.errors import DistillError
from distill_tui.text import printable

PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of what only its owner is to read: all that is written into the home folder."""

DEVICES = "/dev"
"""The folder in which nobody wants a file."""

_PART = re.compile(r"\.[0-9a-f]{16}\.part")
"""The name of a file that `atomic_write` is writing."""


def private(path: str, flags: int) -> int:
    """An `opener` for `open`: a file that it makes can be read by its owner only."""
    return os.open(path, flags | os.O_CLOEXEC, PRIVATE)


def make_folder(folder: Path, shared: bool = False) -> None:
    """Make a folder and those above it that are missing, for their owner only; `shared`: as open as the umask says."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        with contextlib.suppress(FileExistsError):
            one.mkdir(0o777 if shared else PRIVATE_FOLDER)


def atomic_write(path: Path, content: bytes | Callable[[IO[bytes]], None], *, shared: bool = False) -> None:
    """Write `path` aside, flush it to the disk and rename it: a reader or a crash sees the old file or the new one.

    Args:
        path: the file; its folder is made if missing.
        content: the bytes, or a function that writes them to a binary file.
        shared: the file is as open as the umask says, which suits what a person asked for elsewhere. Otherwise only its
            owner can read it.

    Raises:
        DistillError: the disk is full or the folder cannot be written; the old file is untouched. Or, if `shared`, a
            device or a pipe is there.
    """
    try:
        if shared:
            _refuse_device(path)
        make_folder(path.parent, shared)
        aside = path.parent / f".{os.urandom(8).hex()}.part"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if shared else PRIVATE)
        try:
            with os.fdopen(handle, "wb") as file:
                if callable(content):
                    content(file)
                else:
                    file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise DistillError(*describe_os_error(error, path)) from error


def _refuse_device(path: Path) -> None:
    """Refuse a device or a pipe that a person named as a file to write: root would put a file in place of /dev/null.

    Nor in place of /dev/stdout, whatever that leads to.
    """
    with contextlib.suppress(FileNotFoundError):
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)) or os.path.realpath(path.parent) == DEVICES:
            raise OSError(errno.EINVAL, "is not a regular file")


ABANDONED = 24 * 3600.0
"""Seconds after which a half-written file is what a killed process left behind."""


def sweep_parts(folder: Path, older_than: float = 0.0) -> None:
    """Delete what killed processes left of an `atomic_write` into a folder.

    Args:
        older_than: in seconds; 0 only where no other process can be writing now.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                is_part = _PART.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if is_part and (not older_than or age > older_than):
                    Path(entry.path).unlink()


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def describe_os_error(error: OSError, path: Path) -> tuple[str, str]:
    """An operating system's error as (what is wrong and where, the way out)."""
    ways_out = {
        errno.ENOSPC: "Free some space there, or choose another folder with --home.",
        errno.EDQUOT: "Your quota is used up: free some space, or choose another folder with --home.",
        errno.EACCES: "Check its permissions, or choose another folder with --home.",
        errno.EROFS: "It is on a read-only file system: choose another folder with --home.",
        errno.ENOTDIR: "A file stands where a folder should be: choose another folder with --home.",
    }
    reason = error.strerror or str(error)
    return f"cannot write {printable(str(path))}: {reason.lower()}", ways_out.get(error.errno or 0, "")


LOCK_PATIENCE = 10.0
LOCK_POLL = 0.02
"""In seconds: how long to wait for a lock that another program holds, and how often to look."""


def _take_lock(handle: int, path: Path, patience: float) -> None:
    """Lock an open file, waiting at most `patience` seconds."""
    try:
        import fcntl
    except ImportError:  # Windows, where models can be loaded, and no more
        raise DistillError("this system has no locks of files", "Use Linux, macOS, or WSL on Windows.") from None
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                import shlex

                raise DistillError(
                    f"{printable(str(path))}: another program has held this lock for {patience:g} s",
                    f"Nothing was changed. See who holds it: fuser {shlex.quote(printable(str(path)))}",
                ) from None
            time.sleep(LOCK_POLL)
        except OSError as error:
            raise DistillError(*describe_os_error(error, path)) from error
        else:
            return


@contextlib.contextmanager
def locked(path: Path, patience: float | None = None) -> Iterator[None]:
    """Hold the lock file `path` while changing what it guards.

    Args:
        path: the lock file.
        patience: how many seconds to wait for another program that holds it; LOCK_PATIENCE if not said.

    Raises:
        DistillError: the lock file cannot be made, or another program holds it for too long.
    """
    try:
        make_folder(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise DistillError(*describe_os_error(error, path)) from error
    try:
        _take_lock(handle, path, LOCK_PATIENCE if patience is None else patience)
        yield
    finally:
        os.close(handle)
