"""What happened in a run in words: its warnings with advice, changed settings, and how it ended."""

from collections.abc import Sequence

from distill_tui.reporting import formatting
from distill_tui.reporting.code_bits import distance_text
from distill_tui.reporting.formatting import duration, plural
from distill_tui.reporting.notes import STATE_MARKS, latest_warnings
from distill_tui.reporting.page.html import Child, Html, element, join
from distill_tui.reporting.page.text import bullets, role
from distill_tui.runs import events as e
from distill_tui.runs.state import RunState

MOST_SKIPPED = 20
MOST_CHANGES = 50
"""Changed settings that are told: somebody may turn one a hundred times."""


def state_badge(state: RunState) -> Html:
    """The state of a run with its mark: `✓ finished`."""
    mark, color = STATE_MARKS.get(state.state, ("?", "dim"))
    activity = f": {state.activity}" if state.activity else ""
    return role(f"{mark} {state.state}{activity}", color)


def ending(state: RunState) -> Html:
    """How far a run came and why it ended; where it is, while it goes on."""
    far = f"{plural(state.epoch, 'epoch')}, {plural(state.step, 'step')}"
    end = state.ending
    seconds = getattr(end, "seconds", None)
    parts: list[Child] = [state_badge(state), f" {far}"]
    if seconds is not None:
        parts.append(f" in {duration(seconds)} of training")
    elif state.is_active and state.eta_seconds is not None:
        parts.append(f", about {duration(state.eta_seconds)} to go")
    found = [element("p", *parts)]
    if state.reason and state.reason != state.state:
        found.append(element("p", role(state.reason, "bad" if isinstance(end, e.Failed) or end is None else "plain")))
    if isinstance(end, e.Failed) and end.advice:
        found.append(element("p", end.advice))
    return join(*found)


def given(note: str, tags: Sequence[str]) -> Html:
    """The note and the tags that a person gave a run or a model."""
    return join(
        element("p", note) if note else None,
        element("p", ", ".join(tags), class_="dim") if tags else None,
    )


def warnings(state: RunState) -> Html:
    """Each kind of warning with its advice, the newest first, and the sounds that could not be used."""
    items = []
    for warning, times in latest_warnings(state):
        again = f", {times} times, the last" if times > 1 else ""
        items.append(
            join(
                role(f"▲ {warning.text}", "fair"),
                role(
                    f" (step {warning.step:,}{again})"
                    if times == 1
                    else f" ({times} times, last at step {warning.step:,})",
                    "dim",
                ),
                element("p", warning.advice) if warning.advice else None,
            )
        )
    skipped = state.prepared.skipped if state.prepared else []
    if skipped:
        rows = [f"{path.rpartition('/')[2]}: {reason}" for path, reason in skipped[:MOST_SKIPPED]]
        more = [f"and {len(skipped) - MOST_SKIPPED:,} more"] if len(skipped) > MOST_SKIPPED else []
        items.append(
            join(role(f"▲ {plural(len(skipped), 'sound')} could not be used", "fair"), bullets([*rows, *more]))
        )
    return bullets(items, "warnings")


def changes(state: RunState) -> Html:
    """The settings that were changed while it trained, and the best epoch."""
    items: list[Child] = [
        join(
            f"step {knob.step:,}: ",
            element("code", knob.key),
            f" {formatting.setting(knob.old)} → {formatting.setting(knob.new)}",
        )
        for knob in state.knobs[-MOST_CHANGES:]
    ]
    if len(state.knobs) > MOST_CHANGES:
        items.insert(0, f"{len(state.knobs) - MOST_CHANGES:,} earlier changes")
    return join(element("p", "Settings changed while it trained:") if items else None, bullets(items))


def best(state: RunState) -> str:
    """The epoch whose weights are the model; '' before there is one."""
    if state.best is None:
        return ""
    return f"epoch {state.best.epoch}, step {state.best.step:,}: {distance_text(state, state.best.value)}"
