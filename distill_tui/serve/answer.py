"""Requests that were found to be allowed, and answers to them."""

import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

import msgspec

from distill_tui.text import without_surrogates

HTML, JSON, STREAM = "text/html; charset=utf-8", "application/json", "text/event-stream"


class Refused(Exception):  # noqa: N818 - an answer like others, and no mistake
    """A request that gets no answer but this status, with `text` in ASCII where that helps a person."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(status)
        self.status, self.text = status, text


@dataclass(frozen=True)
class Request:
    """A request behind the token: its method, the path after the token and the query, both still encoded, the body."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    range: str = ""


class Reader(Protocol):
    """Who reads a stream."""

    def write(self, data: bytes) -> None:
        """Send bytes; an OSError once the reader has gone, or takes nothing for too long."""

    def is_there(self) -> bool:
        """True unless the reader has gone."""


@dataclass(frozen=True)
class Answer:
    """An answer of a kind (MIME): the `content`, bytes or what opens a file; or a `stream` that writes for as long as
    it is read."""

    kind: str
    content: bytes | Callable[[], IO[bytes]] = b""
    stream: Callable[[Reader], None] | None = None
    status: int = 200
    range: str = ""
    has_ranges: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def open(self) -> IO[bytes]:
        """The content, open for reading.

        Raises:
            Refused: the file is gone.
        """
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        try:
            return self.content()
        except OSError:
            raise Refused(404) from None


def json_answer(document: Any) -> Answer:
    """A document of plain values, structs or dataclasses as JSON."""
    return Answer(JSON, encode(document))


def encode(document: Any) -> bytes:
    """JSON without bytes that are no text; markup is text like other."""
    try:
        return msgspec.json.encode(document, enc_hook=str)
    except UnicodeEncodeError:
        return msgspec.json.encode(without_surrogates(msgspec.to_builtins(document, enc_hook=str)))


def part_of(wanted: str, file: IO[bytes]) -> tuple[int, int, int]:
    """The bytes of a file that a Range header wants: from, to (without), and the file's size.

    A header that is not understood, or that wants several parts, means the whole file (RFC 9110, 14.2).

    Raises:
        Refused: there are no such bytes.
    """
    size = file.seek(0, os.SEEK_END)
    found = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", wanted.strip())
    first, last = found.groups() if found else ("", "")
    if not (first or last) or (first and last and int(last) < int(first)):
        return 0, size, size
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size:
        raise Refused(416)
    return start, end, size
