"""A run that is taken from under its worker: nobody else gets it meanwhile, and the worker notices."""

import shutil
from pathlib import Path

import pytest

from distill_tui.cli.display import LineDisplay
from distill_tui.cli.foreground import ForegroundRun
from distill_tui.cli.main import run as main
from distill_tui.cli.terminal_style import TerminalStyle
from distill_tui.engine.training.control_poller import ControlPoller
from distill_tui.errors import DistillError, RequestError
from distill_tui.files import atomic_write
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs.control import request_state
from distill_tui.runs.folder import find_run, is_same_file
from distill_tui.runs.log import LogWriter, read_events
from distill_tui.runs.seen_warnings import mark_seen
from distill_tui.runs.state import RunState
from tests.runs.support import a_run, started, write


def test_a_lock_that_is_deleted_lets_no_second_worker_in(home: Home) -> None:
    run = a_run(home)
    with run.hold() as held:
        assert held.why_lost() == ""
        run.lock.unlink()
        assert run.is_alive()
        with pytest.raises(RequestError, match="already being trained"), run.hold(0.05):
            pass
        assert "lock" in held.why_lost()
    assert not run.is_alive()
    with run.hold(0.05) as held:
        assert held.why_lost() == ""


def test_a_removed_run_is_not_made_anew(home: Home) -> None:
    run = a_run(home)
    with run.hold():
        shutil.rmtree(run.path)
        # a preview that was being written
        atomic_write(run.previews / "step-000009" / "original-01.wav", b"")
    assert not run.path.exists()
    with pytest.raises(DistillError, match="was removed"):
        request_state(run.control, "paused")
    mark_seen(run, RunState())
    assert not run.path.exists()


@pytest.mark.parametrize("what", ["removed", "moved", "replaced", "log", "lock"])
def test_the_worker_s_next_look_says_what_is_gone(home: Home, what: str) -> None:
    run = a_run(home)
    write(run, started(run))
    with run.hold() as held:
        log = LogWriter(run.events)
        desk = ControlPoller(held, log, {})
        desk.poll(0)
        away = run.path.with_name("away")
        match what:
            case "removed":
                shutil.rmtree(run.path)
            case "moved":
                run.path.rename(away)
            case "replaced":
                run.path.rename(away)
                shutil.copytree(away, run.path)
            case "log":
                (run.path / "x").write_bytes(b"")
                (run.path / "x").replace(run.events)
            case _:
                run.lock.unlink()
        with pytest.raises(DistillError, match="was moved, removed or replaced"):
            desk.check_run(now=True)
        log.write(e.Failed(reason="said"))
        log.close()
    if what == "removed":
        assert not run.path.exists()
    if what == "moved":
        # the last word went where the log is now
        assert any(isinstance(event, e.Failed) for event in read_events(away / "events.jsonl"))


def test_who_follows_a_run_that_is_removed_hears_so_and_is_not_told_to_resume_it(home: Home) -> None:
    run = a_run(home)
    write(run, started(run))
    following = ForegroundRun(run, None)
    shutil.rmtree(run.path)
    with pytest.raises(DistillError, match="was removed while it trained") as raised:
        following.to_the_end(LineDisplay(TerminalStyle()))
    assert "resume" not in raised.value.hint


def test_a_lock_that_cannot_be_opened_is_a_word(home: Home) -> None:
    run = a_run(home)
    run.lock.mkdir()
    with pytest.raises(DistillError, match=r"cannot write .*worker\.lock: is a directory"), run.hold():
        pass
    assert not run.is_alive()


@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b'{"pid": 1e400}', b'{"pid": "x"}', b"{}", b""])
def test_an_odd_lock_has_no_pid(home: Home, content: bytes) -> None:
    run = a_run(home)
    run.lock.write_bytes(content)
    assert run.worker_pid() is None


def test_a_path_is_that_folder_and_no_run_of_a_like_name(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(home, "cut")
    monkeypatch.chdir(tmp_path)
    assert main(["runs", "delete", "../cut", "--yes"]) == 2
    assert "no run's folder" in capsys.readouterr().err
    assert run.recipe.exists()
    assert find_run(home, "cut") == run
    assert find_run(home, str(run.path)) == run


def test_what_is_open_is_told_from_what_has_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("w") as file:
        assert is_same_file(path, file.fileno())
        path.unlink()
        assert not is_same_file(path, file.fileno())
        path.write_text("")
        assert not is_same_file(path, file.fileno())
