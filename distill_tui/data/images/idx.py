"""IDX files: the format of MNIST and of the data sets that follow it, gzipped or not.

Four bytes say the type and the number of dimensions, then the length of each as four bytes, then the numbers
(http://yann.lecun.com/exdb/mnist, "the IDX file format").
"""

import contextlib
import gzip
import io
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from distill_tui.errors import RequestError
from distill_tui.files import describe_os_error
from distill_tui.foreign import open_regular
from distill_tui.text import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNSIGNED_BYTES = 0x08
CHUNK_BYTES = 1 << 20
MOST_BYTES = 1 << 30
"""A file that claims more is not read: MNIST's largest has 47 MB."""


def idx_shape(path: Path, dimensions: int) -> tuple[int, ...]:
    """Shape of a file of unsigned bytes with so many dimensions; the whole file is checked, and little of it held.

    Raises:
        RequestError: it cannot be read, or is no such file; the message says why.
    """
    with _open(path, dimensions) as (shape, file):
        length, size = 0, math.prod(shape)
        while length <= size and (chunk := file.read(CHUNK_BYTES)):
            length += len(chunk)
    _check_length(path, length, size)
    return shape


def read_idx(path: Path, dimensions: int) -> "NDArray[np.uint8]":
    """The numbers of a file of unsigned bytes with so many dimensions.

    Raises:
        RequestError: it cannot be read, or is no such file; the message says why.
    """
    import numpy as np  # 0.1 s, and the app checks files without it

    with _open(path, dimensions) as (shape, file):
        size = math.prod(shape)
        body = file.read(size + 1)
    _check_length(path, len(body), size)
    return np.frombuffer(body, np.uint8).reshape(shape)


@contextlib.contextmanager
def _open(path: Path, dimensions: int) -> Iterator[tuple[tuple[int, ...], gzip.GzipFile | io.BufferedReader]]:
    """The shape of an IDX file, and the file open behind its header; errors within become a RequestError."""
    where = printable(str(path))
    try:
        with open_regular(path) as plain, gzip.open(plain) if _is_gzip(plain) else plain as file:
            head = file.read(4 + 4 * dimensions)
            if len(head) < 4 + 4 * dimensions or head[:2] != b"\0\0":
                raise RequestError(f"{where}: not an IDX file", "It should begin with two zero bytes.")
            if head[2] != UNSIGNED_BYTES or head[3] != dimensions:
                raise RequestError(
                    f"{where}: type {head[2]:#04x} with {head[3]} dimensions, not unsigned bytes with {dimensions}"
                )
            shape = struct.unpack(f">{dimensions}I", head[4:])
            if (size := math.prod(shape)) > MOST_BYTES:
                raise RequestError(f"{where}: claims {size:,} bytes, more than this program reads")
            yield shape, file
    except OSError as error:
        # gzip's own errors are OSErrors without a number
        if error.errno is None:
            raise RequestError(f"{where}: damaged: {error}") from error
        raise RequestError(*describe_os_error(error, path)) from error
    except (EOFError, zlib.error) as error:
        raise RequestError(f"{where}: damaged: {error}") from error


def _check_length(path: Path, length: int, size: int) -> None:
    if length != size:
        what = "cut off" if length < size else "longer than it says"
        raise RequestError(f"{printable(str(path))}: {what}: {size:,} bytes wanted")


def _is_gzip(file: IO[bytes]) -> bool:
    first = file.read(2)
    file.seek(0)
    return first == b"\x1f\x8b"
