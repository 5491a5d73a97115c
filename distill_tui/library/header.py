"""The header of a `.distill` file: read, and no number of it believed before it is checked against the file's size."""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import IO, Annotated, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from distill_tui.errors import RequestError
from distill_tui.foreign import SENSELESS, NotRegularError, open_regular
from distill_tui.library.card import FORMAT, TYPE, VERSION
from distill_tui.text import printable

SUFFIX = ".distill"
MAX_HEADER = 100_000_000
"""The longest header in bytes; the limit of the safetensors package too."""
MOST_TENSORS = 20_000
"""The largest nets that a recipe can ask for have some thousands."""
SUMMARY_BYTES = 16384
"""How much of a file is read for its summary; one that is longer, which long names of folders can make it, is found in
the whole header."""
ITEM_SIZES = {
    **dict.fromkeys(("BOOL", "U8", "I8"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}
"""Bytes of a number by its safetensors dtype."""


class Slot(Struct):
    """The header's entry of a tensor: its type, shape and place in the file."""

    dtype: str
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=64)]
    data_offsets: tuple[Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=0)]]


class Header(NamedTuple):
    """A header whose every number was checked. `start` is where the tensors' bytes begin."""

    card: bytes
    slots: dict[str, Slot]
    start: int


_entries = msgspec.json.Decoder(dict[str, Raw])
_metadata = msgspec.json.Decoder(dict[str, str])
_slot = msgspec.json.Decoder(Slot)
_text = msgspec.json.Decoder(str)
MALFORMED = (msgspec.MsgspecError, *SENSELESS)


