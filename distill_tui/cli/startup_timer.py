"""Starting a program in a terminal of its own, and seeing what it took until its first screen was there."""

import contextlib
import os
import re
import select
import subprocess
import termios
import time
from dataclasses import dataclass

from distill_tui.errors import DistillError
from distill_tui.interpreter import python

BARE_MARK = "bare and ready"
BARE_APP = f"""
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("{BARE_MARK}")
Bare().run()
"""
FIRST_MARK = "Sounds"
"""Stands on the first screen, Config."""
SIZE = (40, 120)
CONTROLS = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|P[^\x1b]*\x1b\\|[ -/]*[0-~])")


@dataclass(frozen=True)
class Start:
    """Wall and processor seconds until the first screen, and the memory then in MiB."""

    seconds: float
    cpu_seconds: float
    memory_mib: float


def start(arguments: list[str], mark: str, patience: float) -> Start:
    """Run Python with these arguments in a terminal until `mark` stands on it, then end it.

    Raises:
        DistillError: it ended or `patience` seconds went by before that.
    """
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    master, side = os.openpty()
    termios.tcsetwinsize(side, SIZE)
    began = time.monotonic()
    process = subprocess.Popen(
        python(*arguments), stdin=side, stdout=side, stderr=side, env=environment, start_new_session=True
    )
    os.close(side)
    try:
        text = ""
        while mark not in CONTROLS.sub("", text):
            left = began + patience - time.monotonic()
            data = b""
            if left > 0 and select.select([master], [], [], left)[0]:
                with contextlib.suppress(OSError):
                    data = os.read(master, 1 << 16)
            if not data:
                raise DistillError("the app could not be measured: its first screen did not appear", "Try: distill-tui")
            text += data.decode(errors="replace")
        seconds = time.monotonic() - began
        return Start(seconds, *_use(process.pid))
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _use(pid: int) -> tuple[float, float]:
    """Processor seconds and MiB of memory of a process so far."""
    import psutil

    process = psutil.Process(pid)
    times = process.cpu_times()
    return float(times.user + times.system), process.memory_info().rss / 2**20
