"""The event log on disk: appended by one writer, followed by any number of readers."""

import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from distill_tui.errors import DistillError
from distill_tui.files import PRIVATE, describe_os_error
from distill_tui.foreign import NotRegularError, open_regular, seek_data
from distill_tui.runs.events import LONGEST_LINE, Codec, Event
from distill_tui.runs.folder import is_same_file

BATCH_BYTES = 1 << 20
TAIL_BYTES = 65536


class LogWriter:
    """Appends events, each as one line in one write; numbering continues from the events in the log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._time, self._time_at = 0.0, time.monotonic()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, PRIVATE)
            if not stat.S_ISREG(os.fstat(self._file).st_mode):
                os.close(self._file)
                raise NotRegularError(errno.EINVAL, "is not a regular file")
            self.seq = self._mend()
        except OSError as error:
            raise DistillError(*describe_os_error(error, path)) from error

    def _mend(self) -> int:
        """Cut off a last line that a killed worker left unfinished; the last sequence number."""
        size = os.fstat(self._file).st_size
        end, tail = size, b""
        while end > 0:
            start = max(0, end - 65536)
            tail = os.pread(self._file, end - start, start) + tail
            end = start
            if tail.count(b"\n") >= 2:
                break
            if len(tail) > LONGEST_LINE:
                # no worker wrote this: it stays, and readers skip it
                os.write(self._file, b"\n")
                return sum(1 for _ in read_events(self._path))
        keep = tail.rfind(b"\n") + 1
        if keep < len(tail):
            os.ftruncate(self._file, end + keep)
        for line in reversed(tail[:keep].splitlines()):
            event = Codec.decode(line)
            if event is not None:
                return event.seq
        return sum(1 for _ in read_events(self._path))

    def write(self, event: Event) -> None:
        """Append `event`; its `seq` and `time` are set here.

        Raises:
            DistillError: the disk is full; the log ends with its last whole line.
        """
        self.seq += 1
        event.seq, event.time = self.seq, round(self._now(), 3)
        line = Codec.encode(event)
        before = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            if written != len(line):
                os.ftruncate(self._file, before)
                raise OSError(28, "No space left on device")
        except OSError as error:
            self.seq -= 1
            raise DistillError(*describe_os_error(error, self._path)) from error

    def _now(self) -> float:
        """Seconds since 1970. They never go back: where the clock is put back, they go on from where they were."""
        now, at = time.time(), time.monotonic()
        if now < self._time:
            now = self._time + at - self._time_at
        self._time, self._time_at = now, at
        return now

    def why_lost(self) -> str:
        """Reason why nobody could read what is written from here on; '' as long as there is none."""
        gone = not is_same_file(self._path, self._file)
        return "the log of this run was moved, removed or replaced while it trained" if gone else ""

    def close(self) -> None:
        os.close(self._file)


class LogReader:
    """Reads a log incrementally by byte offset. A last line without its newline is not there yet."""

    batch_bytes = BATCH_BYTES

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0

    def read_new(self, limit: int | None = None) -> list[Event]:
        """Events since the last call, from at most about `limit` bytes that hold any.

        [] if there are none, or the file cannot be read.
        """
        try:
            with open_regular(self.path) as file:
                file.seek(self.offset)
                while data := file.read(limit or self.batch_bytes):
                    if b"\n" not in data:
                        data += file.readline(LONGEST_LINE)
                    # a line that is too long is skipped; its end is skipped as damaged
                    end = len(data) if len(data) > LONGEST_LINE else data.rfind(b"\n") + 1
                    self.offset += end
                    lines = (line for line in data[:end].splitlines() if self._wants(line))
                    # lines of a type unknown to this version must not look like the end of the log
                    events = [event for line in lines if (event := Codec.decode(line)) is not None]
                    if events or not end:
                        return events
                    self.offset = seek_data(file, self.offset)
        except OSError:
            pass
        return []

    def _wants(self, line: bytes) -> bool:  # noqa: ARG002
        """Check whether a line is worth decoding; `offset` is the end of its batch."""
        return True

    def size(self) -> int:
        """Size of the log in bytes; 0 if there is none."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def was_replaced(self) -> bool:
        """Check whether the log is shorter than what was read of it, and so another one."""
        return self.size() < self.offset


def read_events(path: Path) -> Iterator[Event]:
    """All whole events of a log, in order."""
    reader = LogReader(path)
    while events := reader.read_new():
        yield from events


class _AnswerReader(LogReader):
    def _wants(self, line: bytes) -> bool:
        return line.startswith((b'{"type":"checkpoint"', b'{"type":"preview"'))


def read_answers(path: Path) -> Iterator[Event]:
    """The events of a log that may answer requests: checkpoints and previews."""
    reader = _AnswerReader(path)
    while events := reader.read_new():
        yield from events


def end_of_log(path: Path) -> int:
    """Offset after the last whole line, from which a reader sees future events only."""
    try:
        with open_regular(path) as file:
            end = file.seek(0, 2)
            while end > 0:
                start = max(0, end - 65536)
                file.seek(start)
                newline = file.read(end - start).rfind(b"\n")
                if newline >= 0:
                    return start + newline + 1
                end = start
    except OSError:
        pass
    return 0


def start_of_tail(path: Path, size: int = TAIL_BYTES) -> int:
    """Offset of the first line that begins in about the last `size` bytes; 0 in a shorter log."""
    try:
        with open_regular(path) as file:
            length = file.seek(0, 2)
            if length <= size:
                return 0
            file.seek(length - size)
            file.readline(LONGEST_LINE)
            return file.tell()
    except OSError:
        return 0


def tail_events(path: Path, size: int = TAIL_BYTES) -> list[Event]:
    """Events of about the last `size` bytes, which show how far a run is, however long its log."""
    reader = LogReader(path)
    reader.offset = start_of_tail(path, size)
    tail: list[Event] = []
    while events := reader.read_new():
        tail += events
    return tail
