"""One follower a run: whoever watches gets what is known, then what is new, and the app hears of it once."""

from typing import Any

from textual.app import App
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from distill_tui.paths import Home
from distill_tui.runs import events as e
from distill_tui.ui import messages as m
from distill_tui.ui.run_store import RunStore
from tests.ui import recorded
from tests.ui.conftest import until


class Watcher(Screen[None]):
    """Keeps the messages of runs."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Message] = []

    def kinds(self) -> list[type[Message]]:
        return [type(message) for message in self.heard]

    def lines(self) -> list[str]:
        return [line for message in self.heard if isinstance(message, m.EventsReceived) for line in message.lines]

    def on_event_like(self, message: Message) -> None:
        self.heard.append(message)

    on_run_chosen = on_events_received = on_run_state_changed = on_control_changed = on_event_like
    on_metrics_received = on_event_like


class Watching(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.runs = RunStore(self)
        self.told: list[m.RunStateChanged] = []

    def on_run_state_changed(self, message: m.RunStateChanged) -> None:
        self.told.append(message)


async def test_two_screens_share_a_follower_and_the_app_is_told_once(home: Home) -> None:
    run, app = recorded.running(home), Watching()
    first, second = Watcher(), Watcher()
    with recorded.alive(run):
        async with app.run_test() as pilot:
            await app.push_screen(first)
            await app.push_screen(second)
            watched = app.runs.watch(run, first)
            await until(pilot, lambda: m.ControlChanged in first.kinds() and m.RunStateChanged in first.kinds())
            assert app.runs.watch(run, second) is watched
            await until(pilot, lambda: m.ControlChanged in second.kinds())
            assert first.kinds()[0] is second.kinds()[0] is m.RunChosen
            assert first.lines() == second.lines() != []
            recorded.add_events(run, e.StateChanged(state="paused", step=1701))
            for screen in (first, second):
                await until(pilot, lambda screen=screen: ends_with(screen, "running", "paused"))  # type: ignore[misc]
            assert [(message.old, message.new, message.live) for message in app.told if message.live] == [
                ("running", "paused", True)
            ]


def ends_with(screen: Watcher, old: str, new: str) -> bool:
    changes = [message for message in screen.heard if isinstance(message, m.RunStateChanged)]
    return bool(changes) and (changes[-1].old, changes[-1].new) == (old, new)


async def test_a_run_is_followed_for_as_long_as_it_is_watched(home: Home) -> None:
    run, app, screen = recorded.finished(home), Watching(), Watcher()
    async with app.run_test() as pilot:
        await app.push_screen(screen)
        watched = app.runs.watch(run, screen)
        await until(pilot, lambda: watched.state.state == "finished")

        def followers() -> list[Any]:
            return [worker for worker in app.workers if worker.is_running]

        assert followers()
        app.runs.leave(run, screen)
        await until(pilot, lambda: not followers())
        assert app.runs.watch(run, screen) is not watched


async def test_a_run_that_is_laid_over_a_chart_rings_no_bell(home: Home) -> None:
    run, app = recorded.finished(home), Watching()
    async with app.run_test() as pilot:
        widget = Widget()
        await app.screen.mount(widget)
        watched = app.runs.watch(run, widget)
        await until(pilot, lambda: watched.state.state == "finished")
        await pilot.pause()
        assert not app.told
