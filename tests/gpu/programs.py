"""Processes with a limit of time: the real program, and the measurements of `inside`."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distill_tui.machine import COMPUTING
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder

ROOT = Path(__file__).parents[2]
GRACE = 8.0
"""Seconds in which a process that was interrupted may end by itself."""


class FailedError(Exception):
    """Something did not do what it should, in a few lines."""


@dataclass
class Settings:
    """What every section is told. `deadline` is of the section, on the monotonic clock."""

    device: str
    small: bool
    work: Path
    drums_minutes: float
    data: Path | None
    measure: Path | None
    deadline: float = 0.0

    @property
    def left(self) -> float:
        """Seconds until the section's end."""
        return max(1.0, self.deadline - time.monotonic())

    @property
    def on_cuda(self) -> bool:
        return self.device.startswith("cuda")


@dataclass
class Done:
    """A process that ended; `late` when it was ended for its time."""

    code: int
    out: str
    err: str
    seconds: float
    late: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return "\n".join(self.err.strip().splitlines()[-6:])

    def lines(self) -> list[dict[str, Any]]:
        """The JSON documents that it printed, one a line."""
        found = []
        for line in self.out.splitlines():
            with contextlib.suppress(ValueError):
                value = json.loads(line)
                if isinstance(value, dict):
                    found.append(value)
        return found


def run(command: Sequence[str], limit: float, interrupt_after: str = "") -> Done:
    """A process from its start to its end, or to its limit in seconds.

    Args:
        interrupt_after: when its output contains this, it gets SIGINT, once.
    """
    # the program's own processes look for modules in no current folder: it may not be installed here
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**COMPUTING, **os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": path}
    began, late = time.monotonic(), threading.Event()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as process:

        def interrupt() -> None:
            late.set()
            process.send_signal(signal.SIGINT)

        # what it has started itself (a compiler's helpers) would keep the pipes open
        timers = [threading.Timer(limit, interrupt), threading.Timer(limit + GRACE, end_group, [process.pid])]
        for timer in timers:
            timer.start()
        out = ""
        if interrupt_after:
            assert process.stdout is not None
            for line in process.stdout:
                out += line
                if interrupt_after in line:
                    process.send_signal(signal.SIGINT)
                    break
        more, err = process.communicate()
        for timer in timers:
            timer.cancel()
    return Done(process.returncode, out + more, err, time.monotonic() - began, late.is_set())


def end_group(pid: int) -> None:
    """End a process that leads a session, and all that it started there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def inside(settings: Settings, what: str, limit: float = 0.0, **options: Any) -> list[dict[str, Any]]:
    """What a measurement of `inside` printed, one document a line; a limit that ends it loses only what was to come.

    Raises:
        FailedError: it printed nothing.
    """
    told = {"device": settings.device, "small": settings.small, "work": str(settings.work), **options}
    command = [sys.executable, "-m", "tests.gpu.inside", what, json.dumps(told)]
    done = run(command, min(limit or settings.left, settings.left))
    found = done.lines()
    if not found:
        raise FailedError(f"{what}: {'out of time' if done.late else f'exit code {done.code}'}: {done.last_words}")
    if done.code or done.late:
        found.append({"error": "out of time" if done.late else done.last_words})
    return found


def cli(settings: Settings, home: Path, *arguments: str, interrupt_after: str = "", **how: Any) -> Done:
    """`distill-tui` with this home.

    Raises:
        FailedError: it failed, or was late; the worker's last words are told as well.
    """
    command = [sys.executable, "-m", "distill_tui", *arguments, "--home", str(home)]
    done = run(command, min(float(how.get("limit", settings.left)), settings.left), interrupt_after)
    done.events = [value for value in done.lines() if "type" in value]
    if done.late:
        end_workers(home)
    if (done.code and not how.get("may_fail")) or done.late:
        name = " ".join(arguments[:2])
        why = "out of time" if done.late else f"exit code {done.code}"
        raise FailedError(f"{name}: {why}\n{done.last_words}\n{worker_words(home)}".strip())
    return done


def worker_words(home: Path) -> str:
    """The last lines of the newest worker's own output."""
    logs = sorted(home.glob("runs/*/worker.log"), key=lambda path: path.stat().st_mtime)
    return "\n".join(logs[-1].read_text(errors="replace").strip().splitlines()[-12:]) if logs else ""


def end_workers(home: Path) -> None:
    """Leave no worker of this home behind."""
    for lock in Home(home).runs.glob("*/worker.lock"):
        found = RunFolder(lock.parent)
        pid = found.worker_pid()
        if found.is_alive() and pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def sets(**values: Any) -> list[str]:
    """`--set` flags (`train__epochs=2`)."""
    return [part for key, value in values.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]


def train(settings: Settings, home: Path, data: Path, name: str, *arguments: str, **how: Any) -> Done:
    """A training in the foreground, its events read from `--json`."""
    flags = ["--name", name, "--device", settings.device, "--json", *arguments]
    return cli(settings, home, "train", str(data), *flags, **how)


def end_of(done: Done) -> dict[str, Any]:
    """The last event of a run.

    Raises:
        FailedError: there is none.
    """
    ends = [event for event in done.events if event["type"] in ("finished", "stopped", "failed")]
    if not ends:
        raise FailedError(f"no last event\n{done.last_words}")
    return ends[-1]


def warnings_of(done: Done) -> list[str]:
    """What a run warned of."""
    return [f"{event['code']}: {event['text']}" for event in done.events if event["type"] == "warning"]


def demo_sounds(settings: Settings, count: int = 24) -> Path:
    """So many of the demo's sounds, in a folder."""
    from distill_tui.data.demo_sounds import write_demo_sounds

    folder = settings.work / f"sounds-{count}"
    if not folder.is_dir():
        write_demo_sounds(folder, count=count)
    return folder
