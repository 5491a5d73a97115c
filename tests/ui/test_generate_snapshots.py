"""The Generate screen as it looks, on the stand-in for its process."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from distill_tui.paths import Home
from tests.ui.conftest import screen_text, until
from tests.ui.test_generate import generator, models  # noqa: F401 - fixtures
from tests.ui.test_snapshots import LARGE, LARGEST, SMALLEST, USUAL, Compare, app_on, by_size


@by_size(SMALLEST, USUAL, LARGE, LARGEST)
def test_takes(models: Home, snap_compare: Compare, size: tuple[int, int]) -> None:  # noqa: F811
    app = app_on(models, None)

    async def look(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.current_mode == "config")
        await pilot.press("5")
        await until(pilot, lambda: app.current_mode == "generate" and app._generate.work.ready)
        screen = app._generate
        screen.form.values["count"] = 12
        await pilot.press("g")
        await until(pilot, lambda: len(screen.list.keys) == 12 and not screen.work.is_busy)
        screen.work._result = "✓ 12 takes in 1.0 s"
        screen.set_focus(screen.list)
        await pilot.press("down", "space", "down", "x")
        await until(pilot, lambda: "2 kept" not in screen_text(app) and len(screen.list.keys) == 11)
        screen.painter.repaint()
        before = ""
        while before != (before := screen_text(app)) or "making the picture" in before:
            await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=look)


@pytest.mark.slow
def test_no_take_yet(models: Home, snap_compare: Compare) -> None:  # noqa: F811
    app = app_on(models, None)

    async def look(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.current_mode == "config")
        await pilot.press("5")
        await until(pilot, lambda: "ready: drums" in screen_text(app))
        assert Path(app.home.models / "drums.distill").exists()
        await pilot.pause()

    assert snap_compare(app, terminal_size=USUAL, run_before=look)
