"""`train` and `resume`: what they print, how they end, and that a run outlives them."""

import json
import os
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.log import read_events
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.service import start_worker
from tests.conftest import Trained
from tests.engine.support import start_here
from tests.programs import (
    LONG,
    PATIENCE,
    Terminal,
    cli,
    ended_at_last,
    few_sounds,
    only_run,
    start,
    tiny,
    until,
    until_state,
)


@pytest.fixture
def sounds(home: Home, tmp_path: Path) -> Iterator[Path]:
    with ended_at_last(home):
        yield few_sounds(tmp_path / "sounds")


def last_event(run: RunFolder) -> e.Event:
    return list(read_events(run.events))[-1]


def test_in_a_pipe_it_prints_plain_lines_and_a_full_report(trained: Trained) -> None:
    assert "\x1b" not in trained.out
    assert "\r" not in trained.out
    assert "5 sounds: 1.6 s to train on, 0.4 s held out" in trained.out
    assert "2 levels of 8 (override) codes" in trained.out
    health = r"codes used \d+ %, \d+ %  perplexity \S+, \S+  dead \d, \d  quality \d+ %: [A-Za-z0-9 ,.]+\n"
    assert re.search(rf"epoch 3/3  step 9  train \S+  val \S+  distance \S+  {health}", trained.out)
    report = trained.out[trained.out.index("\nfinished after") :]
    assert "3 epochs, 9 steps" in report
    assert re.search(r"losses +train \S+, ", report)
    assert re.search(r"\n  level +utilization +perplexity", report)
    assert re.search(r"model\.codebook_size +8 \(override\)", report)
    assert re.search(r"train\.learning_rate +0\.001\n", report)
    assert re.search(r"model\.n_mels +\d+ \(auto\)", report)
    assert re.search(r"model\.hop_length +\d+ \(auto: tones, tonality \d\.\d\)", report)
    assert "net: 16 channels, 1 and 1 blocks" in trained.out
    assert str(trained.model) in report
    # the worker warns of so little sound: said once before the start, and again with all warnings of the run
    assert trained.out.count("s of sound to train on: expect") == 2
    assert "s of sound to train on: expect" in report[report.index("\nwarnings") :]


@pytest.mark.slow
def test_json_streams_the_log_and_ends_with_the_model(home: Home, sounds: Path) -> None:
    told = home.root / "told.txt"
    home.root.mkdir()
    home.settings.write_text(
        f"""on_finish = 'echo "$DISTILL_STATE $DISTILL_NAME $DISTILL_MODEL" >> {told}; exit 3'"""
        "\n[defaults]\nrvq_levels = 3\n"
    )
    done = cli("train", str(sounds), "--name", "bells", "--json", *tiny(train__epochs=2))
    assert done.returncode == 0, done.stderr
    run = only_run(home)
    assert done.stdout == run.events.read_text()
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["type"] == "finished"
    assert Path(last["path"]).is_file()
    assert last["model"] == Path(last["path"]).stem
    assert last["model_id"]
    until(told.is_file)
    until(lambda: told.read_text() == f"finished bells {last['path']}\n", told.read_text())


@pytest.mark.slow
@pytest.mark.terminal
def test_ctrl_c_stops_with_a_checkpoint_and_resume_goes_on(home: Home, sounds: Path) -> None:
    terminal = Terminal("train", str(sounds), *tiny(**LONG))
    terminal.read_until("epoch 2/")
    terminal.type("\x03")
    assert terminal.wait() == 130, terminal.text
    run = only_run(home)
    assert isinstance(last_event(run), e.Stopped)
    assert list(run.checkpoints.glob("*.ckpt"))
    assert f"distill-tui resume {run.id}" in terminal.text
    assert "\x1b[K" in terminal.text
    stopped_at = quick_state(run).step
    assert stopped_at > 0
    # a second terminal goes on, and two ctrl+c at once kill the worker
    terminal = Terminal("resume", run.id, NO_COLOR="1")
    terminal.read_until("resumed in process")
    terminal.read_until("epoch ")
    assert main(["resume", run.id]) == 2
    terminal.type("\x03")
    terminal.read_until("Once more to kill it")
    terminal.type("\x03")
    assert terminal.wait() in (130,), terminal.text
    assert not run.is_alive()
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)
    until(lambda: quick_state(run).state in ("crashed", "stopped"))
    assert quick_state(run).step >= stopped_at


