"""Manifests: the data of a run, fixed at its start, in a checksummed JSON file."""

import hashlib
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct

from distill_tui.errors import DistillError
from distill_tui.files import atomic_write
from distill_tui.foreign import MalformedError, convert, decode, read_bytes
from distill_tui.text import printable

HASH = "hash"
"""The last key of the file: the hash of all others. Files of early releases have none, and are read without."""
MOST_BYTES = 1 << 30


class Manifest(Struct):
    """The facts of a run's data."""

    @property
    def hash(self) -> str:
        """The hash that the file of this manifest holds."""
        return _hash(self.document())

    def document(self) -> dict[str, Any]:
        """The manifest as its file holds it, without the hash."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def save(self, path: Path) -> None:
        """Write the manifest, atomically."""
        document = self.document()
        document[HASH] = _hash(document)
        atomic_write(path, msgspec.json.format(msgspec.json.encode(document), indent=1))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a manifest that `save` wrote.

        Raises:
            DistillError: it is gone, cannot be read, or is damaged.
        """
        way_out = "Start a new run on the same data; a copy of the file would do as well."
        try:
            document = decode(read_bytes(path, MOST_BYTES), dict[str, Any])
            recorded = document.pop(HASH, None)
            if recorded is not None and recorded != _hash(document):
                raise MalformedError("it differs from its recorded hash")
            return convert(document, cls)
        except OSError as error:
            raise DistillError(printable(f"{path}: cannot be read: {error.strerror or error}"), way_out) from None
        except MalformedError as error:
            raise DistillError(printable(f"{path}: damaged: {error}"), way_out) from None


def _hash(document: dict[str, Any]) -> str:
    return hashlib.blake2b(msgspec.json.encode(document), digest_size=16).hexdigest()
