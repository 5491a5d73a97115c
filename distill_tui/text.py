"""Text of others: made safe for terminals, JSON, file names and logs, which names, cards and arguments must not drive.

Whatever a command prints goes through a `Gate`, and whatever the app draws through `ui.terminal.sanitize`, so that no
place that prints has to remember it.
"""

import contextlib
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""What turns the direction of all that follows on the line, even beyond a name. Right-to-left letters need none."""
DRIVING = re.compile(rf"[\0-\x08\x0b-\x1f\x7f-\x9f{TURNING}\ud800-\udfff]")
"""What can drive a terminal, newlines and tabs aside, and halves of characters, which cannot be encoded."""
_DRIVING_BUT_COLOURS = rf"(?!\x1b\[(?:[0-2]|3[1-3])m){DRIVING.pattern}"
"""The same without the colours of `cli.terminal_style`. Like `_IN_JSON` compiled at first use: tmux's line has none."""
_IN_JSON = "|".join(["[\x7f]", "\xc2[\x80-\x9f]", *(c.encode().decode("latin-1") for c in TURNING)]).encode("latin-1")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def escape_json(document: bytes) -> bytes:
    """JSON with what drives a terminal written as `\\u009b`: it stands in texts only, so the meaning is the same."""
    return re.sub(_IN_JSON, lambda match: b"\\u%04x" % ord(match[0].decode()), document)


def without_surrogates(value: Any) -> Any:
    """A document of plain values in which bytes that are not UTF-8, as a file name may have them, became `?`."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_surrogates(inner) for inner in value]
    return value


class Gate:
    """A text stream that drops whatever drives a terminal; on a terminal the colours of `cli.terminal_style` pass."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._driving = re.compile(_DRIVING_BUT_COLOURS) if stream.isatty() else DRIVING

    def write(self, text: str) -> int:
        self.stream.write(self._driving.sub(REPLACEMENT, text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def send(stream: TextIO, controls: str) -> None:
    """Write control characters of our own past the gate."""
    stream = stream.stream if isinstance(stream, Gate) else stream
    stream.write(controls)
    stream.flush()


@contextlib.contextmanager
def gated() -> Iterator[None]:
    """Have a gate before standard output and standard error."""
    before = sys.stdout, sys.stderr
    # a process that was started without them has none
    sys.stdout, sys.stderr = (cast("TextIO", Gate(stream)) if stream else stream for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextlib.contextmanager
def ungated() -> Iterator[None]:
    """Have them as they are, for the app: it drives the terminal itself."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream.stream if isinstance(stream, Gate) else stream for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


_UNSURE = frozenset("\u200d\ufe0e\ufe0f")
"""What joins emoji and changes their width: no two terminals agree on how far they reach."""


def printable(text: str) -> str:
    """`text` with control characters and undecodable bytes replaced, so that no file name can drive a terminal.

    Joined emoji come apart: how many cells each takes is then the same everywhere.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if c in TURNING or unicodedata.category(c) in ("Cc", "Cs") else c
        for c in text
        if c not in _UNSURE
    )


def clean_name(name: str, fallback: str = "untitled") -> str:
    """A name that any file system takes: no separators or control characters, at most 80 characters and 200 bytes."""
    name = unicodedata.normalize("NFC", name)
    name = re.sub(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\ud800-\udfff]+', "-", name)
    name = re.sub(r"\s+", " ", name).strip(" .-")[:80]
    while len(name.encode()) > 200:
        name = name[:-1]
    return name.strip(" .-") or fallback


def unused_name(name: str, taken: Callable[[str], bool]) -> str:
    """`name`, or the first of `name-2`, `name-3`, ... that is not taken."""
    number, candidate = 1, name
    while taken(candidate):
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def encode_path(path: str | os.PathLike[str]) -> str:
    """An absolute path as text that any JSON or TOML file takes.

    It is the path itself; only one with bytes in it that are no text becomes a `file:///` address, which spells them.
    """
    text = os.fspath(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Path(text).as_uri()
    return text


def decode_path(text: str) -> str:
    """The path that `encode_path` wrote as `text`, for opening it; a path that is none of its addresses stays."""
    if not text.startswith("file:///"):
        return text
    from urllib.parse import unquote_to_bytes

    return os.fsdecode(unquote_to_bytes(text.removeprefix("file://")))
