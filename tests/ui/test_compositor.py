"""Training and Explorer send what has changed alone: what the terminal then shows is what the widgets are."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from distill_tui.paths import Home
from distill_tui.runs.codebook_map import write_map
from distill_tui.runs.events import Metrics
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.explorer.cell_grid import BLANK, Cell, changed
from distill_tui.ui.screens.explorer.screen import ExplorerScreen
from distill_tui.ui.screens.training.screen import TrainingScreen
from distill_tui.ui.terminal.compositor import SpansUpdate
from tests.ui import explored, recorded
from tests.ui.conftest import screen_text, until

KEYS = (
    *("right", "right", "l", "up", "b", "t", "e", "s", "d"),
    *("left", "tab", "down", "v", "right", "v", "v"),
)
Row = list[tuple[str, Style | None]]


def cells_of(strip: Strip) -> Row:
    """The columns of a strip; the second one of a wide character is ''."""
    found: Row = []
    for text, style, _ in strip:
        for char in text:
            found += [(char, style), ("", style)][: cell_len(char)]
    return found


class Seen:
    """What a terminal shows that the app's updates are sent to."""

    def __init__(self, app: DistillApp) -> None:
        self._app = app
        self._rows = self.now()
        self.sent: list[int] = []
        self._pass_on: Callable[..., None] = app._display
        app._display = self._display  # type: ignore[method-assign, assignment]

    def _display(self, screen: object, update: object) -> None:
        if isinstance(update, SpansUpdate):
            self.sent.append(sum(strip.cell_length for _, _, strip in update.parts))
            for y, x, strip in update.parts:
                self._rows[y][x : x + strip.cell_length] = cells_of(strip)
        elif update is not None:
            self._rows = self.now()
        self._pass_on(screen, update)

    def now(self) -> list[Row]:
        """The screen as it is when all of it is drawn."""
        return [cells_of(strip) for strip in self._app.screen._compositor.render_strips()]

    def is_true(self) -> bool:
        return self._rows == self.now()


def has_drawn(screen: ExplorerScreen, step: int) -> bool:
    """Whether all parts of the map of this step are drawn: one comes after the other."""
    return screen.map is not None and screen.map.step == step and not screen._waits


@pytest.mark.parametrize(("size", "theme"), [((40, 12), "distill"), ((80, 24), "ansi-dark"), ((120, 35), "distill")])
async def test_the_terminal_shows_what_the_widgets_are(home: Home, size: tuple[int, int], theme: str) -> None:
    run = explored.running(home)
    app = DistillApp(home, run, explore=True)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = app._explorer
        await until(pilot, lambda: screen.state.step and screen.maps.scene and screen.map)
        app.theme = theme
        await pilot.pause()
        seen = Seen(app)
        # a note in the corner lies over the map from d on; it goes with the view
        for key in KEYS:
            await pilot.press(key)
            await pilot.pause()
            assert seen.is_true(), key
        for time in (1, 2):
            found = explored.a_map(float(time), step=1700 + 50 * time)
            found.groups = [f"音{i}" for i in range(10)] if time == 2 else found.groups
            write_map(run.map, found)
            await until(pilot, partial(has_drawn, screen, found.step))
            await pilot.pause()
            assert seen.is_true()
        assert seen.sent


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 35), (200, 50)])
async def test_the_terminal_shows_what_training_shows(home: Home, size: tuple[int, int]) -> None:
    run = recorded.running(home)
    app = DistillApp(home, run)
    with recorded.alive(run):
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: app._training.state.step and not app._training._dirty)
            await pilot.pause()
            last = app._training.state.step
            seen = Seen(app)
            for key in ("down", "right", "a", "v", "right", "v", "v", "v", "u", "escape"):
                await pilot.press(key)
                await pilot.pause()
                assert seen.is_true(), key
            for step in range(last + 1, last + 4):
                recorded.add_events(run, Metrics(scope="step", step=step, epoch=35, values={"loss/train": step / last}))
                await until(pilot, partial(has_shown, app._training, step))
                await pilot.pause()
                assert seen.is_true()
            assert seen.sent


def has_shown(screen: TrainingScreen, step: int) -> bool:
    return screen.state.step == step and not screen._dirty


async def test_a_choice_sends_little(home: Home) -> None:
    run = explored.running(home)
    app = DistillApp(home, run, explore=True)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: app._explorer.maps.scene and "Level 1" in screen_text(app))
        seen = Seen(app)
        await pilot.press("l")
        seen.sent.clear()
        await pilot.press("l")
        await pilot.pause()
        # of 4,200 characters: the titles of two maps, and the codes' side
        assert 0 < sum(seen.sent) < 900


cells = st.lists(st.sampled_from([BLANK, ("a", None), ("b", None), ("a", Style(bold=True))]), max_size=30)


@given(cells, cells)
def test_outside_of_what_has_changed_a_row_is_what_it_was(old: list[Cell], new: list[Cell]) -> None:
    width = max(len(old), len(new))
    before, after = (row + [BLANK] * (width - len(row)) for row in (old, new))
    spans = changed(old, new)
    for left, right in spans:
        before[left:right] = after[left:right]
    assert before == after
    assert all(right < left for (_, right), (left, _) in pairwise(spans))


def test_a_wide_character_is_sent_whole() -> None:
    wide: list[Cell] = [("字", None), ("", None), ("x", None)]
    other: list[Cell] = [("語", None), ("", None), ("x", None)]
    narrow: list[Cell] = [("a", None), ("b", None), ("x", None)]
    assert changed(wide, other) == [(0, 2)]
    assert changed(wide, narrow) == [(0, 2)]
    assert changed(narrow, wide) == [(0, 2)]
