"""When panels are repainted: at their own pace, not while keys are pressed, and not while they are hidden."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from distill_tui.ui import repaint
from distill_tui.ui.repaint import RepaintScheduler
from tests.ui.conftest import until


class Panels(Screen[None]):
    """Two panels that note when they are painted."""

    def __init__(self) -> None:
        super().__init__()
        self.painter = RepaintScheduler(self)
        self.painted: dict[str, list[float]] = {"fast": [], "large": []}
        self.is_large_shown = True
        self.sent = 0
        self.painter.add("fast", lambda: self.note("fast"), 0.02)
        self.painter.add(
            "large", lambda: self.note("large"), 0.05, is_shown=lambda: self.is_large_shown, bytes_per_second=1000
        )

    def note(self, name: str) -> int:
        self.painted[name].append(time.monotonic())
        return self.sent


@asynccontextmanager
async def panels() -> AsyncIterator[tuple[Panels, Pilot[None]]]:
    app, screen = App[None](), Panels()
    app.add_mode("panels", lambda: screen)
    app.add_mode("other", Screen)
    async with app.run_test() as pilot:
        await app.switch_mode("panels")
        yield screen, pilot


async def test_marked_panels_are_painted_once_each_and_no_sooner_than_their_interval() -> None:
    async with panels() as (screen, pilot):
        screen.painter.mark()
        screen.painter.mark("fast")
        await until(pilot, lambda: screen.painter.is_settled)
        assert [len(times) for times in screen.painted.values()] == [1, 1]
        for count in (2, 3):
            screen.painter.mark("large")
            await until(pilot, lambda count=count: len(screen.painted["large"]) == count)  # type: ignore[misc]
        first, second, third = screen.painted["large"]
        assert min(second - first, third - second) >= 0.05


async def test_a_panel_that_sends_much_waits_longer() -> None:
    async with panels() as (screen, pilot):
        screen.sent = 200
        screen.painter.repaint("large")
        screen.painter.mark("large")
        await until(pilot, lambda: len(screen.painted["large"]) == 2)
        first, second = screen.painted["large"]
        assert second - first >= 200 / 1000


async def test_between_two_panels_a_key_has_time() -> None:
    async with panels() as (screen, pilot):
        screen.painter.mark()
        await until(pilot, lambda: screen.painter.is_settled)
        assert screen.painted["large"][0] - screen.painted["fast"][0] >= repaint.BETWEEN_SECONDS - 0.001


async def test_keys_hold_new_numbers_back_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repaint, "MOST_KEY_SECONDS", 0.6)
    async with panels() as (screen, pilot):
        screen.painter.mark("fast")
        await until(pilot, lambda: screen.painted["fast"])
        screen.painter.key_pressed()
        pressed = time.monotonic()
        screen.painter.mark("fast")
        await until(pilot, lambda: len(screen.painted["fast"]) == 2)
        assert screen.painted["fast"][1] - pressed >= repaint.KEY_SECONDS - 0.01
        screen.painter.mark("fast")

        def one_more_key() -> bool:
            screen.painter.key_pressed()
            return len(screen.painted["fast"]) == 3

        await until(pilot, one_more_key)
        assert screen.painted["fast"][2] - screen.painted["fast"][1] >= 0.59


async def test_what_is_hidden_is_painted_when_it_is_shown() -> None:
    async with panels() as (screen, pilot):
        screen.is_large_shown = False
        screen.painter.mark()
        await until(pilot, lambda: screen.painter.is_settled)
        assert not screen.painted["large"]
        await pilot.app.switch_mode("other")
        screen.is_large_shown = True
        screen.painter.mark()
        screen.painter.repaint()
        assert [len(times) for times in screen.painted.values()] == [1, 0]
        await pilot.app.switch_mode("panels")
        screen.painter.mark()
        await until(pilot, lambda: screen.painter.is_settled)
        assert [len(times) for times in screen.painted.values()] == [2, 1]
