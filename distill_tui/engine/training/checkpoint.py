"""Checkpoints: everything needed to resume a run, in one checksummed file."""

import contextlib
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from distill_tui.engine.quantizers.upgrade import upgrade_state
from distill_tui.errors import DistillError
from distill_tui.files import PRIVATE_FOLDER, atomic_write, describe_os_error, sync_folder
from distill_tui.foreign import read_bytes

KEEP = 3
MOST_BYTES = 1 << 40
"""A checkpoint may be as large as the memory."""
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
    try:
        # not its parents: a run that was removed is not created again
        folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
    except OSError as error:
        raise DistillError(*describe_os_error(error, folder)) from error

    def write(file: Any) -> None:
        file.write(content)
        file.write(hashlib.blake2b(content, digest_size=DIGEST).digest())

    atomic_write(path, write)
    # the new one is safe: an old one that cannot be deleted is no reason to end
    with contextlib.suppress(OSError):
        for old in list(newest_first(folder))[KEEP:]:
            old.unlink(missing_ok=True)
        sync_folder(folder)
    return path


def newest_first(folder: Path) -> Iterator[Path]:
    """The checkpoints of a run, the latest step first."""
    numbered = [(int(m[1]), p) for p in folder.glob("step-*.ckpt") if (m := NAME.fullmatch(p.name))]
    for _, path in sorted(numbered, reverse=True):
        yield path


def load(path: Path) -> dict[str, Any]:
    """The state of a checkpoint of any version, its tensors on the CPU. Nothing in the file is run.

    Raises:
        OSError: it cannot be read.
        ValueError: the file is damaged; the message says how.
    """
    content = read_bytes(path, MOST_BYTES)
    body, digest = content[:-DIGEST], content[-DIGEST:]
    if hashlib.blake2b(body, digest_size=DIGEST).digest() != digest:
        raise ValueError("it is damaged or was not written to its end")
    try:
        state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001 - torch raises whatever a file that it did not write leads to
        # and its words advise to load such a file unsafely
        raise ValueError("it was not written by this program") from None
    if not isinstance(state, dict):
        raise ValueError("it was not written by this program")
    return upgrade_state(state)


def check_fits(
    state: dict[str, Any], net: torch.nn.Module, ema_net: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Check that the tensors of a state fit this net: torch would copy some before it notices, or none.

    Raises:
        ValueError, KeyError, TypeError: they do not.
    """
    for given, own in ((state["net"], net), (state["averaged"], ema_net), (state["best"]["weights"], ema_net)):
        if given is not None and _shapes(given) != _shapes(own.state_dict()):
            raise ValueError("its net has another shape")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    kept = state["optimizer"]
    if [len(group["params"]) for group in kept["param_groups"]] != [len(g["params"]) for g in optimizer.param_groups]:
        raise ValueError("its optimizer is another")
    for number, slots in kept["state"].items():
        # numbers of steps have no dimension
        if any(slot.ndim and slot.shape != parameters[number].shape for slot in slots.values()):
            raise ValueError("its optimizer has another shape")


def _shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}


def load_newest(
    folder: Path, warn: Callable[[Path, str], None], use: Callable[[dict[str, Any]], object] = lambda _: None
) -> dict[str, Any] | None:
    """The newest good checkpoint; None when there is none.

    Args:
        warn: is called with each that is passed over, and why.
        use: restores a state. One for which it raises is passed over as well; it has to leave nothing behind then that
            the next one does not replace.
    """
    for path in newest_first(folder):
        try:
            state = load(path)
        except (OSError, ValueError) as error:
            warn(path, (getattr(error, "strerror", None) or str(error)).splitlines()[0])
            continue
        try:
            use(state)
        except Exception as error:  # noqa: BLE001 - what is in it is another run's, or damaged in a way that has a hash
            warn(path, f"it is not of this run: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}")
            continue
        return state
    return None
