"""What is noted of a run, by the ids of the lines."""

from pathlib import Path

import pytest

from distill_tui.paths import Home
from distill_tui.reporting.lines import Line
from distill_tui.reporting.notes import latest_warnings, notes, resume_hint, unseen_warnings
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder, make_run_folder
from distill_tui.runs.state import RunState
from distill_tui.runs.worker_log import log_tail


def a_run(home: Home, *events: e.Event) -> tuple[RunFolder, RunState]:
    for seq, event in enumerate(events, 1):
        event.seq = seq
    return make_run_folder(home, "drums"), RunState().apply_all(events)


def ids(lines: list[Line]) -> list[str]:
    return [one.id for one in lines if one.id]


def warning(code: str, text: str, advice: str = "") -> e.WarningRaised:
    return e.WarningRaised(code=code, text=text, advice=advice, step=7)


def test_a_run_without_anything_to_note_names_its_keys(home: Home) -> None:
    run, state = a_run(home, e.StateChanged(state="running"))
    (only,) = notes(run, state, {"training.checkpoint": "ctrl+k"}, 0)
    assert only.id == "no-warnings"
    assert "ctrl+k" in only.text
    assert ids(notes(run, RunState(), {}, 0)) == ["starting"]
    assert ids(notes(run, RunState(state="paused"), {}, 0)) == ["paused"]


def test_warnings_are_told_once_a_kind_with_advice_until_they_were_seen(home: Home) -> None:
    run, state = a_run(
        home,
        e.StateChanged(state="running"),
        warning("utilization/0", "Level 1: utilization 12%", "A smaller codebook."),
        warning("not-finite", "the loss is not finite"),
        warning("utilization/0", "Level 1: utilization 9%", "A smaller codebook."),
    )
    newest, other = latest_warnings(state)
    assert (newest[0].text, newest[1], other[1]) == ("Level 1: utilization 9%", 2, 1)
    assert unseen_warnings(state, 3) == 1
    assert ids(notes(run, state, {}, 0)) == ["warning/utilization/0", "advice", "warning/not-finite", "advice"]
    told = notes(run, state, {}, 3)
    assert ids(told) == ["warning/utilization/0", "advice", "warning/not-finite"]
    assert told[-1].spans[0][1] == "dim"


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (e.Finished(step=9, epoch=1, seconds=2, model="drums"), ["ended", "model"]),
        (e.Stopped(step=0, epoch=0, seconds=2), ["ended", "resume"]),
        (e.Stopped(step=5, epoch=1, seconds=2, too_dear=True), ["ended", "price", "resume"]),
        (e.Failed(reason="the disk is full", advice="Free some room.", step=9), ["ended", "advice", "resume"]),
    ],
)
def test_how_a_run_ended_and_what_to_do_now(home: Home, ending: e.Event, expected: list[str]) -> None:
    run, state = a_run(home, ending)
    assert ids(notes(run, state, {}, 0)) == expected


def test_a_run_that_diverged_is_told_to_lower_its_rate_and_from_where_it_resumes(home: Home) -> None:
    run, state = a_run(
        home,
        e.CheckpointSaved(step=1700, epoch=1, file="x"),
        warning("went-back", "diverged"),
        e.Failed(reason="NaN", step=1720),
    )
    told = {one.id: one.text for one in notes(run, state, {}, 99)}
    assert "diverged" in told
    assert "step 1,700, 20 steps back" in told["resume"]


def test_the_command_that_resumes_can_be_pasted(home: Home, tmp_path: Path) -> None:
    run = make_run_folder(home, "drums")
    assert resume_hint(run).endswith(f"distill-tui resume {run.id}")
    too_dear = e.Stopped(step=5, epoch=1, seconds=2, too_dear=True)
    assert resume_hint(run, too_dear).endswith(f"distill-tui resume {run.id} --max-price MORE")
    elsewhere = make_run_folder(Home(tmp_path / "a b"), "drums")
    assert resume_hint(elsewhere).endswith(f"distill-tui resume '{elsewhere.path}'")


def test_the_end_of_a_worker_log_is_its_last_words(home: Home) -> None:
    run = make_run_folder(home, "drums")
    assert log_tail(run, 3) == []
    run.worker_log.write_text('x\n\n  File "a.py"\n\tcall()\n    ^^^^\nMemoryError: all of it\n')
    assert log_tail(run, 3) == ['  File "a.py"', "    call()", "MemoryError: all of it"]
    run.worker_log.write_text("z" * 70_000 + "\nlast\n")
    assert log_tail(run, 3) == ["last"]
