"""The Explorer as it looks, at the sizes that people use.

Changed on purpose? Run `pytest tests/ui --snapshot-update`, and look at each picture that changed.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from textual.pilot import Pilot

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.explorer.sources import Source
from tests.ui import explored, recorded
from tests.ui.conftest import screen_text, until

pytestmark = pytest.mark.slow
Compare = Callable[..., bool]
SIZES = [(40, 12), (80, 24), (120, 35), (200, 50)]


def app_on(home: Home, run: RunFolder | None, theme: str = "distill") -> DistillApp:
    home.root.mkdir(exist_ok=True)
    home.settings.write_text(f'theme = "{theme}"\n')
    return DistillApp(home, run, explore=True)


def settled(app: DistillApp, *keys: str, sounds: bool = False) -> Callable[[Pilot[None]], Any]:
    """Press these keys once the map is there, and wait until nothing moves any more."""

    async def wait(pilot: Pilot[None]) -> None:
        screen = app._explorer
        await until(pilot, lambda: screen.controller.state.step and screen.panels.map_view.scene is not None)
        if sounds:
            screen.loader.show(Source("model drums", explored.sound_map()))
        await pilot.press(*keys)
        before = ""
        while before != (before := screen_text(pilot.app)):
            for _ in range(3):
                screen.repaint()
                await pilot.pause()

    return wait


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_pictures(home: Home, snap_compare: Compare, size: tuple[int, int]) -> None:
    with recorded.alive(explored.running(home)) as run:
        app = app_on(home, run)
        keys: Sequence[str] = ("right", "up", "t", "b") if size[0] >= 120 else ("right", "right")
        assert snap_compare(app, terminal_size=size, run_before=settled(app, *keys))


@pytest.mark.parametrize("size", [(80, 24), (120, 35)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_sounds(home: Home, snap_compare: Compare, size: tuple[int, int]) -> None:
    app = app_on(home, explored.running(home))
    assert snap_compare(app, terminal_size=size, run_before=settled(app, "right", "up", "o", "left", sounds=True))


@pytest.mark.parametrize("theme", ["distill-light", "high-contrast", "ansi"])
def test_pictures_in_each_theme(home: Home, snap_compare: Compare, theme: str) -> None:
    with recorded.alive(explored.running(home)) as run:
        app = app_on(home, run, theme)
        assert snap_compare(app, terminal_size=(120, 35), run_before=settled(app, "right", "up", "s"))


def test_a_vae_whose_latents_collapsed(home: Home, snap_compare: Compare) -> None:
    with recorded.alive(explored.running(home, kl=0.31)) as run:
        app = app_on(home, run)
        assert snap_compare(app, terminal_size=(80, 24), run_before=settled(app))


@pytest.mark.parametrize("keys", [("v", "right"), ("v", "v")], ids=["map", "pictures"])
def test_a_view_alone_in_a_small_pane(home: Home, snap_compare: Compare, keys: tuple[str, ...]) -> None:
    with recorded.alive(explored.running(home)) as run:
        app = app_on(home, run)
        assert snap_compare(app, terminal_size=(40, 12), run_before=settled(app, *keys))


def test_pictures_alone(home: Home, snap_compare: Compare) -> None:
    with recorded.alive(explored.running(home)) as run:
        app = app_on(home, run)
        assert snap_compare(app, terminal_size=(80, 24), run_before=settled(app, "v", "v"))
