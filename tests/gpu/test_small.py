"""The script for a rented card in its small form, on the CPU: so that it runs when a card is at hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_section_runs_on_a_cpu(tmp_path: Path) -> None:
    from tests.gpu.__main__ import SECTIONS

    file = tmp_path / "gpu.json"
    script = ROOT / "tests" / "gpu" / "run"
    command = [str(script), "--small", "--device", "cpu", "--minutes", "9", "--json", str(file)]
    environment = {"PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    sections = json.loads(file.read_text())["sections"]
    assert list(sections) == list(SECTIONS)
    assert sections["life"]["resumed"]["weights"]["equal"], "a resumed run is one that was never stopped"
    assert sections["equal"]["weights"]["equal"]
    assert sections["life"]["at work"]["decoded_equals_reconstructed"]


def test_an_unknown_section_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.gpu.__main__ import main

    with pytest.raises(SystemExit):
        main(["--only", "device,nonsense"])
    assert "no section nonsense" in capsys.readouterr().err


def test_a_section_that_fails_leaves_its_reason_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.gpu import __main__ as script

    def fail(_settings: object) -> dict[str, object]:
        raise ValueError("broken")

    monkeypatch.setattr(script, "SECTIONS", {"one": (9.0, fail), "two": (9.0, lambda _settings: {"fine": True})})
    file = tmp_path / "gpu.json"
    assert script.main(["--only", "one,two", "--json", str(file)]) == 1
    sections = json.loads(file.read_text())["sections"]
    assert "ValueError: broken" in sections["one"]["error"]
    assert sections["two"]["fine"] is True
    assert script.main(["--only", "two", "--minutes", "0", "--json", str(file)]) == 0
    assert json.loads(file.read_text())["sections"]["two"]["skipped"] == "no time is left"
