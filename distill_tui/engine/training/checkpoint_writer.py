"""Checkpoints that do not stop the steps: a copy of the state is written in a thread while training goes on."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from distill_tui.engine.training import checkpoint


@dataclass
class Saved:
    """A checkpoint of `step` that was written, or that could not be (`error`); `count` is the request it answers.

    `seconds` is how long that took.
    """

    step: int
    epoch: int
    count: int
    path: Path = Path()
    seconds: float = 0.0
    error: Exception | None = None


class CheckpointWriter:
    """Writes checkpoints into a folder, one at a time."""

    def __init__(self, folder: Path, afterwards: Callable[[], object]) -> None:
        """Write into `folder`, and call `afterwards` in the same thread."""
        self._folder, self._afterwards = folder, afterwards
        self._thread: threading.Thread | None = None
        self._saved: Saved | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a checkpoint is being written, or its outcome was not fetched yet."""
        return self._saved is not None

    def begin(self, state: Mapping[str, Any], saved: Saved) -> None:
        """Copy `state` to the host, and begin to write it; `saved` becomes its outcome."""
        assert not self.is_busy
        copied, self._saved = copy_to_host(state), saved
        self._thread = threading.Thread(target=self._write, args=(copied, saved), name="checkpoint")
        self._thread.start()

    def fetch(self, wait: bool = False) -> Saved | None:
        """The outcome of the checkpoint that was begun, once; None while it is not known, or if there is none."""
        if self._thread is None or (self._thread.is_alive() and not wait):
            return None
        self.join()
        self._thread, saved, self._saved = None, self._saved, None
        return saved

    def join(self) -> None:
        """Wait until nothing is being written."""
        if self._thread is not None:
            self._thread.join()

    def _write(self, state: dict[str, Any], saved: Saved) -> None:
        began = time.monotonic()
        try:
            saved.path = checkpoint.save(self._folder, saved.step, state)
            saved.seconds = time.monotonic() - began
            del state
            self._afterwards()
        # the trainer's thread hears of it, whatever it is
        except Exception as error:  # noqa: BLE001
            saved.error = error


def copy_to_host(value: Any) -> Any:
    """A copy of nested tensors on the CPU, which later steps do not change."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone() if value.device.type == "cpu" else value.detach().cpu()
    if isinstance(value, Mapping):
        return {key: copy_to_host(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copy_to_host(one) for one in value)
    return value
