"""What a person sees when something goes wrong: a line or two, never a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui.cli import main as program
from distill_tui.cli import parser
from distill_tui.interpreter import python
from tests.conftest import Trained
from tests.programs import Terminal

AFTER_A_HANG_UP = """
import contextlib, signal, sys
from distill_tui.cli.main import run
signal.signal(signal.SIGHUP, signal.SIG_IGN)
print("here", flush=True)
with contextlib.suppress(OSError):
    sys.stdin.read()
sys.exit(run(sys.argv[1:]))
"""
"""A command that has something to print when its terminal is gone: `demo` after the app has left is one."""


def test_a_mistake_of_ours_is_a_line_and_its_traceback_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(parser, "build_parser", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert program.run(["runs"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert len(said.splitlines()) == 2
    (log,) = tmp_path.glob("*.log")
    assert str(log) in said
    assert "deep inside" in log.read_text()


@pytest.mark.terminal
@pytest.mark.parametrize("command", [["runs"], ["status", "nobody"]])
def test_a_terminal_that_has_gone_is_no_mistake_of_ours(trained: Trained, tmp_path: Path, command: list[str]) -> None:
    home = ["--home", str(trained.home.root)]
    terminal = Terminal(*home, *command, program=(sys.executable, "-c", AFTER_A_HANG_UP), TMPDIR=str(tmp_path))
    terminal.read_until("here\r\n")
    terminal.hang_up()
    assert terminal.wait() == (2 if "nobody" in command else 128 + signal.SIGHUP)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["runs", "status --line", "status nosuch --json", "runs --json"])
def test_closed_streams_are_no_mistake(tmp_path: Path, command: str, closed: str) -> None:
    code = "2" if "nosuch" in command else "0"
    start = f'"$0" -P -m distill_tui --home "$1" {command} {closed}; test $? = {code}'
    done = subprocess.run(
        ["sh", "-c", start, sys.executable, str(tmp_path)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not list(tmp_path.glob("*.log")), "a traceback was kept"


def test_a_line_for_tmux_is_whole_and_its_failure_has_its_code(tmp_path: Path) -> None:
    command = [*python("-m", "distill_tui"), "--home", str(tmp_path), "status", "--line"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"no runs\n", b"")
    done = subprocess.run([*command, "nosuch"], capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no run 'nosuch'" in done.stderr


@pytest.mark.terminal
def test_a_name_in_an_error_colours_no_terminal(tmp_path: Path) -> None:
    """The program's own colours pass the gate, and an error has none."""
    terminal = Terminal("--home", str(tmp_path), "status", "\x1b[31mred")
    assert terminal.wait() == 2
    assert "no run '\N{REPLACEMENT CHARACTER}[31mred'" in terminal.text
    assert "\x1b" not in terminal.text
