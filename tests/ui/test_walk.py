"""A walk through all screens by keys alone, at each size: the focus is seen, footers are whole, nothing overlaps."""

from itertools import combinations

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from distill_tui.paths import Home
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.base import BaseScreen
from distill_tui.ui.widgets.footer import AppFooter
from distill_tui.ui.widgets.header import SCREENS
from tests.library.models import write
from tests.ui import recorded
from tests.ui.conftest import until

SIZES = [(40, 12), (80, 24), (120, 35), (200, 50)]
VIEWS = {"training": ("f2", "f3", "f4", "f5")}


def seen(screen: BaseScreen) -> list[Widget]:
    """The widgets that draw something themselves: those in which no other is shown."""
    shown = [node for node in screen.query("*") if node.is_on_screen and node.region.area]
    parents = {node.parent for node in shown}
    return [node for node in shown if node not in parents and node.styles.overlay != "screen"]


def problems(screen: BaseScreen) -> list[str]:
    """What is wrong with a screen as it stands."""
    found, widgets = [], seen(screen)
    for one, two in combinations(widgets, 2):
        common = one.region.intersection(two.region).intersection(screen.region)
        # what a container cuts off is not there
        for node in (one, two):
            for around in node.ancestors:
                if isinstance(around, Widget):
                    common = common.intersection(around.region)
        if common.area:
            found.append(f"{one} and {two} overlap in {common}")
    focused = screen.focused
    if focused is not None and not (focused.is_on_screen and screen.region.overlaps(focused.region)):
        found.append(f"the focus is on {focused}, which is not seen")
    for footer in screen.query(AppFooter):
        if footer.is_on_screen:
            lines = footer.lines()
            text = "\n".join(line.plain for line in lines)
            found += [f"the footer has no {word}" for word in ("Help", "Quit") if word not in text]
            found += ["the footer is cut" for line in lines if line.cell_len > footer.size.width]
            found += ["the footer has more lines than room"] * (len(lines) > footer.size.height)
    return found


async def settle(app: DistillApp, pilot: Pilot[None], mode: str) -> BaseScreen:
    """The screen of a mode, once it is in front and has come to rest."""
    await until(pilot, lambda: isinstance(app.screen, BaseScreen) and mode == app.screen.MODE)
    await pilot.pause()
    await pilot.pause()
    assert isinstance(app.screen, BaseScreen)
    return app.screen


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_all_screens_can_be_walked_by_keys(home: Home, size: tuple[int, int]) -> None:
    run = recorded.running(home, levels=4)
    write(home.models / "bells.distill", name="bells")
    wrong: list[str] = []
    with recorded.alive(run):
        app = DistillApp(home, run)
        async with app.run_test(size=size) as pilot:
            for mode, key, _ in [*SCREENS, *SCREENS[:2]]:
                await pilot.press("escape", key)
                screen = await settle(app, pilot, mode)
                for view in VIEWS.get(mode, ("",)):
                    if view:
                        await pilot.press(view)
                        await pilot.pause()
                    wrong += [f"{mode} {view}: {problem}" for problem in problems(screen)]
                    for _ in range(min(6, len(screen.focus_chain))):
                        await pilot.press("tab")
                        await pilot.pause()
                        wrong += [f"{mode} {view} tab: {problem}" for problem in problems(screen)]
                await pilot.press("escape")
    assert list(dict.fromkeys(wrong)) == []
