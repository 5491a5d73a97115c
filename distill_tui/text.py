"""Other people's text on its way to a terminal or into JSON: names, cards, logs and arguments must not drive either.

Whatever a command prints goes through a `Gate`, and whatever the app draws through `ui.terminal.sanitize`, so that no
place that prints has to remember it.
"""

import contextlib
import re
import sys
from collections.abc import Iterator
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
