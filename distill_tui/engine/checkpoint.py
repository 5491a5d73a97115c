"""Checkpoints: all that a run needs to go on, in one file whose damage is noticed."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from distill_tui.files import atomic_write, sync_folder

KEEP = 3
DIGEST = 32
NAME = re.compile(r"step-(\d+)\.ckpt")


def save(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write `state` (tensors, numbers and texts, nested) as `step-NNNNNNNN.ckpt`; the newest KEEP stay.

    A hash of the content is its last part: a file without it, or with another, was not written to its end.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    path = folder / f"step-{step:08d}.ckpt"

    def write(file: Any) -> None:
        file.write(content)
        file.write(hashlib.blake2b(content, digest_size=DIGEST).digest())

    atomic_write(path, write)
    for old in list(newest_first(folder))[KEEP:]:
        old.unlink(missing_ok=True)
    sync_folder(folder)
    return path


def newest_first(folder: Path) -> Iterator[Path]:
    """The checkpoints of a run, the latest step first."""
    found = [(int(m[1]), p) for p in folder.glob("step-*.ckpt") if (m := NAME.fullmatch(p.name))]
    for _, path in sorted(found, reverse=True):
        yield path


def load(path: Path) -> dict[str, Any]:
    """The state of a checkpoint, its tensors on the CPU. Nothing in the file is run.

    Raises:
        ValueError: the file is damaged; the message says how.
    """
    content = path.read_bytes()
    body, digest = content[:-DIGEST], content[-DIGEST:]
    if hashlib.blake2b(body, digest_size=DIGEST).digest() != digest:
        raise ValueError("it is damaged or was not written to its end")
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return state


def load_newest(folder: Path, warn: Callable[[Path, str], None]) -> dict[str, Any] | None:
    """The newest good checkpoint; `warn` hears of each that is passed over. None when there is none."""
    for path in newest_first(folder):
        try:
            return load(path)
        except (OSError, ValueError, RuntimeError) as error:
            warn(path, str(error).splitlines()[0])
    return None
