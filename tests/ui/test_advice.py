"""The advice box of the Config screen, the probe behind it, and the demo by key."""

import asyncio
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.paces import keep_probe
from distill_tui.ui.screens.config.advice_box import AdviceBox
from tests.ui import recorded
from tests.ui.conftest import screen_text, until
from tests.ui.test_config import choose, found, opened, put, row, started

__all__ = ["started"]


@pytest.fixture(autouse=True)
def scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = recorded.a_corpus()
    corpus.twins = [("00.wav", "04.wav")]
    monkeypatch.setattr("distill_tui.ui.services.new_run.scan", found(corpus))


@pytest.mark.slow
async def test_enter_takes_a_choice_and_enter_again_starts(
    home: Home, tmp_path: Path, started: list[RunFolder]
) -> None:
    async with opened(home, (120, 40)) as (app, pilot, screen):
        assert not screen.query(AdviceBox)
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: isinstance(app.focused, AdviceBox))
        await until(pilot, lambda: "Recommended here: " in screen_text(app) and "times" in screen_text(app))
        shown = screen_text(app)
        assert "1 near-twin: see below" in shown
        assert "04.wav is a near-twin of 00.wav" in shown
        assert "estimated from the kind of device" in shown
        await until(pilot, lambda: screen.query_one("#start").has_class("ready"))
        advice = screen.found.advice
        assert advice is not None
        night = advice.choice("overnight")
        while f"▸ {night.title}" not in screen_text(app):
            await pilot.press("right")
        await pilot.press("enter")
        await until(pilot, lambda: "✓ taken: enter starts" in screen_text(app))
        assert screen.pane.form.texts["train.minutes"] == "480"
        assert row(screen, "train.minutes").text == "480"
        put(screen, "train.minutes", "7")
        await until(pilot, lambda: "enter takes it" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "✓ taken: enter starts" in screen_text(app))
        await pilot.press("f4")
        await until(pilot, lambda: "8 h of training" in screen_text(app))
        await pilot.press("escape", "enter")
        await until(pilot, lambda: bool(started) and app.current_mode == "training")
        assert toml.load(started[0].recipe).train.minutes == 480


@pytest.mark.slow
@pytest.mark.parametrize(("size", "line"), [((80, 24), "quick look 3 min"), ((40, 12), "enter takes it")])
async def test_a_small_screen_has_it_in_a_line_or_two(
    home: Home, tmp_path: Path, size: tuple[int, int], line: str
) -> None:
    async with opened(home, size) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: isinstance(app.focused, AdviceBox) and line in screen_text(app))
        assert app.focused is screen.query_one("#advice-short")
        assert "1 near-twin" in screen_text(app)
        # who has moved on is left where he is
        await pilot.press("down")
        assert app.focused is not screen.query_one("#advice-short")


@pytest.mark.slow
async def test_a_probe_runs_where_no_run_has_told_and_ends_with_its_sounds(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended, release = [], [], asyncio.Event()

    async def probe(home: Home, recipe: object, tell: object) -> bool:
        tell()  # type: ignore[operator]
        begun.append(recipe)
        try:
            await release.wait()
        except asyncio.CancelledError:
            ended.append(recipe)
            raise
        keep_probe(home, recipe, "cpu", 0.2)  # type: ignore[arg-type]
        return True

    monkeypatch.setattr("distill_tui.ui.services.probe.probe", probe)
    (tmp_path / "other").mkdir()
    async with opened(home, (120, 40)) as (app, pilot, screen):
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: "measuring this machine" in screen_text(app))
        await choose(pilot, screen, tmp_path / "other")
        await until(pilot, lambda: len(begun) == 2 and len(ended) == 1)
        await pilot.press("escape", "3")
        await until(pilot, lambda: len(ended) == 2)
        await pilot.press("1")
        await until(pilot, lambda: len(begun) == 3)
        release.set()
        await until(pilot, lambda: "from a few training steps" in screen_text(app))
        await choose(pilot, screen, tmp_path)
        await until(pilot, lambda: screen.found.advice is not None)
        assert len(begun) == 3


async def test_d_runs_the_demo_where_nothing_is_yet(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    homes: list[Home] = []

    async def start_demo(home: Home) -> RunFolder:
        homes.append(home)
        return recorded.make_run(home, "demo")

    monkeypatch.setattr("distill_tui.ui.services.demo.start_demo", start_demo)
    async with opened(home) as (app, pilot, screen):
        assert "d runs the demo" in " ".join(screen_text(app).split())
        for key in ("3", "2"):
            await pilot.press(key)
            await until(pilot, lambda: "d runs the demo" in screen_text(app).replace("\u2571", " "))
        await pilot.press("d")
        await until(pilot, lambda: app._training.controller.run is not None)
        assert homes == [home]
        # not with a run on the screen, nor while a path is typed
        await pilot.press("d", "1")
        await until(pilot, lambda: app.screen is screen)
        screen.query_one("#folder").focus()
        await pilot.press("d")
        assert homes == [home]
