"""Output of commands: data to standard output, everything else to standard error, JSON as one document."""

import sys
from typing import Any

import msgspec

from distill_tui.errors import DistillError
from distill_tui.text import escape_json, without_surrogates


def print_json(document: Any) -> None:
    """Print one JSON document, numbers that are not finite as null."""
    write_json(as_json(document))


def as_json(document: Any) -> bytes:
    """One JSON document with its newline. Bytes of a name that are not UTF-8 are `?` in it."""
    try:
        encoded = msgspec.json.encode(document)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(without_surrogates(msgspec.to_builtins(document)))
    return msgspec.json.format(encoded, indent=2) + b"\n"


def write_json(encoded: bytes) -> None:
    """Write JSON with its newline to standard output, nothing in it that could drive a terminal."""
    sys.stdout.buffer.write(escape_json(encoded))
    sys.stdout.flush()


def say(text: str) -> None:
    """Tell the person something that is not data."""
    print(text, file=sys.stderr, flush=True)


def told_beside_json(error: DistillError) -> int:
    """Tell an error on standard error alone: standard output has a JSON document already. The exit code."""
    say(f"distill-tui: {error}")
    return error.exit_code
