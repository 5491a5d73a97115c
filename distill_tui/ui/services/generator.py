"""The process that generates, beside the app: started when something is asked of it, and anew when it has ended.

Threads read what it says, as in `programs`.
"""

import asyncio
import contextlib
import contextvars
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from distill_tui.errors import DistillError
from distill_tui.foreign import MalformedError
from distill_tui.interpreter import python
from distill_tui.machine import COMPUTING
from distill_tui.paths import Home
from distill_tui.takes import protocol as p
from distill_tui.takes.request import Request
from distill_tui.text import encode_path

LAST_LINES = 4
"""Lines of standard error that are shown when the process dies."""


@dataclass(frozen=True)
class Ended:
    """The process ended by itself: idle (code 0), or with what it last said."""

    code: int
    said: str


Listener = Callable[[p.Event | Ended], None]


class GeneratorProcess:
    """Starts the process when something is asked of it, and passes on its events in the app's own thread."""

    def __init__(self, home: Home, listener: Listener, command: list[str] | None = None) -> None:
        self._command = command or python("-m", "distill_tui.engine.generate.worker", "--home", str(home.root))
        self._listener = listener
        self._process: subprocess.Popen[bytes] | None = None
        self._next_id = 0

    @property
    def is_alive(self) -> bool:
        """True while there is a process."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Of the process; 0 for none."""
        return self._process.pid if self._process else 0

    def open(self, model: Path) -> None:
        """Have a model loaded.

        Raises:
            DistillError: the process cannot be started.
        """
        self._write(p.Open(encode_path(model)))

    def make(self, model: Path, folder: Path, request: Request) -> int:
        """Have takes made; the number that their events carry.

        Raises:
            DistillError: the process cannot be started.
        """
        self._next_id += 1
        self._write(p.Make(self._next_id, encode_path(model), encode_path(folder), p.with_paths(request, encode_path)))
        return self._next_id

    def cancel(self) -> None:
        """End the request at work."""
        if self._process is not None:
            self._write(p.Cancel())

    def close(self) -> None:
        """Let the process end: it does when its input ends, a take that it is writing first."""
        process, self._process = self._process, None
        if process is not None:
            _close(process)

    def _write(self, command: p.Command) -> None:
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(p.encode(command))
            process.stdin.flush()
        except OSError as error:
            # it has just died, which its reader is about to tell
            raise DistillError("the process that generates has ended", "Ask again: it is started anew.") from error

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env={**COMPUTING, **os.environ},
            )
        except OSError as error:
            raise DistillError(f"the process that generates cannot be started: {error.strerror}") from error
        self._process = process
        said: deque[str] = deque(maxlen=LAST_LINES)
        assert process.stdout is not None
        assert process.stderr is not None
        listening = threading.Thread(target=_keep_last, args=(process.stderr, said), daemon=True)
        listening.start()
        tell = _Teller(asyncio.get_running_loop(), contextvars.copy_context())
        threading.Thread(target=self._read, args=(tell, process, listening, said), daemon=True).start()
        return process

    def _read(
        self, tell: "_Teller", process: subprocess.Popen[bytes], listening: threading.Thread, said: deque[str]
    ) -> None:
        """Pass on events until the process ends, in a thread of its own."""
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with contextlib.suppress(MalformedError):
                    tell(self._tell, process, p.decode_event(line))
        code = process.wait()
        listening.join()
        _close(process)
        tell(self._tell_end, process, Ended(code, "\n".join(said)))

    def _tell(self, process: subprocess.Popen[bytes], event: p.Event) -> None:
        if process is self._process:
            self._listener(event)

    def _tell_end(self, process: subprocess.Popen[bytes], event: Ended) -> None:
        if process is self._process:
            self._process = None
            self._listener(event)


@dataclass(frozen=True)
class _Teller:
    """Calls from a thread into the app's loop, in the context of whoever started the process: timers need it."""

    loop: asyncio.AbstractEventLoop
    context: contextvars.Context

    def __call__(self, call: Callable[..., None], *arguments: object) -> None:
        # a loop that was closed meanwhile has nobody left to tell
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(call, *arguments, context=self.context)


def _close(process: subprocess.Popen[bytes]) -> None:
    """End the input of a process, which may have ended itself."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _keep_last(stream: IO[bytes], said: deque[str]) -> None:
    with stream:
        for line in stream:
            if text := line.decode(errors="replace").rstrip():
                said.append(text)
