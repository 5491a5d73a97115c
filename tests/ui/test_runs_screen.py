"""The Runs screen: all runs, followed, filtered, sorted, named, compared, deleted."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from distill_tui.paths import Home
from distill_tui.reporting.run_list import RunList, entry_of
from distill_tui.runs import events as e
from distill_tui.runs.annotations import annotation_of, rename, set_annotation
from distill_tui.runs.control import read_control
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.runs.quick_state import quick_state
from distill_tui.runs.trash import trashed
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.runs.compare_dialog import CompareRunsDialog
from distill_tui.ui.screens.runs.screen import RunsScreen
from tests.ui import recorded
from tests.ui.conftest import screen_text, until


def a_run(home: Home, name: str, second: int, *ending: e.Event) -> RunFolder:
    """A short run that began in this second."""
    run = recorded.make_run(home, name, f"20260225-0613{second:02}")
    recorder = recorded.begin(run, name)
    recorder.now += second
    recorded.train(recorder, 12)
    recorder.write(*ending)
    return run


@pytest.fixture
def runs(home: Home) -> list[RunFolder]:
    """A finished, a failed and a stopped run, oldest first."""
    return [
        a_run(home, "kicks", 1, e.Finished(step=600, epoch=12, seconds=30.0)),
        a_run(home, "snares", 2, e.Failed(reason="the loss is not finite", advice="Lower the learning rate.")),
        a_run(home, "toms", 3, e.Stopped(step=600, epoch=12, seconds=30.0)),
    ]


@asynccontextmanager
async def opened(home: Home, size: tuple[int, int] = (120, 35)) -> AsyncIterator[tuple[DistillApp, Pilot[None]]]:
    app = DistillApp(home)
    async with app.run_test(size=size) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and len(order(app)) == len(list_runs(home)))
        yield app, pilot


def order(app: DistillApp) -> list[str]:
    screen = app.screen
    assert isinstance(screen, RunsScreen)
    return [key.split("-", 2)[2] for key in screen.rows.paths]


@pytest.mark.slow
async def test_runs_are_listed_filtered_sorted_and_told(home: Home, runs: list[RunFolder]) -> None:
    async with opened(home) as (app, pilot):
        assert order(app) == ["toms", "snares", "kicks"]
        await until(pilot, lambda: "✗ failed" in screen_text(app))
        text = screen_text(app)
        assert "■ stopped" in text and "3 runs" in text and "█" in text
        await pilot.press("down")
        await until(pilot, lambda: "Failed: the loss is not finite" in screen_text(app))
        assert "Lower the learning rate." in screen_text(app) and "model.sample_rate" in screen_text(app)
        await pilot.press("slash", *"fini", "enter")
        await until(pilot, lambda: order(app) == ["kicks"] and runs[0].id in screen_text(app))
        await pilot.press("slash", "z", "enter")
        await until(pilot, lambda: "Nothing matches the filter." in screen_text(app))
        assert runs[0].id not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(order(app)) == 3)
        await pilot.press("s")
        assert order(app) == ["kicks", "snares", "toms"]
        # a run that another program names
        rename(runs[0], "bass drums")
        app.screen.reload()  # type: ignore[attr-defined]
        await until(pilot, lambda: "bass drums" in screen_text(app))
        for size in ((40, 12), (80, 24), (200, 50)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "snares" in screen_text(app) and "✗ failed" in screen_text(app))
        # what another program has deleted cannot be watched
        shutil.rmtree(app.screen.copyable())  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: "was removed" in screen_text(app) and len(order(app)) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "training")


@pytest.mark.slow
async def test_a_run_is_edited_compared_and_deleted(home: Home, runs: list[RunFolder]) -> None:
    async with opened(home) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query("#edit-tags"))
        app.screen.query_one("#edit-name", Input).value = "///"
        await until(pilot, lambda: "cannot be the name" in screen_text(app))
        app.screen.query_one("#edit-name", Input).value = "floor toms"
        app.screen.query_one("#edit-note", Input).value = "too dry"
        app.screen.query_one("#edit-tags", Input).value = "Dry, v2"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and "#dry #v2" in screen_text(app))
        given = annotation_of(runs[2])
        assert (given.name, given.note, given.tags) == ("floor toms", "too dry", ("dry", "v2"))
        # a note of two lines, as the command writes it, stays one
        set_annotation(runs[2], "floor toms", "too dry\ntoo loud", ("dry", "v2"))
        app.screen.reload()  # type: ignore[attr-defined]
        await until(pilot, lambda: "too loud" in screen_text(app))
        await pilot.press("e")
        await until(pilot, lambda: "too dry ↵ too loud" in screen_text(app))
        await pilot.press("end", "x", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and "floor tomsx" in screen_text(app))
        assert annotation_of(runs[2]).note == "too dry\ntoo loud"
        assert app.screen.copyable() == str(runs[2].path)  # type: ignore[attr-defined]
        set_annotation(runs[2], "floor toms", "", ())
        await pilot.press("space", "down", "equals_sign")
        await until(pilot, lambda: isinstance(app.screen, CompareRunsDialog) and "a ⠒⠒ floor toms" in screen_text(app))
        await pilot.press("escape", "space")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("x")
        await until(pilot, lambda: "Delete 2 runs?" in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and order(app) == ["kicks"])
        assert {run.id for run in trashed(home)} == {runs[1].id, runs[2].id}
        await pilot.press("X")
        await until(pilot, lambda: "floor toms" in screen_text(app))
        await pilot.press(*"snares", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and order(app) == ["snares", "kicks"])
        await pilot.press("n")
        await until(pilot, lambda: app.current_mode == "config")


@pytest.mark.slow
async def test_active_runs_are_followed_and_stopped_and_not_deleted(home: Home, runs: list[RunFolder]) -> None:
    run = a_run(home, "cymbals", 9)
    with recorded.alive(run):
        async with opened(home) as (app, pilot):
            await until(pilot, lambda: "● running 12 %" in screen_text(app) and "1 active" in screen_text(app))
            await pilot.press("x")
            await until(pilot, lambda: "still training" in screen_text(app))
            recorded.add_events(
                run, e.Metrics(scope="epoch", step=650, epoch=13, values={"loss/val": 0.125}, progress=0.5)
            )
            await until(pilot, lambda: "● running 50 %" in screen_text(app) and "0.1250" in screen_text(app))
            await pilot.press("S", "y")
            await until(pilot, lambda: read_control(run.control).wanted == "stopped")
            # nothing is followed for a list that nobody sees
            watchers = app.runs._watched[run].watchers
            await until(pilot, lambda: len(watchers) == 2)
            await pilot.press("3")
            await until(pilot, lambda: watchers == [app._training])


def test_what_is_known_of_ended_runs_is_kept(home: Home, runs: list[RunFolder]) -> None:
    first = RunList(home)
    found = first.find(runs)
    assert not found.entries and found.unknown == runs
    entries = [first.look(run) for run in runs]
    assert [entry.state for entry in entries] == ["finished", "failed", "stopped"]
    first.save(runs)
    assert RunList(home).find(runs).entries == entries
    # a note, an event: looked at again
    rename(runs[0], "drums")
    os.utime(runs[1].events)
    assert RunList(home).find(runs).unknown == runs[:2]
    (home.cache / "runs-1.json").write_bytes(b"{")
    assert RunList(home).find(runs).unknown == runs


def test_a_long_log_has_the_course_of_a_short_one(home: Home) -> None:
    from distill_tui.runs.follow import RunFollower

    run = a_run(home, "kicks", 1, e.Finished(step=600, epoch=12, seconds=30.0))
    quick, whole = quick_state(run), RunFollower(run).catch_up()
    assert entry_of(run, quick, annotation_of(run)) == entry_of(run, whole, annotation_of(run))
