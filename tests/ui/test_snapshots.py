"""The screens as they look, at the sizes that people use.

Changed on purpose? Run `pytest tests/ui --snapshot-update`, and look at each picture that changed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.training.chart import LossChart
from distill_tui.ui.services.system_monitor import SystemMonitor
from tests.ui import recorded
from tests.ui.conftest import screen_text, until
from tests.ui.steady import steady_ask

Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def a_steady_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemMonitor, "ask", steady_ask)


def settled(app: DistillApp) -> Callable[[Pilot[None]], Any]:
    """Wait until the screen shows the whole log and nothing moves any more."""

    async def wait(pilot: Pilot[None]) -> None:
        screen = app._training
        if screen.controller.run is not None:
            await until(pilot, lambda: screen.controller.state.started_at and screen.painter.is_settled)
            if pilot.app.size.width >= 160:
                if screen.controller.state.series:
                    await until(pilot, lambda: [bool(c._drawn) for c in screen.query(LossChart)] == [True, True])
                await until(pilot, lambda: screen.painter.is_settled and "GPU" in screen_text(pilot.app))
            # what one repaint changes can move what another draws: until the screen stays as it is
            before = ""
            while before != (before := screen_text(pilot.app)):
                for _ in range(3):
                    screen.painter.repaint()
                    await pilot.pause()
        await pilot.pause()

    return wait


def app_on(home: Home, run: RunFolder | None, theme: str = "distill") -> DistillApp:
    home.root.mkdir(exist_ok=True)
    home.settings.write_text(f'theme = "{theme}"\n')
    return DistillApp(home, run)


def by_size(*sizes: tuple[int, int]) -> pytest.MarkDecorator:
    """At these sizes; quick runs draw the usual one only."""
    marked = [pytest.param(size, marks=[] if size == USUAL else pytest.mark.slow) for size in sizes]
    return pytest.mark.parametrize("size", marked, ids=[f"{width}x{height}" for width, height in sizes])


SMALLEST, USUAL, LARGE, LARGEST = (40, 12), (80, 24), (120, 35), (200, 50)


@by_size(SMALLEST, USUAL)
def test_nothing_chosen_yet(home: Home, snap_compare: Compare, size: tuple[int, int]) -> None:
    app = app_on(home, None)
    assert snap_compare(app, terminal_size=size, run_before=settled(app))


@pytest.mark.slow
def test_no_run_yet(home: Home, snap_compare: Compare) -> None:
    app = app_on(home, None)

    async def look(pilot: Pilot[None]) -> None:
        await pilot.press("escape", "2")
        await until(pilot, lambda: "No run yet" in screen_text(app))

    assert snap_compare(app, terminal_size=USUAL, run_before=look)


@by_size(SMALLEST, USUAL, LARGE, LARGEST)
def test_running(home: Home, snap_compare: Compare, size: tuple[int, int]) -> None:
    with recorded.alive(recorded.running(home, levels=4)) as run:
        app = app_on(home, run)
        assert snap_compare(app, terminal_size=size, run_before=settled(app))


@pytest.mark.slow
@pytest.mark.parametrize("state", ["starting", "paused"])
def test_alive(home: Home, snap_compare: Compare, state: str) -> None:
    with recorded.alive(getattr(recorded, state)(home)) as run:
        app = app_on(home, run)
        assert snap_compare(app, terminal_size=USUAL, run_before=settled(app))


@pytest.mark.slow
@pytest.mark.parametrize("state", ["stopped", "stopped_early", "diverged", "crashed", "finished"])
def test_ended(home: Home, snap_compare: Compare, state: str) -> None:
    app = app_on(home, getattr(recorded, state)(home))
    assert snap_compare(app, terminal_size=USUAL, run_before=settled(app))


@pytest.mark.slow
def test_without_colour(home: Home, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with recorded.alive(recorded.running(home, levels=4)) as run:
        app = app_on(home, run)
        assert snap_compare(app, terminal_size=USUAL, run_before=settled(app))


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["distill-light", "high-contrast", "ansi", "ansi-white"])
def test_finished_in_each_theme(home: Home, snap_compare: Compare, theme: str) -> None:
    app = app_on(home, recorded.finished(home), theme)
    assert snap_compare(app, terminal_size=(80, 24), run_before=settled(app))


@pytest.mark.slow
def test_a_form_with_sounds(home: Home, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(*_: object) -> Any:
        return recorded.a_corpus()

    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found)
    monkeypatch.setattr("distill_tui.ui.screens.config.sound_source.is_there", lambda _: True)
    app = app_on(home, None)

    async def choose(pilot: Pilot[None]) -> None:
        screen = app._config
        await until(pilot, lambda: app.screen is screen and len(screen.query("#start")))
        screen.query_one("#folder").focus()
        screen.query_one("#folder").value = "/sounds/drums"  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: screen.found.resolved is not None)
        await pilot.press("tab", "tab")
        screen.query("FieldRow Input")[1].value = "none"  # type: ignore[attr-defined]
        await until(pilot, lambda: bool(screen.pane.form.problems()))
        await pilot.pause()

    assert snap_compare(app, terminal_size=(80, 24), run_before=choose)


@pytest.mark.parametrize("keys", [(), ("space", "down", "equals_sign")], ids=("library", "compared"))
@by_size(USUAL, LARGE)
def test_models(home: Home, snap_compare: Compare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    from tests.library.models import write

    write(home.models / "drums [b].distill", seed=1, id="aaaa1111", created="2026-02-01T10:00:00Z", kbps=1.5)
    write(home.models / "speech.distill", seed=2, id="bbbb2222", created="2026-02-03T10:00:00Z", losses={"val": 0.5})
    app = app_on(home, None)

    async def look(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.current_mode == "config")
        await pilot.press("3")
        await until(pilot, lambda: "2026-02-03" in screen_text(app) and "kbps" in screen_text(app))
        for key in keys:
            await pilot.press(key)
        await until(pilot, lambda: ("measure distances" if keys else "speech") in screen_text(app))
        before = ""
        while before != (before := screen_text(app)):
            await pilot.pause(0.1)

    assert snap_compare(app, terminal_size=size, run_before=look)


@pytest.mark.slow
def test_help(home: Home, snap_compare: Compare) -> None:
    with recorded.alive(recorded.running(home)) as run:
        app = app_on(home, run)

        async def ask(pilot: Pilot[None]) -> None:
            await settled(app)(pilot)
            await pilot.press("question_mark")
            await pilot.pause()

        assert snap_compare(app, terminal_size=(80, 24), run_before=ask)


def test_no_snapshot_knows_this_machine() -> None:
    for file in (Path(__file__).parent / "__snapshots__").rglob("*.svg"):
        assert "pytest-of" not in file.read_text(), file
