"""control.json: replaced whole, changed by many at once without losing a wish."""

import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui.errors import DistillError
from distill_tui.runs.control import Control, change_control, read_control


def test_nothing_asked_for_is_to_run(tmp_path: Path) -> None:
    assert read_control(tmp_path / "control.json") == Control(wanted="running")


@pytest.mark.slow
def test_controllers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    script = (
        "import sys, pathlib; from distill_tui.runs.control import change_control\n"
        "def more(c):\n    c.checkpoint += 1\n    c.knobs[sys.argv[2]] = c.knobs.get(sys.argv[2], 0) + 1\n"
        "for _ in range(50): change_control(pathlib.Path(sys.argv[1]), more)\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, str(path), f"knob{i}"]) for i in range(4)]
    # a reader meanwhile sees whole files only
    while any(process.poll() is None for process in processes):
        read_control(path)
    assert [process.returncode for process in processes] == [0] * 4
    assert read_control(path) == Control(checkpoint=200, knobs={f"knob{i}": 50.0 for i in range(4)})
    assert not list(tmp_path.glob("*.part"))


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    for content in ('{"wanted": "flying"}', "{", "[]", ""):
        path.write_text(content)
        with pytest.raises(DistillError, match=r"control\.json"):
            read_control(path)


def test_a_wish_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    change_control(path, lambda control: setattr(control, "wanted", "paused"))

    def fall_over(control: Control) -> None:
        control.wanted = "stopped"
        raise KeyError

    with pytest.raises(KeyError):
        change_control(path, fall_over)
    assert read_control(path).wanted == "paused"
    change_control(path, lambda control: setattr(control, "wanted", "running"))
    assert read_control(path).wanted == "running"
