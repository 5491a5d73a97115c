"""The real program in tests: a process of its own, in a pipe or in a terminal, on runs that take a moment."""

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.quick_state import quick_state
from tests.data.sounds import sine, write

PATIENCE = 120.0
"""Seconds after which something hangs: a deadline says nothing of speed, on a loaded machine least of all."""
TINY: dict[str, Any] = {
    "model.channels": 16,
    "model.encoder_blocks": 1,
    "model.decoder_blocks": 1,
    "model.latent_dim": 8,
    "model.codebook_size": 8,
    "model.rvq_levels": 2,
    "model.sample_rate": 8000,
    "data.crop_seconds": 0.25,
    "train.batch_size": 2,
    "train.steps_per_epoch": 3,
    "train.epochs": 3,
    "train.preview_every": 0,
    "train.previews": 1,
    "train.device": "cpu",
    "train.precision": "float32",
}
LONG: dict[str, Any] = {"train.epochs": 1_000_000, "train.quantizer_warmup_fraction": 0.0}


def tiny(**values: Any) -> list[str]:
    """The tiny recipe as `--set` flags, changed by `values` (`train__epochs=2`)."""
    chosen = TINY | {key.replace("__", "."): value for key, value in values.items()}
    return [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]


def few_sounds(folder: Path) -> Path:
    """Five short sines as WAV files in `folder`."""
    for number in range(5):
        write(folder / f"tone {number}.wav", sine(0.4, 8000, 200 + 130 * number), 8000)
    return folder


def environment(**more: str) -> dict[str, str]:
    # one thread: several torch processes on two cores otherwise wait for each other most of the time
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def start(*arguments: str, **how: Any) -> "subprocess.Popen[bytes]":
    """`distill-tui` with its outputs in pipes."""
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.Popen([sys.executable, "-m", "distill_tui", *arguments], env=environment(), **how)


def cli(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """`distill-tui` from its start to its end."""
    return subprocess.run(
        [sys.executable, "-m", "distill_tui", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(**more),
        check=False,
    )


def until(ready: Callable[[], Any], what: str = "it") -> None:
    """Look again and again until `ready`."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, f"{what} takes too long"
        time.sleep(0.02)


def only_run(home: Home) -> RunFolder:
    """The one run of a home, as soon as it is there."""
    until(lambda: list(home.runs.glob("*/recipe.toml")), "the run's folder")
    (recipe,) = home.runs.glob("*/recipe.toml")
    return RunFolder(recipe.parent)


def until_state(run: RunFolder, *states: str) -> None:
    """Wait until a run is in one of these states."""
    until(lambda: quick_state(run).state in states, f"{run.id} in {states}")


OURS = (sys.executable, "-m", "distill_tui")


class Terminal:
    """A program in a pseudo-terminal of its own session; `text` is all that it has printed."""

    def __init__(self, *arguments: str, program: tuple[str, ...] = OURS, **more: Any) -> None:
        """`program` runs in place of ours, found on the PATH."""
        self.text = ""
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            command = [*program, *arguments]
            os.execvpe(command[0], command, environment(**{"TERM": "xterm-256color", **more}))

    def read_until(self, wanted: str) -> None:
        """Read until the program has printed `wanted`."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"no '{wanted}' in {self.text!r}"
            if not self._read(1.0):
                raise AssertionError(f"ended without '{wanted}': {self.text!r}")

    def _read(self, patience: float) -> bool:
        if select.select([self._master], [], [], patience)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return False
            self.text += data.decode(errors="replace")
            return bool(data)
        return True

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def hang_up(self) -> None:
        """Close the terminal, as a lost line does: its processes get SIGHUP."""
        os.close(self._master)
        self._master = -1

    def wait(self) -> int:
        """Read to the program's end; its exit code, negative for a signal."""
        while (
            self._master >= 0
            and self._read(0.2)
            and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        ):
            pass
        while self._master >= 0 and select.select([self._master], [], [], 0.2)[0] and self._read(0):
            pass
        status = os.waitpid(self.pid, 0)[1]
        if self._master >= 0:
            self.hang_up()
        return os.waitstatus_to_exitcode(status)


@contextlib.contextmanager
def ended_at_last(home: Home) -> Iterator[None]:
    """Leave no worker behind, however the test ends."""
    try:
        yield
    finally:
        for lock in home.runs.glob("*/worker.lock"):
            run = RunFolder(lock.parent)
            pid = run.worker_pid()
            if run.is_alive() and pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
