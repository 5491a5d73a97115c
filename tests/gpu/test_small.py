"""The script for a rented card in its small form, on the CPU: so that it runs when a card is at hand."""

import contextlib
import io
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import torch

from distill_tui.cli.main import run as program
from tests.engine.support import start_here
from tests.gpu import __main__ as script
from tests.gpu import inside, life, programs
from tests.gpu.programs import Done

ROOT = Path(__file__).parents[2]
REAL = ("whole", "parted", "resume")
"""In the commands of a run that is interrupted and resumed, and of the one that it is compared with."""


class AtOnce:
    """A pool of threads that does what it is given when it is given, in the caller's thread."""

    def __init__(self, _threads: int) -> None:
        pass

    def __enter__(self) -> "AtOnce":
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def submit(self, job: Callable[[], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(job())
        except Exception as error:  # noqa: BLE001 - as a pool does
            future.set_exception(error)
        return future


def run_here(command: Sequence[str], _limit: float, _interrupt_after: str = "") -> Done:
    """What a command of the script does, in this process, which has torch already."""
    module, arguments = command[2], command[3:]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    began = time.monotonic()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if module == "distill_tui":
            code = program(arguments)
        else:
            inside.WORK[arguments[0]](json.loads(arguments[1]))
            code = 0
    told = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Done(code, told[0], told[1], time.monotonic() - began)


@pytest.mark.slow
def test_every_section_runs_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In processes of their own only the runs that are interrupted, resumed and compared."""
    real = programs.run
    file = tmp_path / "gpu.json"

    def run(command: Sequence[str], limit: float, interrupt_after: str = "") -> Done:
        return (real if set(REAL) & set(command) else run_here)(command, limit, interrupt_after)

    # time says nothing here, on a loaded machine least of all
    endless = {name: (3600.0, work) for name, (_, work) in script.SECTIONS.items()}
    for place, name, value in (
        (script, "SECTIONS", endless),
        (programs, "run", run),
        (life, "ThreadPoolExecutor", AtOnce),
    ):
        monkeypatch.setattr(place, name, value)
    monkeypatch.setattr("distill_tui.runs.service.start_worker", start_here)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    try:
        code = script.main(["--small", "--device", "cpu", "--minutes", "60", "--drums", "0.02", "--json", str(file)])
    finally:
        # one section asks for it
        torch.use_deterministic_algorithms(False)
    sections = json.loads(file.read_text())["sections"]
    assert code == 0, sections
    assert list(sections) == list(script.SECTIONS)
    assert sections["life"]["resumed"]["weights"]["equal"], "a resumed run is one that was never stopped"
    assert sections["equal"]["weights"]["equal"]
    assert sections["life"]["at work"]["decoded_equals_reconstructed"]


def test_it_is_started_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON", sys.executable)
    command = [str(ROOT / "tests" / "gpu" / "run"), "--only", "device,nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "no section nonsense" in done.stderr


def test_a_section_that_fails_leaves_its_reason_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
