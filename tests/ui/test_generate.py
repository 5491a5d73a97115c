"""The Generate screen, on a stand-in for the process that generates, which makes sines."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.take import Take
from distill_tui.ui import command_palette
from distill_tui.ui.app import DistillApp
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.screens.generate.form import RequestForm
from distill_tui.ui.screens.generate.screen import GenerateScreen
from tests.ui import fake_generator
from tests.ui.conftest import screen_text, until
from tests.ui.test_focus import COLOURS, is_seen

USUAL = (120, 35)


@pytest.fixture(autouse=True)
def generator(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-P", fake_generator.__file__]
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_generator.__file__).parents[2]))
    monkeypatch.setattr("distill_tui.ui.services.generator.python", lambda *_: command)


@pytest.fixture
def models(home: Home) -> Home:
    """A home with two codecs, `drums` the newer."""
    from tests.library.models import write

    write(home.models / "speech.distill", seed=1, id="aaaa1111", created="2026-02-01T10:00:00Z")
    write(home.models / "drums.distill", seed=2, id="bbbb2222", created="2026-02-03T10:00:00Z")
    return home


@asynccontextmanager
async def opened(
    home: Home, size: tuple[int, int] = USUAL, *, label: str = ""
) -> AsyncIterator[tuple[DistillApp, Pilot[None], GenerateScreen]]:
    """The app on the Generate screen, ready to make takes of this label."""
    app = DistillApp(home)
    async with app.run_test(size=size) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: app.current_mode == "generate")
        screen = app._generate
        if list(home.models.glob("*")):
            await until(pilot, lambda: screen.work.ready and screen.form.labels)
            screen.form.values["label"] = label
        yield app, pilot, screen


async def make(pilot: Pilot[None], screen: GenerateScreen, key: str = "g", takes: int = 4) -> None:
    """Press a key, and wait for so many takes more."""
    before = len(screen.takes.shown)
    await pilot.press(key)
    await until(pilot, lambda: len(screen.list.keys) == before + takes and not screen.work.is_busy, f"{takes} takes")


def listed(home: Home, name: str = "drums") -> list[Take]:
    return TakesFolder(home.takes / name).takes


def said(app: DistillApp) -> str:
    return " ".join(screen_text(app).split())


async def test_takes_come_with_all_that_is_known_of_them(models: Home) -> None:
    async with opened(models) as (app, pilot, screen):
        assert "No takes yet: g makes 4 new sounds" in said(app)
        assert "Model ◂ drums ▸" in said(app), "the newest"
        await make(pilot, screen)
        await until(pilot, lambda: "✓ 4 takes" in said(app))
        for word in ("kick-0000", "snare-0003", "0.20 s", "-12 dB", "nearly kick 00.wav", "drums: 4 takes"):
            assert word in said(app)
        assert "▸ ▀▀▀" in said(app), "the first one is looked at"
        assert [take.seed for take in listed(models)] == [0, 1, 2, 3]
        await make(pilot, screen)
        assert [take.seed for take in listed(models)] == list(range(8)), "the next seeds"


@pytest.mark.slow
async def test_keeping_throwing_away_and_undoing(models: Home) -> None:
    async with opened(models) as (app, pilot, screen):
        await make(pilot, screen)
        await pilot.press("tab", "space", "down", "x", "x")
        await until(pilot, lambda: [take.kept for take in listed(models)] == [True, False, False, None])
        assert screen.list.keys == ["kick-0000.wav", "snare-0003.wav"]
        assert "2 takes, 1 kept" in said(app)
        await pilot.press("u")
        await until(pilot, lambda: [take.kept for take in listed(models)] == [True, False, None, None])
        await until(pilot, lambda: screen.list.chosen and screen.list.chosen.path == "kick-0002.wav")
        await pilot.press("home", "space")
        await until(pilot, lambda: listed(models)[0].kept is None)
        await pilot.press("u", "u", "u")
        await until(pilot, lambda: [take.kept for take in listed(models)] == [None] * 4)
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to undo" in said(app))


@pytest.mark.slow
async def test_more_of_a_take(models: Home) -> None:
    async with opened(models) as (_, pilot, screen):
        await make(pilot, screen)
        screen.form.values["count"] = 2
        for key in ("V", "greater_than_sign", "A"):
            await make(pilot, screen, key, 2)
        await make(pilot, screen, "O", 1)
        settings = [take.settings for take in listed(models)]
        file = str(models.takes / "drums" / "kick-0000.wav")
        assert (settings[4]["like"], settings[4]["seed"], settings[4]["strength"]) == (file, 4, 0.5)
        # what is made last is chosen
        assert settings[6]["continue_file"].endswith("kick-0004.wav")
        assert settings[8]["continue_file"] == settings[6]["continue_file"]
        assert settings[8]["seed"] == 8
        assert settings[10]["loop"] is True
        assert (settings[10]["seed"], settings[10]["count"]) == (8, 1), "the same one"
        await pilot.press("B")
        assert screen.form.values["sound"].endswith("kick-0008-2.wav")
        assert screen.form.values["use"] == "like"


@pytest.mark.slow
async def test_a_set_opens_again_with_its_settings(models: Home) -> None:
    async with opened(models, label="snare") as (_, pilot, screen):
        screen.form.values |= {"count": 3, "temperature": (0.9, 0.7), "model": str(models.models / "speech.distill")}
        await make(pilot, screen, takes=3)
        await pilot.press("tab", "down", "space")
        await until(pilot, lambda: listed(models, "speech")[1].kept)
    async with opened(models, label="snare") as (app, pilot, screen):
        await until(pilot, lambda: screen.list.keys == [f"snare-000{n}.wav" for n in range(3)])
        await until(pilot, lambda: "speech: 3 takes, 1 kept" in said(app))
        assert "0.9, 0.7" in said(app)
        assert "Model ◂ speech ▸" in said(app)
        await pilot.press("n")
        await until(pilot, lambda: "No takes yet" in said(app))
        await make(pilot, screen, takes=3)
        assert len(listed(models, "speech-2")) == 3
        await pilot.press("x", "r")
        await until(pilot, lambda: isinstance(app.screen, PickDialog) and "speech-2" in said(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.takes.path == models.takes / "speech" and len(screen.list.keys) == 3)


@pytest.mark.slow
async def test_cancelling_keeps_what_was_made(models: Home) -> None:
    async with opened(models, label="wait") as (app, pilot, screen):
        await pilot.press("g")
        await until(pilot, lambda: screen.list.keys == ["wait-0000.wav"])
        await until(pilot, lambda: "making 2 of 4" in said(app) and "S Stop" in said(app))
        await pilot.press("S")
        await until(pilot, lambda: "cancelled; 1 take kept" in said(app))
        assert "S Stop" not in said(app)


@pytest.mark.slow
async def test_a_process_that_is_killed_is_told_and_started_anew(models: Home) -> None:
    async with opened(models, label="die") as (app, pilot, screen):
        await pilot.press("g")
        await until(pilot, lambda: "has ended (killed by signal 9)" in said(app))
        await until(pilot, lambda: screen.list.keys == ["die-0000.wav"])
        assert not screen.work.is_busy
        screen.form.values["label"] = "kick"
        await make(pilot, screen)
        os.kill(screen.work.process.pid, signal.SIGKILL)
        await until(pilot, lambda: "The next request starts it again" in said(app))


async def test_a_request_that_is_refused_is_told_in_place(models: Home) -> None:
    async with opened(models, label="refuse") as (app, pilot, screen):
        await pilot.press("g")
        await until(pilot, lambda: "✗ no such label 'refuse'" in said(app) and "Labels: kick, snare" in said(app))
        assert "S Stop" not in said(app)
        screen.form.values["use"] = "morph"
        await pilot.press("g")
        await until(pilot, lambda: "✗ 'morph' needs a sound" in said(app))
        assert not models.takes.exists()


@pytest.mark.slow
async def test_the_form_is_changed_by_keys(models: Home) -> None:
    async with opened(models) as (app, pilot, screen):
        await pilot.press("down", "down", "down")
        assert "How many." in said(app)
        await pilot.press("right", "right", "left", "down", "right", "down", "enter")
        await until(pilot, lambda: app.screen.query(Input))
        box = app.screen.query_one(Input)
        box.value = "1 2 x"
        await until(pilot, lambda: "'x' is no number" in said(app))
        box.value = "0.9, 0.7"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        values = screen.form.values
        assert (values["count"], values["seconds"], values["temperature"]) == (6, 0.25, (0.9, 0.7))
        await pilot.press("backspace", "down", "down", "right", "right")
        assert values["temperature"] == ()
        assert "From a sound ◂ continue ▸" in said(app)
        assert "Sound choose with enter" in said(app)


@pytest.mark.slow
async def test_the_model_is_picked_here_or_in_the_library(models: Home) -> None:
    async with opened(models) as (app, pilot, screen):
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PickDialog))
        await pilot.press(*"spee", "enter")
        await until(pilot, lambda: screen.work.ready and "speech" in screen.work.ready.model)
        await pilot.press("3")
        await until(pilot, lambda: "drums" in screen_text(app))
        await pilot.press("home", "g")
        await until(pilot, lambda: app.current_mode == "generate")
        await until(pilot, lambda: screen.work.ready and "drums" in screen.work.ready.model)
        (models.models / "drums.distill").unlink()
        await pilot.press("3", "5")
        await until(pilot, lambda: "The model drums is gone" in said(app))
        await until(pilot, lambda: "Model ◂ speech ▸" in said(app))


async def test_nothing_to_make_sounds_with(home: Home) -> None:
    async with opened(home, (80, 24)) as (app, pilot, screen):
        await until(pilot, lambda: "No model yet" in said(app))
        await pilot.press("g")
        assert not screen.work.process.is_alive


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["folder", "file", "list"])
async def test_takes_that_are_gone_lose_no_others(models: Home, gone: str) -> None:
    async with opened(models) as (app, pilot, screen):
        await make(pilot, screen)
        folder = models.takes / "drums"
        if gone == "folder":
            shutil.rmtree(folder)
            await pilot.press("space")
            await until(pilot, lambda: "✗ no take 'kick-0000.wav'" in said(app))
            await make(pilot, screen)
            assert len(listed(models)) == 4
        elif gone == "file":
            (folder / "kick-0000.wav").unlink()
            await pilot.press("tab", "enter")
            await until(pilot, lambda: "✗ kick-0000.wav: the file is gone" in said(app))
            await pilot.press("x")
            await until(pilot, lambda: listed(models)[0].kept is False)
        else:
            (folder / "takes.json").write_text("[")
            await pilot.press("space")
            await until(pilot, lambda: "✗" in said(app))
            assert (folder / "takes.json").read_text() == "["
            assert len(screen.list.keys) == 4


@pytest.mark.slow
async def test_exporting_the_kept_takes(models: Home, tmp_path: Path) -> None:
    async with opened(models) as (app, pilot, screen):
        await make(pilot, screen)
        await pilot.press("tab", "space", "down", "down", "space", "E")
        await until(pilot, lambda: "Export 2 takes" in said(app))
        app.screen.query_one(Input).value = str(tmp_path / "out")
        await pilot.press("enter")
        await until(pilot, lambda: "2 takes copied" in said(app))
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["kick-0000.wav", "kick-0002.wav"]


@pytest.mark.slow
async def test_in_a_small_terminal_form_and_takes_are_views(models: Home) -> None:
    async with opened(models, (40, 12)) as (app, pilot, screen):
        assert "Temperature" in said(app)
        await pilot.press("v")
        await until(pilot, lambda: "No takes yet" in said(app) and "Temperature" not in said(app))
        await pilot.press("v")
        await until(pilot, lambda: "Temperature" in said(app))
        await make(pilot, screen)
        await until(pilot, lambda: "✓ 4 takes" in said(app) and "0.20 s" in said(app))
        await until(pilot, lambda: app.focused is screen.list)
        await pilot.press("down", "space")
        await until(pilot, lambda: listed(models)[1].kept)
        await pilot.press("v")
        await until(pilot, lambda: "Temperature" in said(app))


HOSTILE = {
    "path": "\x1b[31m[x]" + "a" * 230 + ".wav",
    "seconds": 1e308,
    "loudness": -1e308,
    "peak": -1e308,
    "seed": 2**62,
    "method": "\x1b[2J" * 99,
    "label": "[b]\n" * 99,
    "novelty": 1e308,
    "frames": 2**60,
    "copied_coarse": -1,
    "note": "\u202e" * 99,
    "model": "../" * 99,
    "nearest": {"path": "\x1b[2J[/x]\n" * 99, "start": 1e308, "distance": -1e308},
    "settings": {"count": "x", "like": ["\0"], "morph": {}},
}


@pytest.mark.slow
@pytest.mark.parametrize("size", [USUAL, (40, 12)])
async def test_a_list_of_takes_may_say_anything(models: Home, size: tuple[int, int]) -> None:
    import msgspec

    usual: dict[str, object] = {"path": "a.wav", "seconds": 1.0, "seed": 0, "method": "walk"}
    takes = [usual | {key: value} | ({} if key == "path" else {"path": f"{key}.wav"}) for key, value in HOSTILE.items()]
    folder = models.takes / "bad\x1b[0m"
    folder.mkdir(parents=True)
    (folder / "takes.json").write_bytes(msgspec.json.encode(takes))
    async with opened(models, size) as (app, pilot, screen):
        await until(pilot, lambda: len(screen.list.keys) == len(takes))
        await pilot.press("v")
        screen.set_focus(screen.list)
        for _ in takes:
            await pilot.press("space", "o", "enter", "escape", "down")
        await until(pilot, lambda: all(take.kept for take in TakesFolder(folder).takes[:-1]))
        await pilot.press("end", "A")
        await until(pilot, lambda: "the settings of settings.wav cannot" in said(app))
        assert "\x1b" not in screen_text(app)


@pytest.mark.parametrize("name", ["../x.wav", "a/b.wav", "", "..", "a\0b", "a" * 300])
def test_a_list_that_names_no_files_of_its_folder_is_damaged(tmp_path: Path, name: str) -> None:
    (tmp_path / "takes.json").write_text(f'[{{"path": {json.dumps(name)}, "seconds": 1, "seed": 0, "method": "walk"}}]')
    with pytest.raises(DistillError, match="names what is no file of its folder"):
        TakesFolder(tmp_path)


@pytest.mark.slow
def test_the_screen_imports_nothing_heavy(models: Home) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from distill_tui.paths import Home
from distill_tui.ui import command_palette
from distill_tui.ui.app import DistillApp
async def main():
    app = DistillApp(Home(Path(sys.argv[1])))
    async with app.run_test(size=(120, 35)) as pilot:
        await pilot.press("5")
        while app.current_mode != "generate" or not app._generate.models: await pilot.pause(0.02)
        app._generate.work.process._command = [sys.executable, "-c", ""]
    print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "numpy", "soundfile"}))
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(models.root)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("colours", COLOURS)
async def test_focus_is_seen(models: Home, monkeypatch: pytest.MonkeyPatch, colours: str) -> None:
    for name, value in COLOURS[colours].items():
        monkeypatch.setenv(name, value)
    async with opened(models) as (app, pilot, screen):
        await make(pilot, screen)
        assert screen.focus_chain == [screen._panel, screen.list]
        for widget in screen.focus_chain:
            assert await is_seen(app, pilot, widget)


@pytest.mark.slow
async def test_every_action_is_in_the_help_and_the_palette(models: Home) -> None:
    async with opened(models) as (app, pilot, screen):
        await make(pilot, screen)
        screen.set_focus(screen.list)
        await pilot.pause()
        ids = " ".join(ids for _, _, ids in command_palette.keys_of(app, screen))
        for name in ("keep", "throw", "undo", "vary", "more", "extend", "loop", "nearest", "source", "export", "fetch"):
            assert f"generate.{name}" in ids
        found = [f"{command.what}  ({command.key})" for command in command_palette.commands_of(app, screen)]
        for words in ("Make takes by the form  (g)", "Listen to the take  (↵)", "Generate: make new sounds  (5)"):
            assert words in found


async def test_leaving_ends_the_process(models: Home) -> None:
    async with opened(models) as (_, _, screen):
        process = screen.work.process._process
        assert process is not None
    assert process.wait(60) == 0


def test_a_result_that_is_as_long_as_its_sound_is_asked_for_without_seconds() -> None:
    form = RequestForm()
    form.values |= {"seconds": 2.0, "sound": "/a.wav", "end": 1.0}
    for use, seconds in (("like", 2.0), ("follow", None), ("fill", None)):
        form.values["use"] = use
        assert form.request().seconds == seconds
        assert ("seconds" in [row.key for row in form.rows()]) == (seconds is not None)
