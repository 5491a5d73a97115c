"""The summary of a long log: it says what the log says, and is none where it is damaged or of another log."""

import shutil
from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs import summary
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.log import LogReader
from distill_tui.runs.state import RunState
from tests.runs.support import a_run, metrics, started, write


@pytest.fixture
def run(home: Home, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run with a log that has a bit of everything, and whose every growth is summed up."""
    monkeypatch.setattr(summary, "SUMMARY_BYTES", 1)
    run = a_run(home)
    steps = [metrics(step, loss_train=step % 7, loss_val=None) for step in range(1, 6000)]
    saved = e.CheckpointSaved(step=3000, epoch=1, file="checkpoints/step-00003000.ckpt")
    warning = e.WarningRaised(code="x", text="watch out", step=9)
    counts = e.CodesCounted(step=9, epoch=1, counts=[[1, 2], [3, 4]])
    best = e.BestEpoch(step=9, epoch=1, value=0.5)
    write(
        run, started(run), e.StateChanged(state="running"), *steps[:3000], saved, warning, counts, best, *steps[3000:]
    )
    return run


def equal(one: RunState, two: RunState) -> bool:
    # as text: a number that is missing is not equal to itself
    return repr(one) == repr(two)


def read_whole(run: RunFolder) -> RunFollower:
    """A follower that knows no summary."""
    follower = RunFollower(run, reader=LogReader(run.events))
    while events := follower.look():
        follower.state.apply_all(events)
    return follower


def test_what_is_opened_with_a_summary_is_as_if_all_was_read(run: RunFolder) -> None:
    RunFollower(run).catch_up()
    again = RunFollower(run)
    assert again.reader.offset == run.events.stat().st_size
    whole = read_whole(run)
    assert equal(again.state, whole.state)
    assert list(again.recent) == list(whole.recent) != []
    # what comes after it, a way back included
    write(run, e.StateChanged(state="running", step=3000), *(metrics(step, loss_train=1.0) for step in (3001, 3002)))
    assert equal(again.catch_up(), read_whole(run).state)
    assert equal(RunFollower(run).catch_up(), read_whole(run).state)


def test_a_summary_that_is_damaged_or_of_another_log_is_made_again(run: RunFolder, home: Home) -> None:
    def offset() -> int:
        return RunFollower(run).reader.offset

    RunFollower(run).catch_up()
    good = run.summary.read_bytes()
    for damaged in (good[:-1], good[:50], b"", good[:100] + bytes([good[100] ^ 1]) + good[101:]):
        run.summary.write_bytes(damaged)
        assert offset() == 0
    run.summary.write_bytes(good)
    assert offset() > 0
    other = a_run(home, "other")
    write(other, started(other), *(metrics(step, loss_train=2.0) for step in range(9000)))
    shutil.copy(other.events, run.events)
    assert offset() == 0
    RunFollower(run).catch_up()
    assert offset() == run.events.stat().st_size


def test_a_log_that_cannot_be_summed_up_is_read_all_the_same(run: RunFolder, tmp_path: Path) -> None:
    run.summary.mkdir()
    assert RunFollower(run).catch_up().step == 5999
    follower = RunFollower(run)
    while events := follower.look():
        follower.state.apply_all(events)
    run.path.rename(tmp_path / "moved")
    follower.sum_up()
    assert not run.path.exists(), "and a run that is gone is not made anew"