@pytest.mark.slow
@pytest.mark.terminal
def test_a_killed_worker_is_told_everywhere_within_two_seconds_and_resume_finishes(home: Home, sounds: Path) -> None:
    terminal = Terminal("train", str(sounds), *tiny(train__epochs=60))
    run = only_run(home)
    until(lambda: quick_state(run).epoch >= 1, "the first epoch")
    pid = run.worker_pid() or 0
    # a worker that stands still leaves time to look; another program waits for its answer
    os.kill(pid, signal.SIGSTOP)
    watching = Terminal("watch", run.id, COLUMNS="120", LINES="40")
    watching.read_until("running")
    asking = start("checkpoint", run.id)
    until(lambda: run.control.exists())
    with run.worker_log.open("a") as log:
        log.write("the last words of the worker\n")
    os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    said = asking.communicate(timeout=PATIENCE)[1].decode()
    watching.read_until("No checkpoint yet")
    watching.read_until(f"distill-tui resume {run.id}")
    watching.read_until("the last words of the worker")
    assert terminal.wait() == asking.returncode == 1
    state = json.loads(cli("status", "--json").stdout)
    took, asked_again = time.monotonic() - killed_at, time.monotonic()
    cli("status", "--json")
    # the start of a program takes a third of a second; where it takes longer, so does all else
    assert took < 2 * max(1.0, (time.monotonic() - asked_again) / 0.35)
    watching.hang_up()
    watching.wait()
    assert (state["state"], state["pid"]) == ("crashed", None)
    assert "died before it answered" in said
    assert "was killed by SIGKILL without a last word" in terminal.text
    for text in (said, terminal.text):
        assert f"distill-tui resume {run.id}" in text
        assert "the last words of the worker" in text
        assert "Traceback" not in text
    # named and rung, for whoever looks at another pane
    assert f"\x1b]2;{state['name']}: crashed\x07" in terminal.text
    assert re.sub(r"\x1b\]2;[^\x07]*\x07", "", terminal.text).count("\a") == 1
    done = cli("resume", run.id, "--plain")
    assert done.returncode == 0, done.stderr
    assert "60 epochs, 180 steps" in done.stdout
    assert quick_state(run).state == "finished"


@pytest.mark.slow
@pytest.mark.terminal
def test_nohup_writes_the_whole_report_though_the_line_is_lost(home: Home, sounds: Path) -> None:
    program = ("nohup", sys.executable, "-m", "distill_tui", "train", str(sounds), *tiny())
    terminal = Terminal(program=("sh", "-c", f"cd {sounds.parent}; exec {shlex.join(program)}"))
    run = only_run(home)
    terminal.hang_up()
    assert terminal.wait() == 0
    assert quick_state(run).state == "finished"
    text = (sounds.parent / "nohup.out").read_text()
    assert re.search(r"\nfinished after .* 3 epochs, 9 steps\n", text)
    assert not set(text) & set("\x1b\r\a")


@pytest.mark.slow
def test_a_reader_that_goes_away_takes_nothing_with_it(home: Home, sounds: Path) -> None:
    process = start("train", str(sounds), *tiny())
    assert process.stdout is not None
    assert process.stderr is not None
    # before this line there is no run yet that could go on
    while not process.stdout.readline().startswith(b"started "):
        assert process.poll() is None
    process.stdout.close()
    assert process.wait(PATIENCE) == 128 + signal.SIGPIPE
    assert b"goes on" in process.stderr.read()
    process.stderr.close()
    until_state(only_run(home), "finished")


@pytest.mark.slow
def test_a_run_that_fails_says_why_and_where_its_log_is(home: Home, sounds: Path) -> None:
    from distill_tui.data.scan import scan
    from distill_tui.machine import Machine
    from distill_tui.recipe.fields import with_values
    from distill_tui.recipe.schema import Recipe
    from distill_tui.runs.service import create_run
    from tests.programs import TINY

    run = create_run(home, with_values(Recipe(), TINY), scan([sounds], 0.2), Machine(cores=2)).folder
    shutil.rmtree(sounds)
    done = cli("resume", run.id)
    assert done.returncode == 1
    assert "failed at step 0: none of the 5 sounds" in done.stderr
    assert str(run.worker_log) in done.stderr
    assert "Traceback" not in done.stderr
    assert quick_state(run).state == "failed"


