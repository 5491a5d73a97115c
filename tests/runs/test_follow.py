"""Following a run: however its end falls between the looks of whoever follows it, nobody takes it for a crash."""

import argparse
import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from distill_tui.cli.commands.control import RunRequest
from distill_tui.errors import RequestError
from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.runs import hooks
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.log import LogReader
from distill_tui.runs.quick_state import quick_state
from distill_tui.settings import Settings
from distill_tui.ui.run_store import WatchedRun
from tests.runs.support import a_run, metrics, started, write

MOMENTS = range(10)
FINISHED = e.Finished(step=9, epoch=1, seconds=1.0)


class Worker:
    """A run's worker as its viewers see it: a lock and a log. `act` is called once, at the moment number `at`.

    A moment is the time before or after a viewer asks whether the worker lives, or reads the log.
    """

    def __init__(self, run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run = run
        self._lock = contextlib.ExitStack()
        self._left = -1
        self._act: Callable[[], None] = lambda: None
        self._pass_between(monkeypatch, RunFolder, "is_alive")
        self._pass_between(monkeypatch, LogReader, "read_new")

    def _pass_between(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        original = getattr(owner, name)

        def between(*arguments: object) -> object:
            self._moment()
            result = original(*arguments)
            self._moment()
            return result

        monkeypatch.setattr(owner, name, between)

    def _moment(self) -> None:
        self._left -= 1
        if self._left == -1:
            self._act()

    def will(self, act: Callable[[], None], at: int) -> None:
        self._act, self._left = act, at

    def begin(self) -> None:
        self._lock.enter_context(self.run.hold())
        write(self.run, started(self.run), e.StateChanged(state="running"), metrics(9, loss_val=0.5))

    def finish(self) -> None:
        write(self.run, FINISHED)
        self._lock.close()

    def die(self) -> None:
        self._lock.close()


@pytest.fixture
def worker(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    found = Worker(a_run(home), monkeypatch)
    yield found
    found.die()


def states_in_the_app(run: RunFolder, looks: int) -> list[str]:
    follower, states = WatchedRun(run, lambda _: None), []

    async def look() -> None:
        for _ in range(looks):
            await follower.poll()
            states.append(follower.state.state)

    asyncio.run(look())
    return states


@pytest.mark.parametrize("at", MOMENTS)
def test_a_run_that_ends_between_two_looks_has_finished_in_the_app(worker: Worker, at: int) -> None:
    worker.begin()
    worker.will(worker.finish, at)
    states = states_in_the_app(worker.run, 6)
    assert set(states) <= {"running", "finished"}
    assert states[-1] == "finished"


@pytest.mark.parametrize("at", MOMENTS)
@pytest.mark.parametrize("look", [quick_state])
def test_a_run_that_ends_while_it_is_looked_at_has_finished_in_the_lists(
    worker: Worker, look: Callable[[RunFolder], object], at: int
) -> None:
    worker.begin()
    worker.will(worker.finish, at)
    assert vars(look(worker.run))["state"] in ("running", "finished")


@pytest.mark.parametrize("at", MOMENTS)
def test_a_run_that_is_resumed_while_it_is_looked_at_is_not_taken_for_dead(worker: Worker, at: int) -> None:
    write(worker.run, started(worker.run), e.Stopped(step=9, epoch=1, seconds=1.0))
    worker.will(worker.begin, at)
    assert quick_state(worker.run).state in ("stopped", "running")


@pytest.mark.parametrize("at", MOMENTS)
def test_a_command_that_waits_hears_the_end(worker: Worker, at: int) -> None:
    worker.begin()
    options = argparse.Namespace(home=None, name=worker.run.id, json=False, timeout=60.0)
    worker.will(worker.finish, at)
    try:
        event = RunRequest(options).wait(lambda event: isinstance(event, e.LAST))
    except RequestError as error:
        assert "has finished" in error.message
    else:
        assert event.step == 9


@pytest.mark.parametrize("at", MOMENTS)
def test_the_command_of_the_settings_is_told_how_it_ended(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    told: list[str] = []
    monkeypatch.setattr(hooks, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(hooks, "start", lambda _command, _run, state, _reason: told.append(state.state))
    worker.begin()
    # the log's worker is 42, the lock's this process
    monkeypatch.setattr(RunFolder, "worker_pid", lambda _: 42)
    worker.will(worker.finish, at)
    hooks.follow(worker.run, 42, 0, Settings(on_finish="true"))
    assert told == ["finished"]


@pytest.mark.parametrize("at", MOMENTS)
def test_a_worker_that_dies_without_a_last_word_has_crashed(worker: Worker, at: int) -> None:
    worker.begin()
    worker.will(worker.die, at)
    assert states_in_the_app(worker.run, 6)[-1] == "crashed"


def test_lines_that_this_version_does_not_know_are_not_the_logs_end(worker: Worker) -> None:
    worker.begin()
    with worker.run.events.open("ab") as file:
        file.write(b'{"type":"of the future"}\n' * 100)
    write(worker.run, FINISHED)
    reader = LogReader(worker.run.events)
    reader.batch_bytes = 100
    assert RunFollower(worker.run, reader=reader).catch_up().state == "finished"


def test_a_log_that_was_replaced_is_read_anew(worker: Worker) -> None:
    worker.begin()
    follower = RunFollower(worker.run)
    assert follower.catch_up().step == 9
    worker.run.events.write_bytes(b"")
    write(worker.run, started(worker.run))
    state = follower.catch_up()
    assert (state.state, state.step, state.series) == ("starting", 0, {})
