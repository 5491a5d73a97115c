"""Run folders: found by what a person types, and alive only while a worker holds the lock."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from distill_tui.errors import DistillError, RequestError
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder, find_run, list_runs, make_run_folder
from tests.runs.support import a_run


def test_a_stale_lock_is_recognised_whoever_has_its_pid_now(home: Home) -> None:
    run = a_run(home)
    assert not run.is_alive()
    # our own pid: a process that lives, as after a reboot that gave the number to another
    run.lock.write_text(json.dumps({"pid": os.getpid(), "started": 0}))
    assert not run.is_alive()
    with run.hold():
        assert run.is_alive()
        assert run.worker_pid() == os.getpid()
    assert not run.is_alive()
    run.lock.write_text("rubbish")
    assert run.worker_pid() is None
    assert not run.is_alive()


def test_the_lock_goes_with_the_process_however_it_ends(home: Home) -> None:
    run = a_run(home)
    script = (
        "import sys, pathlib; from distill_tui.runs.folder import RunFolder\n"
        "with RunFolder(pathlib.Path(sys.argv[1])).hold(): print('held', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"held\n"
    assert run.is_alive()
    with pytest.raises(RequestError, match=f"already being trained by process {process.pid}"), run.hold(0.0):
        pass
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert not run.is_alive()
    with run.hold(0.0):
        pass


def test_a_run_is_found_by_what_a_person_types(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="no runs yet"):
        find_run(home, None)
    stamps = iter(("20260101-000000", "20260102-000000", "20260103-000000"))
    monkeypatch.setattr("time.strftime", lambda _format: next(stamps))
    old, new, odd = a_run(home, "drums"), a_run(home, "drums"), a_run(home, "a [b] c-d")
    assert [run.id for run in list_runs(home)] == [odd.id, new.id, old.id]
    assert find_run(home, old.id) == old
    assert find_run(home, "drums") == new
    assert find_run(home, "a [b] c-d") == odd
    assert find_run(home, "20260101") == old
    assert find_run(home, str(new.path)) == new
    assert find_run(home, None) == odd
    with old.hold():
        assert find_run(home, None) == old
    with pytest.raises(RequestError, match="beginning of 3 runs"):
        find_run(home, "2026")
    for wrong in ("", "drum", "../runs", "../drums", "./drums", "x/a [b] c-d", "..", ".", str(tmp_path)):
        with pytest.raises(RequestError, match="no run"):
            find_run(home, wrong)


def test_two_runs_of_one_second_get_folders_of_their_own(home: Home) -> None:
    made = {make_run_folder(home, "../a/b").path for _ in range(5)}
    assert len(made) == 5
    assert all(path.parent == home.runs for path in made)


def test_a_folder_that_is_no_run_is_no_run(home: Home) -> None:
    (home.runs / "thing").mkdir(parents=True)
    (home.runs / "file").write_text("x")
    assert list_runs(home) == []
    assert not RunFolder(home.runs / "thing").is_alive()


def test_a_home_that_cannot_be_written_is_an_error(home: Home) -> None:
    home.root.parent.mkdir(exist_ok=True)
    home.root.write_text("a file")
    with pytest.raises(DistillError, match="cannot make a run's folder"):
        make_run_folder(home, "x")


def test_what_killed_workers_left_half_written_is_swept_and_what_others_write_is_not(home: Home) -> None:
    run = a_run(home)
    part, preview = ".0123456789abcdef.part", run.previews / "step-000004"
    for folder in (run.checkpoints, preview):
        folder.mkdir(parents=True)
        (folder / part).touch()
    for kept in (run.checkpoints / "step-00000004.ckpt", preview / "original-01.wav", run.path / "notes.part"):
        kept.touch()
    living, abandoned = run.path / part, run.path / part.replace("0", "f")
    living.touch()
    abandoned.touch()
    os.utime(abandoned, (0, 0))
    with run.hold() as held:
        held.sweep()
    left = {path.name for path in run.path.rglob("*") if path.is_file()}
    assert left == {"recipe.toml", "worker.lock", "step-00000004.ckpt", "original-01.wav", "notes.part", part}
    assert living.exists() and not abandoned.exists()
