"""What the app's tests share: local time is UTC, and a way to wait for what the screen shows."""

import os
import time
from collections.abc import Callable, Iterator

import pytest
from textual.app import App
from textual.pilot import Pilot

PATIENCE = float(os.environ.get("DISTILL_TEST_PATIENCE", "60"))
"""Seconds for which something is waited for: fewer show sooner what is broken."""


@pytest.fixture(autouse=True)
def true_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests run in."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def until(pilot: Pilot[None], seen: Callable[[], object], what: str = "") -> None:
    """Let the app go on until `seen` is true."""
    deadline = time.monotonic() + PATIENCE
    while not seen():
        if time.monotonic() > deadline:
            pytest.fail(f"{what or 'what was waited for'} did not come; there is:\n{screen_text(pilot.app)}")
        await pilot.pause(0.02)


def screen_text(app: App[None]) -> str:
    """What stands on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
