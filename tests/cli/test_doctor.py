"""`distill-tui doctor`: what is there, what is missing, and the way out."""

import importlib.metadata
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from distill_tui import gpu_support, machine
from distill_tui.cli.commands import doctor_command as command_module
from distill_tui.cli.commands.doctor import place, software, terminal
from distill_tui.cli.commands.doctor.check import Check
from distill_tui.cli.main import run
from distill_tui.machine import Gpu
from distill_tui.paths import Home
from tests.programs import PATIENCE


def by_name(checks: "list[Check]") -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.mark.slow
def test_the_whole_of_it_on_this_machine(home: Home) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "distill_tui", "doctor", "--json"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert document["ok"] is True
    found = {(check["area"], check["name"]): check for check in document["checks"]}
    for needed in ("torch", "torchaudio", "vector-quantize-pytorch"):
        assert found["torch", needed]["state"] == "ok"
    assert found["library", "numpy"]["text"] == importlib.metadata.version("numpy")
    assert found["folder", "home"]["text"] == f"{home.root}, made when it is needed"
    assert "WAV, FLAC, OGG, AIFF, MP3" in found["sound", "libsndfile"]["text"]
    assert not home.root.exists()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Doctor without the seconds that torch takes: what the probe would tell, to be changed by a test."""
    told: dict[str, object] = {
        "torch": "2.14.1",
        "torchaudio": "2.11.0",
        "quantizer": True,
        "cuda": "13.0",
        "devices": [["cuda:0", "Some GPU"]],
    }
    monkeypatch.setattr(software, "probe_torch", lambda: told)
    monkeypatch.setattr(machine, "gpus", lambda: ())
    return told


def test_lines_for_people_and_the_verdict(
    home: Home, quick: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "ok       cuda:0                   Some GPU, used by torch" in out.splitlines()
    assert "\ntraining can work here" in out


def test_a_missing_part_is_an_error_with_its_way_out(
    home: Home, quick: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    del quick["quantizer"]
    quick["quantizer error"] = "OSError: undefined symbol"
    assert run(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "missing  vector-quantize-pytorch  it does not import: OSError: undefined symbol\n" in out
    assert "Install this program again" in out
    assert out.endswith("training cannot work here yet: see vector-quantize-pytorch\n")
    assert run(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_torchaudio_may_be_missing_or_not_fit_torch(
    home: Home, quick: dict[str, object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del quick["torchaudio"]
    quick["torchaudio error"] = "OSError: undefined symbol"
    assert run(["doctor"]) == 0
    assert "ok       torchaudio               not used, since it does not import (OSError" in capsys.readouterr().out
    real = importlib.metadata.version

    def without_torchaudio(name: str) -> str:
        if name == "torchaudio":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", without_torchaudio)
    assert by_name(list(software.libraries()))["torchaudio"].state == "ok"


def test_a_home_that_cannot_be_written_is_an_error(
    tmp_path: Path, quick: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(["doctor", "--home", str(tmp_path / "file" / "home")]) == 1
    assert f"{tmp_path / 'file'} is not a folder" in capsys.readouterr().out


FAKES = {
    "raise ImportError('libcudart.so.13: cannot open')": "ImportError: libcudart.so.13: cannot open",
    "import os, sys; print('Illegal instruction', file=sys.stderr, flush=True); os._exit(132)": (
        "importing it ended the process with code 132. Illegal instruction"
    ),
    "import threading; threading.Event().wait()": "importing it took longer than 1 s",
}


@pytest.mark.slow
@pytest.mark.parametrize("fake", FAKES)
def test_a_torch_that_fails_dies_or_hangs_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: str
) -> None:
    for name in ("torch", "torchaudio", "vector_quantize_pytorch"):
        (tmp_path / f"{name}.py").write_text(fake)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    real = software.probe_torch
    monkeypatch.setattr(software, "probe_torch", lambda: real(1.0 if "threading" in fake else 60.0))
    (check,) = software.torch()
    assert (check.name, check.state, check.needed) == ("torch", "missing", True)
    assert check.text == f"it does not import: {FAKES[fake]}"


def test_a_gpu_that_torch_cannot_use_is_told_of(quick: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpus", lambda: (Gpu(0, "Some GPU", 80 << 30),))
    monkeypatch.setattr(gpu_support, "driver", lambda: gpu_support.Driver("550.54.14", "12.4"))
    quick["devices"] = []
    found = by_name(list(software.torch()))
    assert found["GPU 0"].text == "Some GPU, 80 GiB, as its driver names it"
    assert found["cuda"].state == "warning"
    assert "driver 550.54.14 offers CUDA 12.4, and this torch was built for CUDA 13.0" in found["cuda"].text
    assert "--torch-backend auto ." in found["cuda"].advice
    assert found["cpu"].state == "ok"
    quick["cuda"] = None
    assert "this torch was built without CUDA" in by_name(list(software.torch()))["cuda"].text
    del quick["devices"]
    quick["devices error"] = "RuntimeError: no kernel image"
    broken = by_name(list(software.torch()))["cuda"]
    assert (broken.state, broken.text) == ("warning", "it fails: RuntimeError: no kernel image")
    quick["archs"], quick["capabilities"] = ["sm_75", "sm_90"], [[7, 0]]
    old = by_name(list(software.torch()))["cuda"]
    assert "its compute capability is 7.0" in old.text and "--torch-backend cu126 ." in old.advice


def test_every_dependency_is_listed_with_its_version() -> None:
    found = by_name(list(software.libraries()))
    assert {"numpy", "torch", "textual", "soundfile", "vector-quantize-pytorch"} <= set(found)
    assert all(check.state == "ok" for check in found.values())


def test_a_library_that_is_missing_or_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "requirements", lambda: [("no-such-library", ">=1"), ("numpy", "<2,>=1.9")])
    missing, other = software.libraries()
    assert (missing.state, missing.text, missing.needed) == ("missing", "not installed", True)
    assert (other.state, other.needed) == ("warning", False)
    assert other.advice


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("2.14.1+cu130", "<2.15,>=2.11", True),
        ("2.15.0", "<2.15,>=2.11", False),
        ("2.15", "<2.15,>=2.11", False),
        ("2.9.1", "<2.15,>=2.11", False),
        ("15.0", "==15.0.0", True),
        ("15.0.1", "==15.0.0", False),
        ("2.11rc1", ">=2.11", True),
        ("3", "", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, bounds: str, fits: bool) -> None:
    assert software.within(version, bounds) is fits


def test_memory_is_that_of_the_container(tmp_path: Path) -> None:
    total, free = machine.memory_bytes(tmp_path)
    assert 0 < free <= total
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("600000\n")
    assert machine.memory_bytes(tmp_path) == (1000000, 400000)
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.memory_bytes(tmp_path)[0] == total


def test_folders_that_are_there_are_tried(home: Home) -> None:
    (home.cache / "sounds").mkdir(parents=True)
    (home.cache / "sounds" / "a.f32").write_bytes(bytes(1 << 24))
    found = by_name(list(place.folders(home)))
    assert {name: found[name].state for name in ("home", "runs", "models", "cache")} == dict.fromkeys(
        ("home", "runs", "models", "cache"), "ok"
    )
    assert "0.02 GiB" in found["cache"].text
    assert list(home.root.iterdir()) == [home.cache]
    home.runs.write_text("a file where a folder should be")
    runs = by_name(list(place.folders(home)))["runs"]
    assert (runs.state, runs.needed) == ("missing", True)


def test_settings_are_checked_by_the_app_in_a_process_of_its_own(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.root.mkdir()
    home.settings.write_text('theme = "distil"\n[keys]\n"app.libary" = "l"\n')
    told = [check for check in place.folders(home) if check.name == "settings"]
    assert [check.state for check in told] == ["warning", "warning"]
    assert "did you mean 'app.library'" in "".join(check.text for check in told)
    # what the app cannot be asked is a warning, and no end of the checks
    monkeypatch.setattr(place, "SETTINGS_CHECK", "distill_tui.no_such_module")
    (told_of,) = [check for check in place.folders(home) if check.name == "settings"]
    assert told_of.state == "warning"
    assert "cannot be checked" in told_of.text


@pytest.mark.parametrize(
    ("environment", "name", "state", "text"),
    [
        ({"TERM": "dumb"}, "TERM", "warning", "'dumb'"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, "TERM", "ok", "tmux-256color, inside tmux"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "colours", "ok", "16 million"),
        ({"TERM": "xterm-256color"}, "colours", "ok", "256"),
        ({"TERM": "xterm"}, "colours", "warning", "not known to be more than 16"),
        ({"PATH": ""}, "tmux", "missing", "not installed"),
    ],
)
def test_the_terminal(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str, state: str, text: str
) -> None:
    for word in ("TERM", "TMUX", "COLORTERM"):
        monkeypatch.delenv(word, raising=False)
    for word, value in environment.items():
        monkeypatch.setenv(word, value)
    check = by_name(list(terminal.checks()))[name]
    assert (check.state, check.text) == (state, text)
    assert check.needed is False
    assert check.advice or state == "ok"


@pytest.mark.terminal
def test_the_terminals_size_and_locale_are_seen() -> None:
    code = "from distill_tui.cli.commands.doctor import terminal\n"
    code += "for c in terminal.checks(): print(c.name, c.state, c.text)"
    main, side = pty.openpty()
    termios.tcsetwinsize(side, (20, 60))
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdin=side,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    )
    os.close(main)
    os.close(side)
    assert "size warning 60 columns, 20 lines" in done.stdout
    assert "locale warning ANSI_X3.4-1968, not UTF-8" in done.stdout


def test_advice_stands_below_its_line() -> None:
    check = Check("folder", "home", "missing", "/x: permission denied", "Choose another.")
    first, second = command_module.describe(check).splitlines()
    assert first == "missing  home                     /x: permission denied"
    assert second.strip() == "Choose another." and second.index("C") == first.index("/")
    narrow = command_module.describe(check, 50).splitlines()
    assert max(len(line) for line in narrow) <= 50
    assert " ".join(" ".join(narrow).split()) == "missing home /x: permission denied Choose another."
