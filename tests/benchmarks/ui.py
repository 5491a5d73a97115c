"""What the app costs, through a pseudo-terminal, beside a bare Textual app in the same run.

    python -m tests.benchmarks.ui [ROUNDS]

Prints a Markdown table: the time to the first screen; a key until the screen answers, while 50 events a second come in;
bytes a second to the terminal at 120x35, watched and idle; the share of a core; memory.
"""

import contextlib
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from distill_tui.paths import Home
from distill_tui.runs.events import Metrics
from distill_tui.runs.folder import RunFolder
from tests.ui import recorded

BARE = """
from textual.app import App
from textual.widgets import Footer, Input, Static
class Bare(App):
    animation_level = "none"
    def compose(self):
        yield Static("ready: a bare app")
        yield Static("", id="answer")
        yield Footer()
    def on_key(self, event):
        self.query_one("#answer").update(f"answered {event.key}")
Bare().run(mouse=False)
"""
SIZE = (35, 120)
EVENTS_A_SECOND = 50
WATCHED_SECONDS = 10.0
KEYS = 60
SINGLE_SECONDS = 0.4
PATIENCE = 60.0
_MORE_STEPS = 10_000_000


class Terminal:
    """A program in a terminal of 120x35 that nobody looks at. `told` counts what it has sent."""

    def __init__(self, *command: str, env: dict[str, str] | None = None) -> None:
        self.begun = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "", **(env or {})})
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
            os.execv(sys.executable, [sys.executable, *command])
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.told = 0
        self._text = b""

    def until(self, *wanted: bytes) -> float:
        """Read until all of these were sent since the last call; when the last of them came."""
        deadline = time.perf_counter() + PATIENCE
        while not all(word in self._text for word in wanted):
            if time.perf_counter() > deadline:
                raise SystemExit(f"no {wanted!r} in {self._text[-2000:]!r}")
            self._text += self._read(1.0)
        now = time.perf_counter()
        self._text = b""
        return now

    def _read(self, patience: float) -> bytes:
        if not select.select([self._master], [], [], patience)[0]:
            return b""
        data = os.read(self._master, 1 << 16)
        self.told += len(data)
        return data

    def drain(self, seconds: float) -> int:
        """Read for so long; how many bytes came."""
        before, deadline = self.told, time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self._read(left)
        self._text = b""
        return self.told - before

    def press(self, key: str) -> float:
        """Press a key; when that was."""
        os.write(self._master, key.encode())
        return time.perf_counter()

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._master)


@contextlib.contextmanager
def opened(*command: str) -> Iterator[Terminal]:
    terminal = Terminal(*command)
    try:
        yield terminal
    finally:
        terminal.end()


def step_event(step: int) -> Metrics:
    """The numbers of a step of a run of sounds."""
    wave = 0.1 * (step % 17) / 17
    values: dict[str, float | None] = {"loss/train": 0.5 + wave, "loss/recon": 0.4 + wave, "loss/commit": 0.06}
    return Metrics(scope="step", step=step, epoch=34, values=values, progress=step / 5000, eta_seconds=300.0)


