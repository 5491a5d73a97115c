"""The Generate screen with the process that really generates, on the tiny codec that all tests share."""

import shutil
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.takes.folder import TakesFolder
from distill_tui.ui.app import DistillApp
from tests.conftest import Trained
from tests.ui.conftest import screen_text, until


@pytest.mark.slow
async def test_sounds_of_a_codec(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    home = Home(tmp_path / "home")
    home.models.mkdir(parents=True)
    model = Path(shutil.copy(trained.model, home.models))
    app = DistillApp(home)
    async with app.run_test(size=(120, 35)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: app.current_mode == "generate")
        screen = app._generate
        # asked for before the model is loaded, and in a row
        await until(pilot, lambda: screen.models)
        await pilot.press("g", "g")
        await until(pilot, lambda: len(screen.list.keys) == 8 and not screen.work.is_busy, "eight takes")
        takes = TakesFolder(home.takes / model.stem).takes
        assert [take.seed for take in takes] == list(range(8))
        assert all(take.nearest and take.novelty is not None for take in takes)
        assert takes[0].nearest is not None
        await until(pilot, lambda: "nearest tone" in screen_text(app) or "tone " in screen_text(app))
        await pilot.press("V")
        await until(pilot, lambda: len(screen.list.keys) == 12 and not screen.work.is_busy, "variations")
        assert TakesFolder(home.takes / model.stem).takes[8].settings["like"].endswith(takes[4].path)
        process = screen.work.process._process
    assert process is not None
    assert process.wait(60) == 0
