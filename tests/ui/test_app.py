"""The app around the screens: getting about, help, palette, themes, leaving, and what it never imports."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.runs.control import read_control
from distill_tui.settings import read_settings
from distill_tui.ui.app import DistillApp
from distill_tui.ui.command_palette import commands_of
from distill_tui.ui.dialogs.help import HelpDialog
from distill_tui.ui.widgets.status_line import StatusLine
from tests import programs
from tests.ui import recorded
from tests.ui.conftest import PATIENCE, screen_text, until

CHECK_IMPORTS = """
import asyncio, sys
from pathlib import Path
from distill_tui.paths import Home
from distill_tui.ui.app import DistillApp

async def main():
    app = DistillApp(Home(Path(sys.argv[1])))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.current_mode == sys.argv[2], app.current_mode
    print(sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[3:])))

asyncio.run(main())
"""
HEAVY = ("torch", "numpy", "soundfile", "soxr", "plotext", "safetensors", "torchaudio")


def imported(home: Home, mode: str, *names: str) -> str:
    command = [sys.executable, "-c", CHECK_IMPORTS, str(home.root), mode, *HEAVY, *names]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_first_screens_import_nothing_heavy(home: Home) -> None:
    assert imported(home, "config", "json", "argparse") == "[]"
    with recorded.alive(recorded.running(home)):
        assert imported(home, "training") == "[]"


async def test_digits_switch_screens_and_an_active_run_comes_first(home: Home) -> None:
    with recorded.alive(recorded.running(home)):
        app = DistillApp(home)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.current_mode == "training" and "drums" in screen_text(app))
            for key, mode in (("1", "config"), ("escape", "config"), ("3", "library"), ("2", "training")):
                await pilot.press(key)
                assert app.current_mode == mode


async def test_digits_in_a_field_are_typed(home: Home) -> None:
    app = DistillApp(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.current_mode == "config")
        await pilot.press("enter", "2", "q")
        assert app.current_mode == "config"
        assert app.is_running


@pytest.mark.slow
async def test_help_names_every_key_of_the_screen(home: Home) -> None:
    with recorded.alive(recorded.running(home)):
        app = DistillApp(home)
        async with app.run_test(size=(100, 50)) as pilot:
            await until(
                pilot, lambda: app._training.controller.state.is_active and app._training.controller.state.started_at
            )
            await pilot.press("question_mark")
            assert isinstance(app.screen, HelpDialog)
            await until(pilot, lambda: "Leave the app" in screen_text(app))
            shown = screen_text(app)
            for words in (
                "Pause the training",
                "asks first",
                "Save a checkpoint",
                "Leave the app",
                "Library: the models",
            ):
                assert words in shown
            await pilot.press("escape")
            assert not isinstance(app.screen, HelpDialog)


@pytest.mark.slow
async def test_every_action_is_in_the_palette(home: Home) -> None:
    with recorded.alive(recorded.running(home)):
        app = DistillApp(home)
        async with app.run_test(size=(100, 50)) as pilot:
            await until(
                pilot, lambda: app._training.controller.state.is_active and app._training.controller.state.started_at
            )
            titles = {command.name for command in commands_of(app, app.screen)}
            wanted = {"Pause", "Stop", "Checkpoint", "Preview", "Runs", "Help", "Quit", "Config", "Library"}
            assert titles >= wanted | {"Theme: distill", "Theme: distill-light", "Theme: high-contrast", "Theme: ansi"}
            await pilot.press("ctrl+p", *"Library", "enter")
            await until(pilot, lambda: app.current_mode == "library")


async def test_a_theme_is_kept_and_a_users_own_is_found(home: Home) -> None:
    folder = home.root / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('[colors]\nprimary = "#ff00ff"\n')
    (folder / "bad.toml").write_text("= [/x]")
    app = DistillApp(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "theme bad.toml was skipped" in screen_text(app))
        app.theme = "mine"
        await until(pilot, lambda: read_settings(home).theme == "mine")
    again = DistillApp(home)
    async with again.run_test(size=(80, 24)):
        assert again.theme == "mine"


@pytest.mark.slow
async def test_without_colour_nothing_is_grey_and_the_cursor_is_seen(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.library.models import write

    write(home.models / "drums.distill")
    monkeypatch.setenv("NO_COLOR", "")
    app = DistillApp(home, recorded.finished(home))
    async with app.run_test(size=(80, 24)) as pilot:
        for key, said in (("2", "✓ finished"), ("1", "Start training"), ("3", "46.9 latent frames")):
            await pilot.press(key)
            await until(pilot, lambda said=said: said in screen_text(app))  # type: ignore[misc]
            cells = [segment for strip in app.screen._compositor.render_strips() for segment in strip]
            assert not [one for one in cells if one.style and (one.style.color or one.style.bgcolor)]
        assert [one.text for one in cells if one.style and one.style.reverse and "▸" in one.text]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["distill", "distill-light", "high-contrast", "ansi"])
async def test_every_theme_paints_every_screen(home: Home, theme: str) -> None:
    home.root.mkdir()
    home.settings.write_text(f'theme = "{theme}"\n')
    run = recorded.finished(home)
    app = DistillApp(home, run)
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: "commitment loss" in screen_text(app))
        assert app.theme == theme
        await pilot.press("3", "1")
        await until(pilot, lambda: "Sounds" in screen_text(app))


@pytest.mark.slow
async def test_keys_can_be_changed(home: Home) -> None:
    home.root.mkdir()
    home.settings.write_text('[keys]\n"app.library" = "l"\n')
    app = DistillApp(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape", "l")
        await until(pilot, lambda: app.current_mode == "library")


class Terminal:
    """The app in a real pseudo-terminal."""

    def __init__(self, home: Home, rows: int = 24, columns: int = 80) -> None:
        import fcntl
        import struct
        import termios

        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        code = (
            "import sys; from pathlib import Path; from distill_tui.paths import Home; "
            "from distill_tui.ui.start import run_app; sys.exit(run_app(Home(Path(sys.argv[1])), None))"
        )
        environment = {**os.environ, "TERM": "xterm-256color", "TZ": "UTC"}
        environment.pop("COLORTERM", None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(home.root)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment,
        )
        os.close(slave)
        self.shown = b""

    def until(self, wanted: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.text:
            assert time.monotonic() < deadline, self.text[-2000:]
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self.master, 65536)
                except OSError:
                    assert wanted in self.text, self.text[-2000:]

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?<=>$]*[A-Za-z]", "", self.shown.decode(errors="replace"))

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.mark.terminal
def test_in_a_real_terminal_q_leaves_and_says_that_the_run_goes_on(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        terminal = Terminal(home)
        try:
            terminal.until("epoch")
            terminal.until("34%")
            assert b"\x1b[38;2;" not in terminal.shown
            terminal.press("q")
            terminal.until("drums goes on without the app")
            terminal.until(f"distill-tui watch {run.id}")
            assert terminal.process.wait(PATIENCE) == 0
        finally:
            terminal.close()


@pytest.mark.terminal
def test_a_line_that_drops_ends_the_app(home: Home) -> None:
    terminal = Terminal(home)
    try:
        terminal.until("Sounds")
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGHUP
    finally:
        terminal.close()


@pytest.mark.terminal
@pytest.mark.slow
def test_a_terminal_that_goes_without_a_word_ends_the_app(home: Home) -> None:
    terminal = Terminal(home)
    terminal.until("Sounds")
    # it is no session's terminal here, so nobody sends a signal
    os.close(terminal.master)
    try:
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGHUP
    finally:
        terminal.process.kill()


@pytest.mark.slow
@pytest.mark.terminal
def test_nothing_is_sent_when_nothing_changes(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        terminal = Terminal(home, 35, 120)
        try:
            terminal.until("34%")
            terminal.until("level 3 uses")
            quiet_since, deadline = time.monotonic(), time.monotonic() + PATIENCE
            while time.monotonic() - quiet_since < 2.0:
                assert time.monotonic() < deadline, "it never became quiet"
                if select.select([terminal.master], [], [], 0.1)[0]:
                    os.read(terminal.master, 65536)
                    quiet_since = time.monotonic()
        finally:
            terminal.close()


def test_themes_lie_where_the_program_looks() -> None:
    from distill_tui.ui.themes import own_themes

    assert {file.stem for file in Path(own_themes()).glob("*.toml")} >= {"distill", "ansi"}


@pytest.mark.slow
@pytest.mark.terminal
def test_what_is_typed_behind_keys_that_move_the_focus_goes_where_they_lead(home: Home) -> None:
    terminal = Terminal(home)
    try:
        terminal.until("Learning rate")
        # a path, the name, past the preset (which has no text) the epochs
        terminal.press("\r/there/is/none\t\x15by ear\t\t\x15x9")
        for typed in ("/there/is/none", "by ear", "x9", "is not a whole number"):
            terminal.until(typed)
    finally:
        terminal.close()


@pytest.mark.slow
@pytest.mark.terminal
def test_what_is_typed_behind_a_key_that_opens_a_dialog_goes_into_the_dialog(home: Home) -> None:
    run = recorded.running(home)
    with recorded.alive(run):
        terminal = Terminal(home)
        try:
            terminal.until("34%")
            terminal.press("\x1b[B\x1b[B\x1b[B\r" + "\x7f" * 9 + "0.000\x7f\x7f\x7f0015\r")
            terminal.until("waits")
            programs.until(lambda: read_control(run.control).knobs == {"train.learning_rate": 0.0015}, "the wish")
        finally:
            terminal.close()


@pytest.mark.slow
async def test_many_problems_of_the_settings_take_one_note(home: Home) -> None:
    home.root.mkdir()
    home.settings.write_text('theme = "none"\n[keys]\n"app.libary" = "l"\n"app.help" = "no-key"\nmore = "x"\n')
    app = DistillApp(home)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: "more: distill-tui doctor" in screen_text(app))
        assert app.screen.query_one(StatusLine).size.height == 3