def shown_as_json(capsys: pytest.CaptureFixture[str], model: str) -> dict[str, Any]:
    """What `models show --json` prints."""
    assert main(["models", "show", model, "--json"]) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    return shown


@pytest.mark.slow
def test_training_continues_from_a_model_whose_run_is_gone(
    home: Home, trained: Trained, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill_tui.runs.service.start_worker", start_here)
    shutil.copytree(trained.home.models, home.models)
    name = trained.model.stem
    assert main(["train", "--start-from", name, "--epochs", "1"]) == 0
    told = capsys.readouterr().out
    assert f"starts from the weights of model '{name}'" in told
    # its own sounds, its own recipe, and a codebook from the first step
    assert "5 sounds: 1.6 s to train on" in told
    assert re.search(r"epoch 1/1  step 3  train \S+  val \S+  distance", told)
    assert "codebooks made" not in told
    shown, original = (shown_as_json(capsys, one) for one in (f"{name}-2", name))
    assert shown["started_from"] == original["id"]
    assert shown["recipe"]["model"] == original["recipe"]["model"]
    assert shown["weights_sha256"] != original["weights_sha256"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--start-from", "nobody"], "train.start_from: no model 'nobody'"),
        (["--set", "start_from=/nowhere/m.distill"], "train.start_from: /nowhere/m.distill: no such file"),
        (["--start-from", "MODEL", "--rvq-levels", "4"], "model.rvq_levels is 4, the model's is 2"),
        (["--start-from", "MODEL", "--set", "mels=40"], "model.n_mels is 40"),
    ],
)
def test_a_model_that_cannot_be_started_from_is_told_and_nothing_is_made(
    home: Home, sounds: Path, trained: Trained, asked: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [str(trained.model) if word == "MODEL" else word for word in asked]
    assert main(["train", str(sounds), *asked]) == 2
    assert said in capsys.readouterr().err
    assert not list(home.runs.glob("*"))


def test_all_problems_at_once_and_nothing_is_made(home: Home, sounds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = sounds.parent / "r.toml"
    recipe.write_text("[model]\nmells = 3\nstride = 0\n")
    wrong = ["--recipe", str(recipe), "--set", "rvq_levls=3", "--set", "mels=nan", "--epochs", "0", "--set", "x"]
    assert main(["train", str(sounds), *wrong]) == 2
    told = capsys.readouterr().err
    for part in (
        "model.mells",
        "model.n_mels",
        "model.stride: 0",
        "rvq_levels",
        "model.n_mels: nan",
        "--epochs: 0",
        "'x'",
    ):
        assert part in told
    assert main(["train"]) == 2
    assert main(["train", str(sounds / "nowhere")]) == 2
    assert main(["train", str(sounds), "--device", "cuda:99"]) == 2
    assert "cuda:99" in capsys.readouterr().err
    assert main(["train", str(sounds), "--json", "--detach"]) == 2
    assert main(["resume", "nothing"]) == 2
    assert not home.runs.exists()


def test_a_finished_run_is_not_resumed(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    before = trained.run.events.read_bytes()
    assert main(["--home", str(trained.home.root), "resume", "tones [a] b"]) == 2
    told = capsys.readouterr().err
    assert "has finished" in told
    assert f"--recipe '{trained.run.recipe}'" in told
    assert trained.run.events.read_bytes() == before
    assert len(list_runs(trained.home)) == 1


@pytest.mark.slow
def test_a_second_worker_of_one_run_is_refused(home: Home, sounds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both looked before either held the lock."""
    from distill_tui.cli.foreground import ForegroundRun
    from distill_tui.errors import RequestError

    done = cli("train", str(sounds), "--detach", *tiny(**LONG))
    assert done.returncode == 0, done.stderr
    run = RunFolder(home.runs / done.stdout.rstrip("\n"))
    assert done.stdout == f"{run.id}\n"
    assert isinstance(next(read_events(run.events)), e.Started)

    monkeypatch.setattr("distill_tui.runs.service.refuse_alive", lambda _run: None)
    following = ForegroundRun(run, lambda: start_worker(home, run))
    with pytest.raises(RequestError, match="already being trained"):
        following.wait_for_start()
    assert main(["stop", run.id]) == 0
