"""The commands that change a run from outside, on a run that really trains."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.runs.control import change_control, read_control
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.quick_state import quick_state
from tests.conftest import Trained
from tests.programs import LONG, OURS, PATIENCE, Terminal, ended_at_last, few_sounds, only_run, start, tiny, until
from tests.tmux import Tmux

pytestmark = [pytest.mark.slow, pytest.mark.terminal]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, RunFolder]]:
    """A run that trains, started in the foreground in tmux, whose server was killed; or in a terminal that is gone."""
    folder = tmp_path_factory.mktemp("live")
    home = Home(folder / "home")
    command = ["train", str(few_sounds(folder / "sounds")), "--home", str(home.root), "--name", "live", *tiny(**LONG)]
    with ended_at_last(home):
        if shutil.which("tmux"):
            tmux = Tmux(folder, home.root)
            tmux("new-session", "-d", *OURS, *command)
            run = only_run(home)
            until(lambda: quick_state(run).epoch >= 1, "the first epoch")
            (front,) = map(int, tmux("list-panes", "-F", "#{pane_pid}").split())
            os.kill(int(tmux("display-message", "-p", "#{pid}")), signal.SIGKILL)
            until(lambda: not Path(f"/proc/{front}").exists(), "the end of what was in tmux")
        else:
            terminal = Terminal(*command)
            terminal.read_until("epoch 1")
            run = only_run(home)
            terminal.hang_up()
            assert terminal.wait() == -signal.SIGHUP
        yield home, run


@pytest.fixture
def ask(live: tuple[Home, RunFolder], capsys: pytest.CaptureFixture[str]) -> "Ask":
    return Ask(live, capsys)


class Ask:
    """Commands to the run that trains: their exit code; what they printed is in `out` and `err`."""

    def __init__(self, live: tuple[Home, RunFolder], capsys: pytest.CaptureFixture[str]) -> None:
        (self.home, self.run), self._capsys = live, capsys

    def __call__(self, command: str, *arguments: str) -> int:
        code = main(["--home", str(self.home.root), command, "live", *arguments])
        self.out, self.err = self._capsys.readouterr()
        return code

    @property
    def state(self) -> str:
        return quick_state(self.run).state


def step_in(text: str) -> int:
    return int(text.rsplit("step ", 1)[1].replace(",", ""))


def test_the_run_goes_on_without_its_terminal(ask: Ask) -> None:
    before = quick_state(ask.run)
    until(lambda: quick_state(ask.run).epoch > before.epoch, "another epoch")
    assert ask.run.worker_pid() == before.pid
    assert os.getsid(before.pid or 0) == before.pid


def test_pause_and_unpause_say_the_step_of_their_effect(ask: Ask) -> None:
    assert ask("pause") == 0
    paused_at = step_in(ask.out)
    assert ask.state == "paused"
    assert quick_state(ask.run).step == paused_at
    assert ask("pause") == 0
    assert f"paused already, at step {paused_at:,}" in ask.out
    assert ask("unpause", "--json") == 0
    answer = json.loads(ask.out)
    assert (answer["type"], answer["state"], answer["step"]) == ("state", "running", paused_at)
    until(lambda: quick_state(ask.run).step > paused_at)
    assert ask("unpause") == 0
    assert "not paused" in ask.out


def test_a_checkpoint_and_a_preview_are_there_when_they_are_answered(ask: Ask) -> None:
    assert ask("checkpoint") == 0
    assert Path(ask.out.rstrip("\n")).is_file()
    assert f"step-{step_in(ask.err):08d}.ckpt" in ask.out
    assert ask("preview") == 0
    folder = Path(ask.out.rstrip("\n"))
    assert {path.name for path in folder.iterdir()} >= {"original-01.wav", "reconstruction-01.wav"}
    # while it is paused too
    assert ask("pause") == 0
    assert ask("checkpoint", "--json") == 0
    assert (ask.run.path / json.loads(ask.out)["file"]).is_file()
    assert ask("unpause") == 0


def test_tune_changes_what_is_live_and_nothing_when_one_is_bad(ask: Ask) -> None:
    assert ask("tune", "learning_rate=0.0005", "loss.commitment_weight=0.5") == 0
    assert "train.learning_rate 0.001 -> 0.0005 at step " in ask.out
    assert "loss.commitment_weight 0.25 -> 0.5 at step " in ask.out
    before = read_control(ask.run.control)
    assert ask("tune", "learning_rate=0.1", "mel_weight=-1", "rvq_levels=2", "lerning_rate=1", "stft_weight=nan") == 2
    for part in ("loss.mel_weight: -1", "model.rvq_levels: cannot be changed", "train.learning_rate", "nan"):
        assert part in ask.err
    assert read_control(ask.run.control) == before
    assert ask("tune", "learning_rate=5e-4") == 0
    assert "is 0.0005 already" in ask.out
    assert ask("tune", "learning-rate=0.0004", "--json") == 0
    (answer,) = json.loads(ask.out)
    assert (answer["key"], answer["old"], answer["new"]) == ("train.learning_rate", 0.0005, 0.0004)


def test_a_loss_without_any_weight_is_refused_and_leaves_no_wish(ask: Ask) -> None:
    before = read_control(ask.run.control).knobs
    assert ask("tune", "mel_weight=0", "stft_weight=0") == 1
    assert "loss.mel_weight: refused at step " in ask.err
    assert "both 0, so there is nothing to learn from" in ask.err
    assert read_control(ask.run.control).knobs == {k: v for k, v in before.items() if k in before and v}
    # one of them may go while the other comes
    assert ask("tune", "mel_weight=0", "stft_weight=0.3") == 0
    assert ask("tune", "stft_weight=0") == 1
    assert ask("tune", "mel_weight=1") == 0


def test_what_the_worker_refuses_fails(ask: Ask) -> None:
    """A program that writes control.json itself may ask for what the worker does not do."""
    change_control(ask.run.control, lambda control: control.knobs.update({"model.rvq_levels": 1.0}))
    until(lambda: quick_state(ask.run).refused)
    assert quick_state(ask.run).state == "running"
    change_control(ask.run.control, lambda control: control.knobs.clear())


def test_many_controllers_at_once_are_all_answered(ask: Ask) -> None:
    home = ["--home", str(ask.home.root)]
    wishes = [["checkpoint"], ["preview"], ["checkpoint"], ["tune", "stft_weight=0.2"]]
    started = [start(*home, wish[0], "live", *wish[1:]) for wish in wishes]
    for process in started:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert out


def test_an_answer_that_does_not_come_is_waited_for_as_long_as_wished(ask: Ask) -> None:
    assert ask("pause") == 0
    pid = quick_state(ask.run).pid
    assert pid
    subprocess.run(["kill", "-STOP", str(pid)], check=True)
    try:
        assert ask("checkpoint", "--timeout", "0.3") == 1
        assert "has not answered within 0.3 s" in ask.err
    finally:
        subprocess.run(["kill", "-CONT", str(pid)], check=True)
    assert ask("checkpoint", "--timeout", "nan") == 2
    assert ask("unpause") == 0


def test_a_wish_that_somebody_else_overrules_is_not_waited_for(ask: Ask) -> None:
    pid = quick_state(ask.run).pid
    assert pid
    subprocess.run(["kill", "-STOP", str(pid)], check=True)
    try:
        process = start("--home", str(ask.home.root), "pause", "live")
        until(lambda: read_control(ask.run.control).wanted == "paused")
        change_control(ask.run.control, lambda control: setattr(control, "wanted", "running"))
        assert process.communicate(timeout=PATIENCE)[1].endswith(b"somebody else asked for 'running' meanwhile\n")
        assert process.returncode == 1
    finally:
        subprocess.run(["kill", "-CONT", str(pid)], check=True)


def test_two_that_tune_one_setting_differently_both_return(ask: Ask) -> None:
    pid = quick_state(ask.run).pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        first = start("--home", str(ask.home.root), "tune", "live", "commitment_weight=0.7")
        until(lambda: read_control(ask.run.control).knobs.get("loss.commitment_weight") == 0.7)
        second = start("--home", str(ask.home.root), "tune", "live", "commitment_weight=0.8")
        assert b"somebody else asked for 'loss.commitment_weight=0.8' meanwhile" in first.communicate()[1]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert b"-> 0.8 at step" in second.communicate(timeout=PATIENCE)[0]
    assert (first.returncode, second.returncode) == (1, 0)


def test_what_was_refused_and_is_asked_for_again_is_answered_and_leaves_no_wish(ask: Ask) -> None:
    """Another program, or the app, leaves its wish where it is."""
    assert ask("tune", "stft_weight=0") in (0, 1)
    change_control(ask.run.control, lambda control: control.knobs.update({"loss.mel_weight": 0.0}))
    until(lambda: any(answer.value == 0 for answer in quick_state(ask.run).refused[-1:]), "the refusal")
    assert ask("tune", "mel_weight=0") == 1
    assert "both 0, so there is nothing to learn from" in ask.err
    assert "loss.mel_weight" not in read_control(ask.run.control).knobs


def test_stop_waits_for_the_end_and_says_how_to_go_on(ask: Ask) -> None:
    """The last test of the run that trains."""
    assert ask("resume") == 2
    assert "already being trained" in ask.err
    assert ask("stop") == 0
    assert step_in(ask.out) == quick_state(ask.run).step
    assert f"distill-tui resume {ask.run.path}" in ask.err
    assert ask.state == "stopped"
    assert not ask.run.is_alive()
    for command in ("pause", "unpause", "stop", "checkpoint", "preview"):
        assert ask(command) == 2
        assert "resume" in ask.err


def test_a_finished_run_cannot_be_controlled(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(trained.home.root), "pause", trained.run.id]) == 2
    assert "has finished" in capsys.readouterr().err
    assert not trained.run.control.exists()
