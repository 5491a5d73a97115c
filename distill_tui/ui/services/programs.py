"""Processes beside the app, for work that needs torch, numpy or minutes: the screen never waits.

Threads wait for them and not asyncio's transports, which would have to be awaited after the app was told to leave.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import IO

from distill_tui.interpreter import python
from distill_tui.paths import Home

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Answer:
    """Result of a process: its exit code, its standard output, and the lines of its standard error."""

    code: int
    document: bytes
    said: list[str]

    @property
    def problem(self) -> str:
        """The last lines of standard error, at most four."""
        return (
            "\n".join(line.removeprefix("distill-tui: ") for line in self.said[-4:]) or f"ended with code {self.code}"
        )


async def call(home: Home, *arguments: str, progress: Progress = lambda *_: None) -> Answer:
    """Run `distill-tui ARGUMENTS`. `progress` is called with (done, total). Cancelling ends the process."""
    answer = await run(python("-m", "distill_tui", "--home", str(home.root), *arguments), progress=progress)
    return replace(answer, document=b"") if answer.code and _is_error(answer.document) else answer


def _is_error(document: bytes) -> bool:
    """Return whether a document is an error that a command prints with `--json`; standard error has its text too."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() == {"error", "hint", "exit_code"}


async def run(
    command: list[str], *, progress: Progress = lambda *_: None, env: Mapping[str, str] | None = None
) -> Answer:
    """Run a command to its end, away from the terminal. Cancelling ends it and all that it started.

    Args:
        env: its environment; None for that of the app.

    Raises:
        OSError: it cannot be started.
    """
    loop = asyncio.get_running_loop()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=env,
    )
    assert process.stdout is not None
    assert process.stderr is not None

    def tell(done: int, total: int) -> None:
        # a loop that was closed meanwhile has nobody left to tell
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(progress, done, total)

    try:
        document, said = await asyncio.gather(
            # not to_thread, which begins only when the loop comes round: a cancelled one would never read
            loop.run_in_executor(None, _read, process, process.stdout),
            loop.run_in_executor(None, _listen, process.stderr, tell),
        )
    finally:
        end(process)
    return Answer(process.returncode, document, said)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a session leader and all that it started. A thread waits for its end: a large process takes long."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        threading.Thread(target=_see_off, args=(process,)).start()


def _see_off(process: subprocess.Popen[bytes]) -> None:
    with process:
        pass


def _read(process: subprocess.Popen[bytes], stream: IO[bytes]) -> bytes:
    with stream:
        document = stream.read()
    process.wait()
    return document


def _listen(stream: IO[bytes], progress: Progress) -> list[str]:
    """Pass progress on; the other lines."""
    said = []
    with stream:
        for line in stream:
            text = line.decode(errors="replace").rstrip()
            try:
                step = json.loads(text)
                progress(int(step["done"]), int(step["total"]))
            except (ValueError, KeyError, TypeError):
                if text:
                    said.append(text)
    return said
