"""Terminals of every kind: tmux with the README's lines, narrow ones, dumb ones, none."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_tui.paths import Home
from tests.conftest import Trained
from tests.programs import Terminal, cli, ended_at_last, few_sounds, tiny, until
from tests.tmux import Tmux

README = Path(__file__).parents[2] / "README.md"
LAYOUT = (
    r"new-session distill-tui \; split-window -h -l 40% 'distill-tui watch' \; "
    r"split-window -l 50% 'while distill-tui status; do sleep 5; clear; done' \; set pane-border-status top"
)
"""Panes to control, watch and tell a run."""


@pytest.fixture
def sounds(home: Home, tmp_path: Path) -> Iterator[Path]:
    with ended_at_last(home):
        yield few_sounds(tmp_path / "sounds")


@pytest.mark.slow
@pytest.mark.terminal
def test_in_twenty_columns_lines_are_written_over_and_the_pane_is_named(home: Home, sounds: Path) -> None:
    terminal = Terminal("train", str(sounds), "--name", "bells", *tiny(), COLUMNS="20", LINES="5")
    assert terminal.wait() == 0, terminal.text
    titles = re.findall(r"\x1b\]2;([^\x07]*)\x07", terminal.text)
    assert titles[0] == "bells: starting"
    assert "bells: running 33 %" in titles
    assert titles[-1] == "bells: finished"
    without_titles = re.sub(r"\x1b\]2;[^\x07]*\x07", "", terminal.text)
    # one for the warning of so little sound is spared: it was told before; one for the end
    assert without_titles.count("\a") == 1
    drawn = [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in re.findall(r"\r([^\r\n]*?)\x1b\[K", without_titles)]
    assert any(drawn)
    assert max(map(len, drawn)) < 20


@pytest.mark.slow
@pytest.mark.terminal
def test_a_dumb_terminal_without_a_locale_gets_plain_lines(home: Home, tmp_path: Path) -> None:
    folder = few_sounds(tmp_path / "t\N{LATIN SMALL LETTER O WITH DIAERESIS}ne \N{BELL}")
    plain: dict[str, Any] = {
        "TERM": "dumb",
        "LC_ALL": "C",
        "LANG": "",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "COLUMNS": "20",
    }
    with ended_at_last(home):
        terminal = Terminal("train", str(folder), *tiny(train__epochs=2), **plain)
        assert terminal.wait() == 0, terminal.text
    assert "\x1b" not in terminal.text
    assert "\a" not in terminal.text
    assert "finished after" in terminal.text
    assert terminal.text.isascii()
    for command in ([], ["watch"], ["runs"], ["status"], ["models"], ["doctor", "--help"]):
        terminal = Terminal(*command, **plain)
        refused = command in ([], ["watch"])
        assert terminal.wait() == 2 * refused, terminal.text
        assert ("TERM=dumb" in terminal.text) == refused
        assert "\x1b" not in terminal.text
        assert "Traceback" not in terminal.text


@pytest.mark.terminal
@pytest.mark.parametrize(
    "command", [["runs"], ["status"], ["models", "show", "tones [a] b"], ["train", "--help"], ["nothing"]]
)
def test_no_color_and_a_pipe_get_no_colours(trained: Trained, command: list[str]) -> None:
    wrong = command == ["nothing"]
    home: dict[str, Any] = {"DISTILL_TUI_HOME": str(trained.home.root)}
    terminal = Terminal(*command, **home, NO_COLOR="1", COLUMNS="20", LINES="3")
    assert terminal.wait() == 2 * wrong
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)
    done = cli(*command, **home, FORCE_COLOR="1")
    assert done.returncode == 2 * wrong
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.terminal
@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_panes_and_the_status_line_of_the_readme_work_in_tmux(trained: Trained, tmp_path: Path) -> None:
    (settings,) = re.findall(r"`(set -g status-right[^`]*)`", README.read_text())
    words = shlex.split(LAYOUT)
    tmux = Tmux(tmp_path, trained.home.root)
    try:
        tmux("new-session", "-d", "-x", "200", "-y", "50", *words[1:])

        def panes() -> list[str]:
            return tmux("list-panes", "-F", "#{pane_id} #{pane_title}").splitlines()

        until(lambda: any("tones [a] b: finished" in pane for pane in panes()), "the title of the pane that watches")
        assert len(panes()) == 3

        def shown(number: int) -> str:
            return tmux("capture-pane", "-p", "-t", panes()[number].split()[0])

        until(lambda: "Sounds" in shown(0), "Config, in the pane that controls")
        until(lambda: "warnings" in shown(2), "how the run is")
        (tmp_path / "tmux.conf").write_text(settings)
        tmux("source-file", str(tmp_path / "tmux.conf"))
        with tmux.attached() as client:
            client.read_until("tones [a] b finished val ")
            client.read_until(" !")
    finally:
        tmux.end()


@pytest.mark.terminal
@pytest.mark.parametrize(
    "more", [{"COLUMNS": "20", "LINES": "8"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
@pytest.mark.slow
def test_the_app_opens_in_twenty_columns_and_without_a_locale(home: Home, more: dict[str, Any]) -> None:
    terminal = Terminal(**{"COLUMNS": "80", "LINES": "24", "LANG": "", **more})
    terminal.read_until("Sounds")
    terminal.type("q")
    assert terminal.wait() == 0
    assert "Traceback" not in terminal.text