@contextlib.contextmanager
def open_model(path: Path) -> Iterator[IO[bytes]]:
    """The file, open for reading; what the system says against that as a RequestError."""
    try:
        file = open_regular(path)
    except IsADirectoryError:
        raise wrong(path, f"is a folder, not a {SUFFIX} file") from None
    except NotRegularError:
        raise wrong(path, "is not a regular file") from None
    except (FileNotFoundError, NotADirectoryError):
        raise wrong(path, "no such file") from None
    except (OSError, ValueError) as error:
        raise wrong(path, f"cannot be read: {_reason(error)}") from None
    with file:
        try:
            yield file
        except (OSError, MemoryError) as error:
            raise wrong(path, f"cannot be read: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or "not enough memory").lower()


def wrong(path: Path, what: str, hint: str = "") -> RequestError:
    """The error that says what is wrong with a file."""
    return RequestError(printable(f"{path}: {what}"), hint)


def read_header(path: Path, file: IO[bytes]) -> Header:
    """The header, every number of it checked against the file's size before it is used.

    Raises:
        RequestError: what is wrong.
    """
    size = os.fstat(file.fileno()).st_size
    start = file.read(8)
    if not start:
        raise wrong(path, "is empty")
    length = int.from_bytes(start, "little")
    if len(start) < 8:
        raise _foreign(path, file, f"it has {len(start)} bytes")
    if length > MAX_HEADER or 8 + length > size:
        raise _foreign(path, file, f"its header claims {length:,} bytes, the file has {size:,}")
    packed = file.read(length)
    try:
        entries = _entries.decode(packed)
        metadata = _metadata.decode(entries.pop("__metadata__", b"{}"))
    except MALFORMED as error:
        raise _foreign(path, file, f"its header is not JSON of the right kind: {error}") from None
    _check_kind(path, metadata)
    if len(entries) > MOST_TENSORS:
        raise wrong(path, f"claims {len(entries):,} tensors, more than any net here has")
    card = metadata.get("card", "").encode()
    if hashlib.sha256(card).hexdigest() != metadata.get("card_sha256"):
        raise wrong(path, "its card is damaged: it differs from its recorded hash")
    try:
        slots = {name: _slot.decode(entry) for name, entry in entries.items()}
    except MALFORMED as error:
        raise wrong(path, f"its table of tensors is damaged: {error}") from None
    end = 0
    for name, slot in sorted(slots.items(), key=lambda item: item[1].data_offsets):
        problem = _slot_problem(slot, end)
        if problem:
            raise wrong(path, f"tensor {name!r} {problem}")
        end = slot.data_offsets[1]
    if (missing := 8 + length + end - size) > 0:
        raise wrong(path, f"is cut off: {missing:,} bytes of its weights are missing")
    if missing < 0:
        raise wrong(path, f"has {-missing:,} bytes after its end")
    return Header(card, slots, 8 + length)


def summary_metadata(summary: bytes, weights: int) -> dict[str, str]:
    """The metadata that stands before the card, as `read_summary_text` expects it. `weights` is their size in bytes."""
    return {
        "format": FORMAT,
        "version": str(VERSION),
        "type": TYPE,
        "weights_bytes": str(weights),
        "summary_sha256": hashlib.sha256(summary).hexdigest(),
        "summary": summary.decode(),
    }


_BEGINNING = re.compile(
    rb'\{"__metadata__":\{"format":"%b","version":"%d","type":"%b",'
    rb'"weights_bytes":"(\d{1,18})","summary_sha256":"([0-9a-f]{64})","summary":'
    % (FORMAT.encode(), VERSION, TYPE.encode())
)
_AFTER = b',"card":"'


def read_summary_text(file: IO[bytes]) -> bytes | None:
    """The summary of a file of this version that is as long as it should be, from its first kilobytes.

    None for any other: its whole header has to be read, and tells what is wrong, if anything is. The file is then at
    its beginning again.
    """
    start = file.read(SUMMARY_BYTES)
    begin = _BEGINNING.match(start, 8)
    end = start.find(_AFTER, begin.end()) if begin else -1
    if begin and end > 0 and os.fstat(file.fileno()).st_size == 8 + int.from_bytes(start[:8], "little") + int(begin[1]):
        try:
            summary = _text.decode(start[begin.end() : end]).encode()
        except MALFORMED:
            summary = b""
        if hashlib.sha256(summary).hexdigest().encode() == begin[2]:
            return summary
    file.seek(0)
    return None


def _slot_problem(slot: Slot, end: int) -> str:
    """The problem of a tensor's entry, if the tensor before it ends at `end`; '' for none."""
    begin, after = slot.data_offsets
    if slot.dtype not in ITEM_SIZES:
        return f"has an unknown kind of numbers, {slot.dtype!r}"
    if begin != end:
        return "does not begin where the one before it ends"
    if after - begin != prod(slot.shape) * ITEM_SIZES[slot.dtype]:
        return "has a shape that does not fit its bytes"
    return ""


def _foreign(path: Path, file: IO[bytes], reason: str) -> RequestError:
    """The error for a file without a header that can be read: what it is, as far as its first bytes tell."""
    file.seek(0)
    first = file.read(9)
    if first.startswith((b"PK\x03\x04", *(bytes((0x80, protocol)) for protocol in range(2, 6)))):
        return wrong(
            path, f"a PyTorch pickle or zip, not a {SUFFIX} file", "It is not opened, because a pickle can run code."
        )
    length = int.from_bytes(first[:8], "little")
    if len(first) < 8 or (length <= MAX_HEADER and first[8:] in (b"", b"{")):
        return wrong(path, f"is damaged or cut off: {reason}")
    return wrong(path, f"not a {SUFFIX} file: {reason}")


def _check_kind(path: Path, metadata: dict[str, str]) -> None:
    """Check that this is a model of a version and type that this program reads."""
    found, version, kind = (metadata.get(key, "") for key in ("format", "version", "type"))
    if found != FORMAT:
        what = f"its format is {found[:80]!r}" if found else "it has no card"
        raise wrong(path, f"a safetensors file, but not a {SUFFIX} model: {what}")
    if version != str(VERSION):
        if not (version.isascii() and version.isdigit() and len(version) < 10 and version[0] != "0"):
            raise wrong(path, f"is damaged: its version is {version[:80]!r}")
        newer = int(version) > VERSION
        age = "newer" if newer else "older"
        raise wrong(
            path,
            f"version {int(version)} of the format is {age} than this program's {VERSION}",
            "Update distill-tui." if newer else "Train it again, or use the release of distill-tui that wrote it.",
        )
    if kind != TYPE:
        raise wrong(path, f"a model of type {kind[:80]!r}; this program has {TYPE!r} only")
