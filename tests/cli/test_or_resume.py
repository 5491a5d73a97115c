"""`train --or-resume`: the same line again and again, whatever happened in between."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.runs.control import change_control
from distill_tui.runs.quick_state import quick_state
from tests.conftest import Trained
from tests.programs import PATIENCE, cli, ended_at_last, few_sounds, only_run, start, tiny, until, until_state


def end_of(process: "subprocess.Popen[bytes]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.slow
def test_one_line_starts_goes_on_joins_and_ends(tmp_path: Path, home: Home) -> None:
    sounds = str(few_sounds(tmp_path / "sounds"))
    line = ["train", sounds, "--name", "spot", "--or-resume", *tiny(train__epochs=120)]
    with ended_at_last(home):
        # started, and stopped as Slurm and owners of spot instances do
        first = start(*line)
        run = only_run(home)
        until(lambda: quick_state(run).epoch >= 1, "the first epoch")
        first.send_signal(signal.SIGTERM)
        code, _, err = end_of(first)
        assert (code, quick_state(run).state) == (3, "stopped"), err
        assert f"distill-tui resume {run.id}" in err

        # gone on with, joined by the same line elsewhere, and killed
        second = start(*line)
        until(run.is_alive, "the second worker")
        change_control(run.control, lambda control: setattr(control, "wanted", "paused"))
        until_state(run, "paused")
        third = start(*line, "--json")
        assert third.stderr is not None
        assert b"is being trained by process" in third.stderr.readline()
        os.kill(run.worker_pid() or 0, signal.SIGKILL)
        assert end_of(second)[0] == 1
        code, out, _ = end_of(third)
        assert code == 1
        assert json.loads(out.splitlines()[-1])["exit_code"] == 1

        # stopped from elsewhere
        fourth = start(*line)
        until_state(run, "running")
        assert main(["stop", "spot"]) == 0
        assert end_of(fourth)[0] == 3

        # to its end, with the recipe that it began with, and no further
        done = cli(*line, "--set", "model.channels=32", "--detach")
        assert (done.returncode, done.stdout) == (0, f"{run.id}\n"), done.stderr
        assert "goes on as it was begun: model.channels 16 (asked: 32)" in done.stderr
        assert cli(*line).returncode == 0
        assert quick_state(run).state == "finished"
        done = cli(*line, "--json")
        assert done.returncode == 0
        assert json.loads(done.stdout)["type"] == "finished"
        assert "has finished; its model is in the library as 'spot'" in done.stderr
    assert only_run(home) == run


@pytest.mark.slow
def test_two_of_the_same_line_at_once_share_one_run(tmp_path: Path, home: Home) -> None:
    sounds = str(few_sounds(tmp_path / "sounds"))
    line = ["train", sounds, "--name", "twice", "--or-resume", *tiny()]
    with ended_at_last(home):
        ends = [end_of(process) for process in [start(*line), start(*line)]]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert quick_state(only_run(home)).state == "finished"


def test_without_a_name_there_is_nothing_to_know_the_run_by(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(trained.sounds), "--or-resume"]) == 2
    assert "Add --name NAME." in capsys.readouterr().err
