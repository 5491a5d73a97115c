"""What a person sees when something goes wrong: a line or two, never a traceback."""

from pathlib import Path

import pytest

from distill_tui.cli import main as program
from distill_tui.cli import parser


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
