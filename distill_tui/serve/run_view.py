"""The run as the page shows it: a part of HTML for each topic of the event stream."""

import time
from collections.abc import Callable, Iterator

from distill_tui.annotation import Annotation
from distill_tui.reporting import code_bits, event_text, formatting, notes
from distill_tui.reporting.page import curves, health, quality, text
from distill_tui.reporting.page import notes as page_notes
from distill_tui.reporting.page.html import Child, Html, element, join
from distill_tui.reporting.quality import quality_of_run, quality_text
from distill_tui.runs.annotations import annotation_of
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.previews import on_disk
from distill_tui.runs.state import RunState

CHARTS_SECONDS = 5.0
"""Curves of a run that trains are drawn again so often: they are the most of what goes over the line."""
MOST_EVENTS, MOST_PREVIEWS = 60, 500


class RunView:
    """Parts of a run's page, as of its state. Drawing the curves takes the most, and waits for its turn."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._drawn_at = float("-inf")
        self._was_active = True
        self._charts = Html()

    def topics(self, follower: RunFollower) -> Iterator[tuple[str, object]]:
        """Each topic with all there is to say of it."""
        state = follower.state
        given = annotation_of(follower.run)
        yield "run", about(follower.run, state, given.name)
        parts = {
            "head": head(state, given),
            "charts": self._charts_of(state),
            "quality": quality.run_quality(state),
            "health": join(health.run_health(state), health.health_over_time(state) if not state.is_active else None),
            "warnings": page_notes.warnings(state),
            "log": log(follower),
        }
        for name, html in parts.items():
            yield f"part-{name}", {"html": html}

    def _charts_of(self, state: RunState) -> Html:
        now = self._clock()
        if now - self._drawn_at >= CHARTS_SECONDS or (self._was_active and not state.is_active):
            self._drawn_at, self._was_active = now, state.is_active
            self._charts = curves.run_charts(state)
        return self._charts


def about(run: RunFolder, state: RunState, name: str = "") -> dict[str, object]:
    """What the page does something with: names, the state in words, and which previews there are.

    Args:
        name: one that a person gave it.
    """
    previews = on_disk(run, state.previews[-MOST_PREVIEWS:])
    return {
        "id": run.id,
        "name": name or state.name,
        "state": state.state,
        "previews": [[made.seq, made.step, state.epoch_of(made.epoch)] for made in previews],
        "is_prior": state.is_prior,
    }


def head(state: RunState, given: Annotation = Annotation()) -> Html:  # noqa: B008 - it cannot be changed
    """Name, state, how far it is, and the numbers that people look at first."""
    bar = element(
        "progress", formatting.percent(state.progress), max=1, value=f"{state.progress:.4f}", aria_label="progress"
    )
    return join(
        element("h1", given.name or state.name or "a run"),
        page_notes.ending(state),
        page_notes.given(given.note, given.tags),
        bar if state.is_active else None,
        text.facts(_facts(state)),
    )


def _facts(state: RunState) -> dict[str, Child]:
    found: dict[str, Child] = {}
    if told := quality_text(quality_of_run(state)):
        found["quality"] = told
    if state.is_prior:
        found["held out"] = code_bits.text(state.numbers.get(code_bits.VAL))
    else:
        found["training loss"] = formatting.number(state.losses.get("train"))
        found["held-out loss"] = formatting.number(state.losses.get("val"))
    found["best"] = page_notes.best(state)
    found["epoch"], found["step"] = state.epoch_text, f"{state.step:,}"
    if pace := state.numbers.get("time/step"):
        found["speed"] = f"{1 / pace:.1f} steps/s"
    if state.prepared is not None:
        found["device"] = f"{state.prepared.device}, {state.prepared.precision}"
    return {title: value for title, value in found.items() if value not in ("", formatting.MISSING)}


def log(follower: RunFollower) -> Html:
    """The newest events in words, the newest first."""
    rows = []
    for event in reversed(follower.recent):
        line = event_text.event_line(event)
        if line.text.strip():
            moment = element("time", formatting.clock(event.time), class_="dim")
            rows.append(element("li", moment, " ", text.spans(line)))
        if len(rows) == MOST_EVENTS:
            break
    return element("ol", *rows, class_="log") if rows else Html()


def row_of(id: str, state: RunState, link: Html) -> list[Child]:
    """A run in the list of runs."""
    mark, role = notes.STATE_MARKS.get(state.state, ("?", "dim"))
    value = code_bits.text(state.numbers.get(code_bits.VAL)) if state.is_prior else ""
    return [
        link,
        text.role(f"{mark} {state.state}", role),
        state.epoch_text,
        value or formatting.number(state.losses.get("val")),
        quality_text(quality_of_run(state)),
        str(len(state.warnings) or ""),
        formatting.day(state.started_at) if state.started_at else id.partition("-")[0],
    ]
