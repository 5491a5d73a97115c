"""What goes wrong with machines: full disks, folders that cannot be written, clocks that jump."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distill_tui.cli.main import run as main
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.events import Codec
from distill_tui.runs.log import read_events
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.state import RunState
from tests.cli.small_disk import fill, small_disk, with_small_disks
from tests.conftest import Trained
from tests.programs import LONG, PATIENCE, cli, ended_at_last, few_sounds, only_run, start, tiny, until
from tests.runs.support import a_run, metrics, started


@pytest.mark.slow
@with_small_disks
def test_a_full_disk_ends_a_run_with_words_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    sounds, disk = few_sounds(tmp_path / "sounds"), tmp_path / "disk"
    with small_disk(disk, "16m"), ended_at_last(Home(disk / "home")):
        home = Home(disk / "home")
        flags = tiny(train__epochs=30, train__checkpoint_minutes=0)
        process = start("train", str(sounds), "--home", str(home.root), *flags)
        run = only_run(home)
        until(lambda: len(list(run.checkpoints.glob("*.ckpt"))) >= 3, "three checkpoints")
        # it stands still while the disk fills, so that it cannot be done before
        pid = run.worker_pid() or 0
        os.kill(pid, signal.SIGSTOP)
        fill(disk / "filler")
        os.kill(pid, signal.SIGCONT)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1, out
        assert b"Traceback" not in out + err
        assert b"no space left on device" in err
        assert f"distill-tui resume {run.path}".encode() in err or b"Free some space there" in err
        assert quick_state(run).state in ("failed", "crashed")
        kept = max(event.step for event in read_events(run.events) if isinstance(event, e.CheckpointSaved))
        (disk / "filler").unlink()
        done = cli("resume", str(run.path), "--home", str(home.root), "--plain")
        assert done.returncode == 0, done.stderr
        events = list(read_events(run.events))
        again = max(place for place, event in enumerate(events) if isinstance(event, e.Started))
        first = next(event for event in events[again:] if isinstance(event, e.Metrics))
        assert first.step > kept
        assert quick_state(run).state == "finished"


@with_small_disks
def test_no_room_from_the_start_makes_no_run(tmp_path: Path) -> None:
    sounds, disk = few_sounds(tmp_path / "sounds"), tmp_path / "disk"
    with small_disk(disk, "64k"):
        fill(disk / "filler")
        done = cli("train", str(sounds), "--home", str(disk / "home"), *tiny())
        assert done.returncode == 1
        assert "no space left on device" in done.stderr
        assert "Traceback" not in done.stderr
        assert cli("runs", "--home", str(disk / "home"), "--json").stdout == "[]\n"


@pytest.mark.slow
@with_small_disks
def test_a_home_that_cannot_be_written_is_told_with_a_way_out_and_can_be_read(tmp_path: Path) -> None:
    sounds, disk = few_sounds(tmp_path / "sounds"), tmp_path / "disk"
    with small_disk(disk, "4m"):
        home = Home(disk / "home")
        run = a_run(home, "old")
        run.events.write_bytes(Codec.encode(started(run)))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        place = ["--home", str(home.root)]
        for command in (["train", str(sounds), *tiny()], ["resume", "old"], ["demo", "--plain"]):
            done = cli(command[0], *place, *command[1:])
            assert done.returncode == 1, done.stderr
            assert "read-only file system" in done.stderr
            assert "--home" in done.stderr
            assert "Traceback" not in done.stderr
        assert "crashed" in cli("runs", *place).stdout
        assert cli("status", *place).returncode == 0
        assert "read-only" in cli("models", *place, "list").stderr + cli("doctor", *place).stdout


def test_a_clock_that_jumps_changes_no_state_and_no_curve(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(home)
    now = time.time()
    times = [now, now - 90_000, now + 90_000, now - 9, 0.0]
    written = [started(run), *(metrics(step, loss_train=1.0 / step) for step in (1, 2, 3, 4))]
    with run.events.open("wb") as file:
        for event, at in zip(written, times, strict=True):
            event.time = at
            file.write(Codec.encode(event))
    with run.hold():
        assert quick_state(run).state == "starting"
        assert main(["status"]) == 0
    assert main(["runs"]) == 0
    assert main(["status", "--line"]) == 0
    assert "Traceback" not in capsys.readouterr().err
    state = RunState().apply_all(read_events(run.events))
    assert list(state.series["loss/train"].steps) == [1, 2, 3, 4]
    assert quick_state(run).state == "crashed"


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_run_that_never_began_is_told_whichever_way_the_clock_was_put(home: Home, jump: int) -> None:
    run = a_run(home)
    assert quick_state(run).state == "starting"
    os.utime(run.recipe, (time.time() + jump,) * 2)
    assert quick_state(run).state == "crashed"


@pytest.mark.slow
def test_two_that_start_one_run_at_once_are_one_worker(home: Home, tmp_path: Path) -> None:
    sounds = few_sounds(tmp_path / "sounds")
    with ended_at_last(home):
        done = cli("train", str(sounds), "--detach", *tiny(**LONG))
        run = only_run(home)
        assert cli("stop", run.id).returncode == 0, done.stderr
        both = [start("resume", run.id, "--detach") for _ in range(2)]
        codes = sorted(process.wait(PATIENCE) for process in both)
        told = b"".join(process.communicate()[1] for process in both)
        assert codes == [0, 2], told
        assert b"already being trained" in told
        assert sum(isinstance(event, e.Started) for event in read_events(run.events)) == 2


@pytest.mark.slow
def test_a_disk_with_no_room_for_a_sound_is_told_by_what_writes_sounds(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit on the size of files fails in the same place as a full disk."""
    # what is imported meanwhile is not to be written
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    for command, out in (("reconstruct", "folder"), ("encode", "codes.npz")):
        arguments = [command, str(trained.model), str(trained.sounds / "tone 1.wav"), "--out", str(tmp_path / out)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, kept[1]))
        try:
            code = main(arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        told = capsys.readouterr()
        assert code == 1, told.out
        assert re.match(r"distill-tui: cannot write .*: file too large\n", told.err), told.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
