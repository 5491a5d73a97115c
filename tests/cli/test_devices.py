"""Several devices and machines on the command line: what is refused, the job script, a launcher's processes."""

import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.cli.slurm import job_script
from distill_tui.errors import RequestError
from distill_tui.paths import Home
from distill_tui.runs.folder import list_runs
from distill_tui.runs.launcher import LAUNCHER_ENDED, launched
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.service import start_worker
from tests.engine.support import tones
from tests.programs import PATIENCE
from tests.ui import recorded

SMALL = (
    "model.channels=16 encoder_blocks=1 decoder_blocks=1 latent_dim=8 codebook_size=8 batch_size=4 steps_per_epoch=3"
)
SETTINGS = [word for setting in SMALL.split() for word in ("--set", setting)]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--devices", "2"], "--devices: this machine has no NVIDIA GPU"),
        (["--device", "cuda:0,1"], "cuda:0 is not there; this machine has no NVIDIA GPU"),
        (["--device", "cpu", "--devices", "all"], "--devices: 'all' names GPUs"),
        (["--devices", "none"], "--devices: 'none' is not one of"),
        (["--slurm"], "--slurm: the job knows its run by its name"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    home: Home,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    words: str,
) -> None:
    monkeypatch.setattr("distill_tui.machine.gpus", lambda: ())
    assert main(["train", str(tones(tmp_path / "sounds", 2)), *flags]) == 2
    assert words in capsys.readouterr().err
    assert list_runs(home) == []


@pytest.mark.parametrize("option", ["train", "resume"])
def test_a_launchers_environment_that_is_not_whole(
    option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert main([option, "x"]) == 2
    assert "MASTER_ADDR" in capsys.readouterr().err


def test_the_job_script_starts_or_resumes_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import argparse

    monkeypatch.setattr(sys, "argv", ["distill-tui", "train", "my sounds", "--name", "a b", "--slurm"])
    script = job_script(argparse.Namespace(home="a home"), "a b", on_cpu=False)
    assert "-m distill_tui train 'my sounds' --name 'a b' --or-resume --plain\n" in script
    assert "--nproc-per-node gpu" in script
    assert "--signal=TERM@" in script
    assert "status 'a b' --json" in script
    assert "--home 'a home'" in script
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "OMP_NUM_THREADS" not in script
    assert "OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK" in job_script(argparse.Namespace(home=None), "a b", on_cpu=True)


@pytest.mark.parametrize(
    ("status", "restarts", "again"),
    [
        ('"reason": "stopped by SIGTERM at 10:00:00"', "7", True),
        (f'"reason": "{LAUNCHER_ENDED}"', "", True),
        ('"reason": "finished"', "", False),
        ("distill-tui: no run 'a'", "2", True),
        ("distill-tui: no run 'a'", "3", False),
    ],
)
def test_a_job_is_queued_again_where_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, restarts: str, again: bool
) -> None:
    import argparse

    programs = {"scontrol": 'echo "$1"', "srun": "exit 1", "python": f"echo {shlex.quote(status)}"}
    for name, does in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(sys, "argv", ["distill-tui", "train", "sounds", "--name", "a", "--slurm"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    script = job_script(argparse.Namespace(home=None), "a", on_cpu=True)
    place = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "5"}
    place |= {"SLURM_RESTART_COUNT": restarts} if restarts else {}
    done = subprocess.run(["bash"], input=script, env=place, text=True, capture_output=True, check=False)
    assert ("requeue" in done.stdout.split(), done.returncode) == (again, 0 if again else 1)


@pytest.mark.slow
def test_two_processes_of_a_launcher_train_one_run(home: Home, tmp_path: Path) -> None:
    sounds = tones(tmp_path / "sounds", 3)
    line = ["train", str(sounds), "--name", "both", "--or-resume", "--device", "cpu", "--epochs", "2", *SETTINGS]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "distill_tui", *line, "--home", str(home.root)],
            env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.DEVNULL,
        )
        for rank in range(2)
    ]
    assert [process.wait(PATIENCE) for process in processes] == [0, 0]
    runs = list_runs(home)
    assert len(runs) == 1
    state = quick_state(runs[0])
    assert state.state == "finished"
    assert state.prepared is not None
    assert state.prepared.device == "2 x cpu"


@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_command_that_does_not_train_with_a_launchers_processes(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rank: str
) -> None:
    run = recorded.finished(home)
    for name, value in (("RANK", rank), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    assert main(["status", run.id]) == 0
    assert (launched() is None) == (rank == "0")
    if rank == "1":
        with pytest.raises(RequestError, match="process 2 of 2 of a launcher"):
            start_worker(home, run)


def test_other_processes_are_told_to_leave_when_the_run_has_finished(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded.finished(home)
    told: list[bool] = []
    monkeypatch.setattr("distill_tui.cli.or_resume.dismiss_ranks", lambda: told.append(True))
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    assert main(["train", "--name", run.id.split("-", 2)[-1], "--or-resume"]) == 0
    assert told
