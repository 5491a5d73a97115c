"""What a person sees when something goes wrong: a line or two, never a traceback."""

import signal
import sys
from pathlib import Path

import pytest

from distill_tui.cli import main as program
from distill_tui.cli import parser
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


@pytest.mark.parametrize("command", [["runs"], ["status", "nobody"]])
def test_a_terminal_that_has_gone_is_no_mistake_of_ours(trained: Trained, tmp_path: Path, command: list[str]) -> None:
    home = ["--home", str(trained.home.root)]
    terminal = Terminal(*home, *command, program=(sys.executable, "-c", AFTER_A_HANG_UP), TMPDIR=str(tmp_path))
    terminal.read_until("here\r\n")
    terminal.hang_up()
    assert terminal.wait() == (2 if "nobody" in command else 128 + signal.SIGHUP)
    assert list(tmp_path.iterdir()) == []
