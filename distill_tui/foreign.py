"""Bytes that somebody else may have written: opened, read and decoded here and nowhere else, within bounds.

A file in a home may be damaged, made by another program or sent by a stranger. Whatever is wrong with it becomes an
OSError (it cannot be read) or a MalformedError (it makes no sense), and nothing is waited for that may never come.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar, overload

from distill_tui.errors import DistillError

MOST_BYTES = 1 << 28
"""The most that is read of a file in one piece, if its reader sets no other bound."""
SMALL_FILE = 1 << 20
"""The bound for files that hold a few settings."""
MOST_TOML = 1 << 22
"""A recipe may list every file that a command line can name."""
MOST_KEYS, DEEPEST = 1000, 32
"""The most keys of a TOML file, and how deep they may be nested."""
_MOST_DOTTED = 10_000_000
"""tomllib takes time for the square of the parts of a dotted key: the most of it that a file may cost."""

SENSELESS = (ValueError, OverflowError, RecursionError, MemoryError, TypeError, KeyError)
"""What decoders raise about foreign bytes, beside msgspec's own errors."""

T = TypeVar("T")


class MalformedError(DistillError):
    """Bytes that are not what they should be; the message says why in a line, and not in which file."""


class NotRegularError(OSError):
    """A pipe, a socket or a device, where a file was meant."""


def open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file for reading. A pipe, which would be waited for, or a device, which may never end, is refused.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    flags = os.O_RDONLY
    for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        handle = os.open(path, flags)
    except ValueError as error:
        # a null byte in it, or a surrogate that stands for no byte
        raise OSError(errno.EINVAL, "it cannot be the name of a file") from error
    try:
        kind = os.fstat(handle).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(kind):
            raise NotRegularError(errno.EINVAL, "is not a regular file")
        return open(handle, "rb")  # noqa: PTH123 - a descriptor is no path
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(handle)
        raise


def read_bytes(path: str | os.PathLike[str], most: int = MOST_BYTES) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger than `most` bytes.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= most else b""
        # it grows while it is read, or is one of those that have no size, as in /proc
        while size < len(content) <= most and (more := file.read(1 << 16)):
            content += more
    if max(size, len(content)) > most:
        raise OSError(errno.EFBIG, f"is larger than {_size(most)}")
    return content


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count} bytes"


def seek_data(file: BufferedReader, offset: int) -> int:
    """Seek to the first byte from `offset` on that lies on the disk; the offset. A file may have holes of terabytes."""
    handle, end = file.fileno(), file.seek(0, os.SEEK_END)
    # what buffers the file must find its descriptor where it left it
    left = os.lseek(handle, 0, os.SEEK_CUR)
    try:
        offset = os.lseek(handle, offset, os.SEEK_DATA)
    except OSError as error:
        # nothing but a hole up to the end; or a file system without such questions
        offset = end if error.errno == errno.ENXIO else offset
    except AttributeError:
        pass
    os.lseek(handle, left, os.SEEK_SET)
    return file.seek(offset)


@contextlib.contextmanager
def sense() -> Iterator[None]:
    """Turn whatever a decoder raises about foreign bytes into a MalformedError."""
    try:
        yield
    except SENSELESS as error:
        # tomllib's errors are ValueErrors
        raise MalformedError(_why(error)) from None


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    lines = str(error).splitlines()
    return lines[0][:300] if lines else type(error).__name__


@overload
def decode(data: bytes | str, kind: type[T]) -> T: ...
@overload
def decode(data: bytes | str) -> Any: ...
def decode(data: bytes | str, kind: Any = Any) -> Any:
    """JSON as `kind`.

    Raises:
        MalformedError: it is not.
    """
    # here, as what starts at once has no JSON to read
    import msgspec

    with sense():
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from None


def convert(value: Any, kind: type[T]) -> T:
    """Plain values as `kind`.

    Raises:
        MalformedError: they are not.
    """
    import msgspec

    with sense():
        try:
            return msgspec.convert(value, kind)
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from None


def decode_toml(text: str) -> dict[str, Any]:
    """TOML as its values.

    Raises:
        MalformedError: it is not TOML, or more of it than any file of ours has; of a mistake in its form the message
            ends as tomllib's does, with its line.
    """
    import tomllib

    if sum(line.count(".") ** 2 for line in text.splitlines()) > _MOST_DOTTED:
        raise MalformedError("it is nested too deep")
    with sense():
        values = tomllib.loads(text)
    _check(values)
    return values


def _check(values: dict[str, Any]) -> None:
    """Refuse values that are nested too deep, too many or too large for whoever walks through them."""
    keys = 0
    level: list[Any] = [values]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                keys += len(value)
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
                raise MalformedError("it holds a number of more than 64 bits")
        if keys > MOST_KEYS:
            raise MalformedError(f"it has more than {MOST_KEYS:,} keys")
        level = inner
        if not level:
            return
    raise MalformedError("it is nested too deep")


def read_toml(path: Path, most: int = MOST_TOML) -> tuple[str, dict[str, Any]]:
    """A TOML file as its text and its values.

    Raises:
        OSError: it cannot be read.
        MalformedError: it is not TOML.
    """
    data = read_bytes(path, most)
    with sense():
        text = data.decode()
    return text, decode_toml(text)
