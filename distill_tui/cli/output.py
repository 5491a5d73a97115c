"""Output of commands: data to standard output, everything else to standard error, JSON as one document."""

import argparse
import shutil
import sys
from typing import IO, Any

import msgspec

from distill_tui.errors import DistillError, RequestError
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


def check_sound_output(options: argparse.Namespace, *others: str) -> None:
    """Check that standard output can take the one sound of `--stdout`.

    Args:
        others: flags that say where sounds go instead, by their names in `options`.

    Raises:
        RequestError: it is a terminal, or a flag says otherwise.
    """
    for name in (*others, "json"):
        if getattr(options, name, None):
            raise RequestError(f"--stdout: does not go with --{name}")
    if sys.stdout.isatty():
        raise RequestError(
            "--stdout: writes a sound, which a terminal cannot show", "Pipe it to a player: ... | play -"
        )


def write_sound(file: IO[bytes]) -> None:
    """Write a sound file to standard output."""
    shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.flush()


def told_beside_json(error: DistillError) -> int:
    """Tell an error on standard error alone: standard output has a JSON document already. The exit code."""
    say(f"distill-tui: {error}")
    return error.exit_code