@contextlib.contextmanager
def events_coming_in(
    run: RunFolder, event: Callable[[int], Metrics] = step_event, beside: Callable[[int], None] = lambda _: None
) -> Iterator[None]:
    """A writer that appends so many step events a second to the run's log, as a worker would.

    After the first, second, ... of them `beside` is called with its number, for what else a worker leaves.
    """
    done = threading.Event()

    def write() -> None:
        count, began = 0, time.monotonic()
        recorder = recorded.Recorder(run)
        recorder.seq, recorder.now = _MORE_STEPS, recorded.START + 10_000
        while not done.wait(max(0.0, began + count / EVENTS_A_SECOND - time.monotonic())):
            count += 1
            recorder.write(event(1700 + count))
            beside(count)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def first_screens(home: Home, rounds: int) -> tuple[float, float]:
    """Medians of the seconds from the start of the process to the first screen: a bare app's, ours; taken in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for number, (command, seen) in enumerate(
            ((("-c", BARE), b"ready"), (("-m", "distill_tui", "--home", str(home.root)), b"No sounds chosen"))
        ):
            with opened(*command) as terminal:
                took = terminal.until(seen) - terminal.begun
            # the first start of a program compiles it
            if turn:
                times[number].append(took)
    return statistics.median(times[0]), statistics.median(times[1])


def answers(terminal: Terminal, keys: list[tuple[str, bytes]], pause: float = 0.05) -> list[float]:
    """Seconds from each key until what it shows was sent; pressed at odd moments, `pause` seconds apart and up."""
    found = []
    for number in range(KEYS):
        key, seen = keys[number % len(keys)]
        terminal.drain(pause + 0.013 * (number % 11))
        found.append(-terminal.press(key) + terminal.until(seen))
    return found


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def main(rounds: int) -> None:
    rows: list[tuple[str, str, str, str]] = []

    def row(what: str, bare: float, ours: float, form: str, wanted: str) -> None:
        ratio = f"{ours / bare:.2f} x" if bare else "-"
        rows.append((what, form.format(bare) if bare else "-", form.format(ours), f"{ratio} | {wanted}"))
        print(what, *rows[-1][1:], flush=True)

    with tempfile.TemporaryDirectory() as folder:
        # as where it is installed: compiled once, whatever this shell says
        os.environ.update(PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=f"{folder}/compiled")
        home = Home(Path(folder) / "empty")
        bare, ours = first_screens(home, rounds)
        row("first screen", bare, ours, "{:.2f} s", "1.15 x")
        home = Home(Path(folder) / "home")
        with recorded.alive(recorded.running(home)) as run, contextlib.ExitStack() as stack:
            plain = stack.enter_context(opened("-c", BARE))
            plain.until(b"ready")
            answered = answers(plain, [("a", b"answered a"), ("b", b"answered b")])
            app = stack.enter_context(opened("-m", "distill_tui", "--home", str(home.root), "watch", run.id))
            app.until(b"running")
            app.drain(3.0)
            process = psutil.Process(app.pid)
            row("idle, to the terminal", 0, app.drain(WATCHED_SECONDS) / WATCHED_SECONDS, "{:.0f} B/s", "0")
            with events_coming_in(run):
                app.drain(2.0)
                spent = process.cpu_times()
                told = app.drain(WATCHED_SECONDS) / WATCHED_SECONDS
                now = process.cpu_times()
                share = (now.user + now.system - spent.user - spent.system) / WATCHED_SECONDS
                row("watched, to the terminal", 0, told, "{:.0f} B/s", "10,000 B/s")
                row("watched, share of a core", 0, 100 * share, "{:.1f} %", "5 %")
                # the knobs are drawn again when a key moves among them, and not by what comes in
                moved = answers(app, [("\x1b[B", b"STFT"), ("\x1b[A", b"STFT")])
                middle = 1000 * statistics.median(answered), 1000 * statistics.median(moved)
                row("key to screen, median", *middle, "{:.0f} ms", "-")
                row("key to screen, 95 of 100", 1000 * p95(answered), 1000 * p95(moved), "{:.0f} ms", "30 ms")
                # keys in a row hold new numbers back; these do not
                single = answers(app, [("\x1b[B", b"STFT"), ("\x1b[A", b"STFT")], SINGLE_SECONDS)
                row("single key, 95 of 100", 0, 1000 * p95(single), "{:.0f} ms", "30 ms")
            plain_memory = psutil.Process(plain.pid).memory_full_info().uss / 1e6
            row("memory of its own", plain_memory, process.memory_full_info().uss / 1e6, "{:.0f} MB", "120 MB")
    print("\n| | bare app | this app | ratio | wanted |\n|---|---|---|---|---|")
    for cells in rows:
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
