"""The views of the Training screen as they look. See test_snapshots for what to do when one was changed on purpose."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from textual.pilot import Pilot

from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.app import DistillApp
from distill_tui.ui.services.spectrograms import Film, Shot, Spectrogram
from distill_tui.ui.services.system_monitor import SystemMonitor
from tests.ui import recorded
from tests.ui.conftest import screen_text, until
from tests.ui.steady import settle, steady_ask
from tests.ui.test_snapshots import Compare, app_on

pytestmark = pytest.mark.slow
by_size = pytest.mark.parametrize("size", [(40, 12), (120, 35)], ids=lambda s: f"{s[0]}x{s[1]}")


@pytest.fixture(autouse=True)
def a_steady_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is always as busy, and the home of a test, which has another name each time, is not shown."""
    monkeypatch.setattr(SystemMonitor, "ask", steady_ask)
    monkeypatch.setattr(
        formatting, "shorten_path", lambda text, width: "…/" + text.rpartition("/runs/")[2][: width - 2]
    )


@pytest.fixture(autouse=True)
def drawn_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that no arithmetic of this machine changes: slopes, the second fainter."""

    async def make(self: Film, shots: Sequence[Shot]) -> None:
        for shot in shots:
            part = 1 if shot.file == shot.original else 2
            self._kept[shot] = Spectrogram(
                tuple(
                    bytes(max(0, 255 - 6 * abs(x - y * part) - 90 * (part - 1)) for x in range(shot.width))
                    for y in range(shot.height)
                ),
                44100,
                1.25,
            )

    monkeypatch.setattr(Film, "make", make)


def showing(app: DistillApp, said: str, *keys: str) -> Callable[[Pilot[None]], Any]:
    """Press these keys, and wait until that is on the screen."""

    async def wait(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app._training.controller.state.started_at)
        await pilot.press(*keys)
        await until(pilot, lambda: said in screen_text(pilot.app), said)
        await settle(pilot, quiet=2)

    return wait


def counted(home: Home) -> RunFolder:
    run = recorded.finished(home)
    recorded.add_events(run, e.CodesCounted(step=2000, epoch=40, counts=recorded.code_counts(3)))
    return run


@by_size
def test_chart(home: Home, snap_compare: Compare, size: tuple[int, int]) -> None:
    app = app_on(home, recorded.finished(home))
    assert snap_compare(app, terminal_size=size, run_before=showing(app, "└─", "f3"))


def test_chart_zoomed_smoothed_read_and_compared(home: Home, snap_compare: Compare) -> None:
    other = recorded.make_run(home, name="speech", stamp="20260224-100000")
    recorded.train(recorded.begin(other, name="speech"), 30)
    app = app_on(home, recorded.finished(home))
    keys = ("f3", *["left"] * 30, "plus", "h", "z", "equals_sign", "space", "enter")
    assert snap_compare(app, terminal_size=(120, 35), run_before=showing(app, "train of: G speech", *keys))


@pytest.mark.parametrize("theme", ["distill-light", "ansi"])
def test_chart_in_each_theme(home: Home, snap_compare: Compare, theme: str) -> None:
    app = app_on(home, recorded.finished(home), theme)
    assert snap_compare(app, terminal_size=(80, 24), run_before=showing(app, "└─", "f3", "h", "left"))


def test_chart_of_a_run_that_diverged(home: Home, snap_compare: Compare) -> None:
    app = app_on(home, recorded.diverged(home))
    assert snap_compare(app, terminal_size=(80, 24), run_before=showing(app, "└─", "f3"))


@by_size
def test_codebooks(home: Home, snap_compare: Compare, size: tuple[int, int]) -> None:
    app = app_on(home, counted(home))
    assert snap_compare(app, terminal_size=size, run_before=showing(app, "level 2", "f4", "down", "down"))


@by_size
def test_previews(home: Home, snap_compare: Compare, size: tuple[int, int]) -> None:
    app = app_on(home, recorded.finished(home))
    assert snap_compare(app, terminal_size=size, run_before=showing(app, "original", "f5"))


def test_previews_in_sixteen_colours(home: Home, snap_compare: Compare) -> None:
    app = app_on(home, recorded.finished(home), "ansi")
    assert snap_compare(app, terminal_size=(80, 24), run_before=showing(app, "░", "f5"))
