"""What goes down the line to a real terminal: little while a run is watched, nothing when nothing changes; the bell."""

import os
import random
import re
import select
import time

import pytest

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.codebook_map import write_map
from distill_tui.runs.folder import RunFolder
from tests.ui import explored, recorded
from tests.ui.conftest import PATIENCE
from tests.ui.test_app import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.terminal]

SECONDS = 3
"""Large views are drawn every three seconds."""


def taken_in(terminal: Terminal, seconds: float) -> int:
    """Bytes that the app sends in so many seconds."""
    before, deadline = len(terminal.shown), time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([terminal.master], [], [], left)[0]:
            terminal.shown += os.read(terminal.master, 65536)
    return len(terminal.shown) - before


def quiet(terminal: Terminal, seconds: float = 3.0) -> bool:
    """Whether there comes a time of so many seconds in which nothing is sent; a busy machine may take a while."""
    return any(taken_in(terminal, seconds) == 0 for _ in range(4))


def bells(sent: bytes) -> int:
    """How often it rang: a BEL that ends a title is none."""
    return re.sub(rb"\x1b\][^\x07]*\x07", b"", sent).count(b"\x07")


def seconds_of_training(run: RunFolder, terminal: Terminal, first: int) -> int:
    """Write events from step `first` on as the worker does, a few a second, each with its envelope; bytes sent."""
    chance, sent = random.Random(3), 0
    for second in range(SECONDS):
        for part in range(4):
            step = first + second * 20 + part * 5
            value = 0.55 * chance.uniform(0.95, 1.05)
            values = {"loss/train": value, "loss/recon": value * 0.9, "loss/commit": 0.06, "lr": 7e-4}
            recorded.add_events(
                run,
                e.Metrics(
                    scope="step",
                    step=step,
                    epoch=35,
                    values={**values, "rate/sound": 300 + part},
                    low={"loss/train": value * 0.9},
                    high={"loss/train": value * 1.1},
                    progress=step / 5000,
                    eta_seconds=250.0 - second,
                ),
            )
        sent += taken_in(terminal, 1.0)
    return sent


def test_a_watched_run_takes_little_of_the_line(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        terminal = Terminal(home, rows=35, columns=120)
        try:
            terminal.until("34%")
            # the overview, the chart and the codebooks
            for first, keys in ((1701, ""), (1801, "\x1bOR"), (1901, "\x1bOS")):
                terminal.press(keys)
                taken_in(terminal, 1.0)
                sent = seconds_of_training(run, terminal, first)
                print(f"{sent / SECONDS:.0f} bytes a second")
                assert 0 < sent <= 10_000 * SECONDS, f"{sent / SECONDS:.0f} bytes a second after {keys!r}"
                assert quiet(terminal)
        finally:
            terminal.close()


def test_the_title_tells_the_state_and_the_bell_rings_once(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        terminal = Terminal(home)
        try:
            terminal.until("drums: running")
            terminal.until("34%")
            taken_in(terminal, 1.0)
            assert "\x1b]2;▲ drums: running 34 %\x07".encode() in terminal.shown
            assert bells(terminal.shown) == 0
            terminal.press("a")
            before = len(terminal.shown)
            recorded.add_events(run, e.WarningRaised(code="spike", text="the loss jumped", step=1701))
            terminal.until("the loss jumped")
            taken_in(terminal, 1.0)
            told = terminal.shown[before:]
            assert "\x1b]2;▲ drums: running 34 %\x07".encode() in told
            assert bells(told) == 1
            before = len(terminal.shown)
            recorded.add_events(run, e.Finished(step=1702, epoch=35, seconds=10.0))
            terminal.until("drums finished")
            taken_in(terminal, 1.0)
            told = terminal.shown[before:]
            assert b"drums: finished\x07" in told
            assert bells(told) == 1
            terminal.press("q")
            assert terminal.process.wait(PATIENCE) == 0
            while select.select([terminal.master], [], [], 0.2)[0]:
                try:
                    terminal.shown += os.read(terminal.master, 65536)
                except OSError:
                    break
            # the title that the terminal had before comes back
            assert terminal.shown.count(b"\x1b[22;2t") == terminal.shown.count(b"\x1b[23;2t") == 1
        finally:
            terminal.close()


def test_a_map_that_moves_takes_little_of_the_line(home: Home) -> None:
    run = explored.running(home)
    with recorded.alive(run):
        terminal = Terminal(home, rows=35, columns=120)
        try:
            terminal.until("figures: running")
            terminal.press("4")
            terminal.until("14/16 active")
            taken_in(terminal, 4.0)
            sent, seconds = 0, 4
            for second in range(2 * seconds):
                # as the worker writes: a map and step events twice a second, the pictures anew each time
                step = 1700 + 50 * (second + 1)
                write_map(run.map, explored.a_map(time=second / 2, step=step))
                recorded.add_events(run, explored.metrics(step))
                sent += taken_in(terminal, 0.5)
            print(f"{sent / seconds:.0f} bytes a second")
            assert 0 < sent <= 10_000 * seconds, f"{sent / seconds:.0f} bytes a second"
            assert quiet(terminal)
        finally:
            terminal.close()
