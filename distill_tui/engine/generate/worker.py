"""The warm process that generates for the app: `python -m distill_tui.engine.generate.worker --home HOME`.

It reads commands and writes events (`takes.protocol`), and keeps the last model loaded, so that the second take comes at
once. A thread reads the commands, so that one that is at work can be cancelled.
"""

import argparse
import contextlib
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from distill_tui.errors import DistillError
from distill_tui.foreign import MalformedError
from distill_tui.paths import Home, find_home
from distill_tui.takes import protocol as p
from distill_tui.text import decode_path

if TYPE_CHECKING:
    from distill_tui.engine.generate.make import Maker

Stamp = tuple[str, int, int]
"""Path, time and size of a model's file."""


class Worker:
    """Does one command after the other."""

    def __init__(
        self, home: Home, commands: IO[bytes], events: IO[bytes], idle_seconds: float = p.IDLE_SECONDS
    ) -> None:
        self._home, self._events, self._idle_seconds = home, events, idle_seconds
        self._queue: queue.SimpleQueue[p.Open | p.Make | None] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._writing = threading.Lock()
        self._loaded: tuple[Stamp, Maker, p.Ready] | None = None
        threading.Thread(target=self._listen, args=(commands,), daemon=True).start()

    def run(self) -> int:
        """Work until the input ends or nothing is asked for long; the exit code."""
        while True:
            try:
                command = self._queue.get(timeout=self._idle_seconds)
            except queue.Empty:
                return 0
            if command is None:
                return 0
            self._do(command)

    def _listen(self, commands: IO[bytes]) -> None:
        for line in commands:
            with contextlib.suppress(MalformedError):
                command = p.decode_command(line)
                if isinstance(command, p.Cancel):
                    self._cancelled.set()
                else:
                    self._queue.put(command)
        # the app is gone: a take that is being written is written to its end
        with self._writing:
            os._exit(0)

    def _do(self, command: p.Open | p.Make) -> None:
        id = command.id if isinstance(command, p.Make) else 0
        made = 0
        try:
            maker, ready = self._load(Path(decode_path(command.model)))
            if isinstance(command, p.Open):
                self._say(ready)
                return
            self._cancelled.clear()
            for made in self._make(maker, command):
                pass
            self._say(p.Done(id, made, self._cancelled.is_set()))
        except DistillError as error:
            self._say(p.Failed(id, error.message, error.hint, made))
        except MemoryError:
            self._say(p.Failed(id, "out of memory", "Ask for fewer takes at once, or shorter ones.", made))
        except Exception as error:  # noqa: BLE001 - whatever it is, the app must hear of it; the traceback goes to stderr
            traceback.print_exc()
            reason = str(error).splitlines()[0] if str(error) else "no message"
            self._say(p.Failed(id, f"{type(error).__name__}: {reason}", "", made))

    def _say(self, event: p.Event) -> None:
        # the app is gone: the other thread ends this process
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._events.write(p.encode(event))
            self._events.flush()

    def _load(self, path: Path) -> "tuple[Maker, p.Ready]":
        """The maker of a model file, from the last time if that is still the same file."""
        try:
            found = path.stat()
        except OSError as error:
            raise DistillError(f"{path}: {(error.strerror or str(error)).lower()}", "Choose another model.") from error
        stamp = (str(path), found.st_mtime_ns, found.st_size)
        if self._loaded is None or self._loaded[0] != stamp:
            # before the next one is loaded: two may not fit into memory
            self._loaded = None
            self._loaded = (stamp, *self._load_anew(path))
        return self._loaded[1:]

    def _load_anew(self, path: Path) -> "tuple[Maker, p.Ready]":
        raise NotImplementedError

    def _make(self, maker: "Maker", command: p.Make) -> Iterator[int]:
        """Make the takes of a request; so many are in the folder."""
        raise NotImplementedError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="distill_tui.engine.generate.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args(arguments)
    # whatever a library prints must not get among the events
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return Worker(find_home(options.home), sys.stdin.buffer, events).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
