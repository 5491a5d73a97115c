"""What ui/terminal asks of Textual beside its documented interface: one test for each, to fail when that changes."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.color import Color
from textual.driver import Driver
from textual.events import Event, Key
from textual.filter import ANSIToTruecolor
from textual.widgets import Input

from distill_tui.paths import Home
from distill_tui.ui.app import DistillApp
from distill_tui.ui.terminal.ansi16 import Ansi16
from distill_tui.ui.terminal.key_order import KeyOrder
from distill_tui.ui.terminal.no_color import NoColor
from distill_tui.ui.terminal.sanitize import Sanitizer
from distill_tui.ui.terminal.title import Title
from distill_tui.ui.terminal.tmux_window import TmuxWindow
from tests.tmux import Tmux
from tests.ui.conftest import until


class TwoFields(App[None]):
    """Two fields; keys act in order."""

    def __init__(self) -> None:
        super().__init__()
        self._key_order = KeyOrder(self, super().on_event)

    def compose(self) -> ComposeResult:
        yield Input(id="one")
        yield Input(id="two")

    async def on_event(self, event: Event) -> None:
        await self._key_order.on_event(event)


async def test_a_key_behind_tab_goes_where_tab_leads() -> None:
    app = TwoFields()
    async with app.run_test() as pilot:
        for key, character in (("a", "a"), ("tab", "\t"), ("b", "b"), ("c", "c")):
            app.post_message(Key(key, character))
        await pilot.pause()
        assert [field.value for field in app.query(Input)] == ["a", "bc"]


async def test_the_title_goes_through_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App[None]()
    async with app.run_test():
        assert isinstance(app._driver, Driver)
        written: list[str] = []
        monkeypatch.setattr(App, "is_headless", False)
        monkeypatch.setattr(app._driver, "write", written.append)
        title = Title(app)
        title.show(text="drums: running")
        title.show(unseen=1)
        title.give_back()
        assert written == ["\x1b[22;2t\x1b]2;drums: running\x07", "\x1b]2;▲ drums: running\x07", "\x1b[23;2t"]


def test_nothing_that_is_drawn_drives_the_terminal_or_leaves_its_line() -> None:
    drawn = Sanitizer().apply([Segment("red\x1b[31m\nline\udcff")], Color(0, 0, 0))
    assert [segment.text for segment in drawn] == ["red[31mline\ufffd"]


@pytest.mark.parametrize(
    ("environment", "kinds"),
    [
        ({}, [Sanitizer, ANSIToTruecolor]),
        ({"NO_COLOR": "1"}, [Sanitizer, ANSIToTruecolor, NoColor]),
        ({"TERM": "xterm", "COLORTERM": "", "TEXTUAL_COLOR_SYSTEM": "standard"}, [Sanitizer, ANSIToTruecolor, Ansi16]),
    ],
)
async def test_lines_are_filtered_for_the_terminal(
    home: Home, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], kinds: list[type[Any]]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if "TEXTUAL_COLOR_SYSTEM" in environment:
        # read when Textual is imported
        monkeypatch.setattr("textual.constants.COLOR_SYSTEM", environment["TEXTUAL_COLOR_SYSTEM"])
    app = DistillApp(home)
    async with app.run_test():
        for filters in (app.get_line_filters(), app.screen.get_line_filters()):
            assert [type(one) for one in filters] == kinds


@pytest.mark.parametrize("theme", ["distill", "distill-light"])
async def test_the_first_screen_is_in_the_theme_of_the_settings(home: Home, theme: str) -> None:
    home.root.mkdir()
    home.settings.write_text(f'theme = "{theme}"\n')
    app = DistillApp(home)
    async with app.run_test():
        background = app.available_themes[theme].background
        assert app.screen.styles.background.hex.lower() == background


async def test_style_sheets_are_parsed_once_for_each_theme(home: Home) -> None:
    app = DistillApp(home)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query("#start"))
        before = app.stylesheet.rules[0]
        await pilot.press("3")
        await until(pilot, lambda: app.current_mode == "library")
        assert app.stylesheet.rules[0] is before
        app.theme = "distill-light"
        await until(pilot, lambda: app.stylesheet.rules[0] is not before)


@pytest.mark.terminal
@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_tmux_names_its_window_after_the_run_unless_a_person_did(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux = Tmux(tmp_path, home.root)
    try:
        tmux("new-session", "-d", "cat")
        monkeypatch.setenv("TMUX", f"{tmp_path / 'tmux'},0,0")
        monkeypatch.setenv("TMUX_PANE", tmux("list-panes", "-F", "#{pane_id}").strip())

        def window() -> str:
            return tmux("display-message", "-p", "#{window_name} #{automatic-rename}").strip()

        ours = TmuxWindow()
        assert ours.want(f"drums: running 12 % #(touch {tmp_path / 'run'})")
        ours.update()
        assert window().startswith("drums: running 12 % (touch")
        assert not (tmp_path / "run").exists()
        assert not ours.want(f"drums: running 12 % #(touch {tmp_path / 'run'})")
        ours.give_back()
        assert window().endswith(" 1")
        tmux("rename-window", "mine")
        other = TmuxWindow()
        assert other.want("drums: running 13 %")
        other.update()
        other.give_back()
        assert window() == "mine 0"
        assert not other.want("drums: running 14 %")
    finally:
        tmux.end()


async def test_notifications_go_through_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    app = App[None]()
    async with app.run_test():
        assert app._driver is not None
        written: list[str] = []
        monkeypatch.setattr(App, "is_headless", False)
        monkeypatch.setattr(app._driver, "write", written.append)
        Title(app, "osc777").notify("drums finished")
        Title(app, "off").notify("drums finished")
        assert written == ["\x1b]777;notify;distill-tui;drums finished\x07"]
