"""The warm process that generates for the app: `python -m distill_tui.engine.generate.worker --home HOME`.

It reads commands and writes events (`takes.protocol`), and keeps the last model loaded, so that the second take comes
at once. A thread reads the commands, so that a request at work can be cancelled.
"""

import argparse
import contextlib
import faulthandler
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, NoReturn

from distill_tui.errors import DistillError, RequestError
from distill_tui.files import describe_os_error
from distill_tui.foreign import MalformedError
from distill_tui.paths import Home, find_home
from distill_tui.settings import read_settings
from distill_tui.takes import protocol as p
from distill_tui.takes.folder import TakesFolder
from distill_tui.text import decode_path, encode_path, printable

if TYPE_CHECKING:
    from distill_tui.engine.generate.make import Made, Maker

Stamp = tuple[str, int, int]
"""Path, time and size of a model's file."""


class Worker:
    """Does one command after the other."""

    def __init__(
        self, home: Home, commands: IO[bytes], events: IO[bytes], idle_seconds: float = p.IDLE_SECONDS
    ) -> None:
        self._home, self._events, self._idle_seconds = home, events, idle_seconds
        settings = read_settings(home)
        self._format: Literal["wav", "flac"] = "flac" if settings.sound_format == "flac" else "wav"
        self._limit = settings.sound_limit
        self._queue: queue.SimpleQueue[p.Open | p.Make | None] = queue.SimpleQueue()
        self._last_id = self._cancelled_to = 0
        self._writing = threading.Lock()
        self._is_warm = False
        self._loaded: tuple[Stamp, Maker, p.Ready] | None = None
        threading.Thread(target=self._listen, args=(commands,), daemon=True).start()

    def run(self) -> int:
        """Work until nothing was asked for long; the exit code. The end of the input ends the process."""
        while True:
            try:
                command = self._queue.get(timeout=self._idle_seconds)
            except queue.Empty:
                return 0
            if isinstance(command, p.Make):
                self._attempt(command)
            elif command is not None and self._queue.empty():
                # else somebody steps through the models, and waits for a later one
                self._attempt(command)

    def _listen(self, commands: IO[bytes]) -> None:
        for line in commands:
            with contextlib.suppress(MalformedError):
                command = p.decode_command(line)
                if isinstance(command, p.Cancel):
                    self._cancelled_to = self._last_id
                else:
                    self._last_id = command.id if isinstance(command, p.Make) else self._last_id
                    self._queue.put(command)
        # the app is gone: a take that is being written is written to its end
        with self._writing:
            os._exit(0)

    def _attempt(self, command: p.Open | p.Make) -> None:
        """Do a command, and tell what comes of it, whatever that is."""
        id, made = (command.id if isinstance(command, p.Make) else 0), 0
        try:
            maker, ready = self._load(Path(decode_path(command.model)))
            self._say(ready)
            if isinstance(command, p.Open):
                self._warm_up(maker, ready)
            else:
                for made in self._make(maker, command):  # noqa: B007 - so many are made if it breaks
                    pass
                self._say(p.Done(id, made, id <= self._cancelled_to))
        except DistillError as error:
            self._say(p.Failed(id, error.message, error.hint, made))
        except MemoryError:
            self._say(p.Failed(id, "out of memory", "Ask for shorter takes, or for fewer at once.", made))
        except Exception as error:  # noqa: BLE001 - whatever it is, the app must hear of it; the traceback is for stderr
            traceback.print_exc()
            reason = str(error).splitlines()[0] if str(error) else "no message"
            self._say(p.Failed(id, f"{type(error).__name__}: {reason}", "", made))

    def _say(self, event: p.Event) -> None:
        # the app is gone: the other thread ends this process
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._events.write(p.encode(event))
            self._events.flush()

    # models

    def _load(self, path: Path) -> "tuple[Maker, p.Ready]":
        """The maker of a model file, from the last time if that is still the same file."""
        try:
            found = path.stat()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RequestError(f"{printable(str(path))}: {reason}", "Choose another model.") from error
        stamp = (str(path), found.st_mtime_ns, found.st_size)
        if self._loaded is None or self._loaded[0] != stamp:
            # let go of the one before: two may not fit into memory
            self._loaded, self._is_warm = None, False
            self._loaded = (stamp, *self._load_anew(path))
        return self._loaded[1:]

    def _load_anew(self, path: Path) -> "tuple[Maker, p.Ready]":
        self._say(p.Loading("PyTorch"))
        from distill_tui.engine.generate.make import Maker

        self._say(p.Loading(path.stem))
        maker = Maker.open(
            path, self._home, progress=lambda done, total: self._say(p.Loading("the codes of your sounds", done, total))
        )
        kind = "generator" if "prior" in maker.methods else "codec"
        return maker, p.Ready(encode_path(path), kind, maker.labels, maker.bank.notice)

    def _warm_up(self, maker: "Maker", ready: p.Ready) -> None:
        """Make a take that nobody gets: what is computed for the first one is there when one is asked for."""
        if self._is_warm or not self._queue.empty():
            return
        from distill_tui.takes.request import Request

        self._say(p.Loading("the scale of novelty"))
        next(maker.make(Request()), None)
        self._is_warm = True
        self._say(ready)

    # takes

    def _make(self, maker: "Maker", command: p.Make) -> Iterator[int]:
        """Make the takes of a request; yields how many are in the folder."""
        id, folder = command.id, TakesFolder(Path(decode_path(command.folder)))
        request = p.with_paths(command.request, decode_path)

        def progress(done: int, total: int) -> None:
            self._say(p.Progress(id, done, total))

        made = maker.make(request, progress, lambda: id <= self._cancelled_to)
        for number, one in enumerate(made, 1):
            self._say(self._write(id, folder, one, maker.sample_rate))
            yield number
        with self._writing:
            folder.thin(self._limit)

    def _write(self, id: int, folder: TakesFolder, made: "Made", rate: int) -> p.TakeMade:
        """Write a take; the event that tells of it, with its picture."""
        from distill_tui.data.spectrogram import spectrogram_images
        from distill_tui.takes.sound_file import save_take

        try:
            with self._writing:
                take = save_take(folder, made.wave, rate, made.take, self._format)
            (picture,) = spectrogram_images([folder.file(take)], *p.PICTURE)
        except OSError as error:
            raise DistillError(*describe_os_error(error, folder.path)) from error
        rows = [] if picture.error else [row.tobytes().hex() for row in picture.levels]
        return p.TakeMade(id, take, rows)


def main(arguments: list[str]) -> NoReturn:
    parser = argparse.ArgumentParser(prog="distill_tui.engine.generate.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--idle", type=float, default=p.IDLE_SECONDS, help="seconds after which it ends")
    options = parser.parse_args(arguments)
    faulthandler.enable()
    # whatever a library prints must not get among the events
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    code = Worker(find_home(options.home), sys.stdin.buffer, events, options.idle).run()
    sys.stderr.flush()
    # the other thread still reads its input, whose lock the interpreter would wait for at its end, and abort
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
