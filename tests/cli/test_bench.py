"""`distill-tui bench`: the numbers that it promises, and what it refuses. No time is asserted."""

import json
from pathlib import Path

import pytest

from distill_tui.cli.commands import bench
from distill_tui.cli.startup_timer import start
from distill_tui.errors import DistillError
from distill_tui.paths import Home
from tests.programs import cli

PARTS = {
    "data",
    "forward",
    "losses",
    "backward",
    "clipping",
    "optimizer",
    "averaging",
    "codebooks",
    "logging",
    "other",
}


@pytest.mark.slow
@pytest.mark.terminal
def test_a_quick_one_has_every_number(home: Home) -> None:
    done = cli("bench", "--quick", "--json", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert set(found) == {"machine", "quick", "training", "app"} and found["quick"] is True
    training, app = found["training"], found["app"]
    assert training["device"] == "cpu" and training["gpu"] is None
    for name in ("sound_seconds_per_second", "bare_sound_seconds_per_second", "ratio", "cpu_ratio", "step_seconds"):
        assert training[name] > 0
    assert training["steps"] >= 2 and training["memory_mib"] > 100
    # a part without time is one that the stopwatch no longer finds in the trainer
    assert set(training["parts"]) == PARTS
    assert all(part["seconds"] > 0 and part["what"] for part in training["parts"].values())
    assert sum(part["share"] for part in training["parts"].values()) == pytest.approx(1.0)
    for name in ("ratio", "cpu_ratio", "memory_ratio", "first_screen_seconds", "bare_seconds"):
        assert app[name] > 0
    assert not home.root.exists()
    told = bench.describe(found)
    assert all(f"\n{name} " in told for name in (*PARTS, "throughput", "bare loop", "first screen"))
    assert max(map(len, told.splitlines())) <= 140


@pytest.mark.parametrize(
    ("device", "problem"),
    [("gpu", "--device: 'gpu' is not one of"), ("cuda:77", "cuda:77 is not there")],
)
def test_a_device_that_cannot_be_used_is_a_wrong_request(device: str, problem: str) -> None:
    done = cli("bench", "--device", device, "--json")
    assert done.returncode == 2
    assert problem in json.loads(done.stdout)["error"]
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_a_torch_that_dies_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so.13: cannot open')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DistillError) as error:
        bench.measure_training("cpu", 1.0)
    assert error.value.message == "training could not be measured: ImportError: libcudart.so.13: cannot open"
    assert error.value.exit_code == 1


@pytest.mark.terminal
def test_a_program_without_its_screen_is_an_error() -> None:
    with pytest.raises(DistillError, match="first screen did not appear"):
        start(["-c", "print('something else')"], "what is waited for", 60.0)
    with pytest.raises(DistillError, match="first screen did not appear"):
        start(["-c", "import threading; threading.Event().wait()"], "what is waited for", 0.5)


@pytest.mark.terminal
def test_a_screen_is_seen_through_its_escapes() -> None:
    made = start(
        ["-c", r"print('\x1b[1;31mall\x1b[0m\x1b]0;title\x07 th\x1b[2Cere', flush=True); input()"], "there", 60
    )
    assert made.seconds > 0 and made.memory_mib > 1
