"""What a person should know of a run: how it ended and what to do now, warnings with advice, and what it has made."""

import shlex
from collections.abc import Iterable
from typing import Protocol

from rich.style import Style
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.files import printable
from distill_tui.foreign import open_regular
from distill_tui.reporting import formatting
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.status import MARKS
from distill_tui.ui.widgets.text_widget import again_in_another_theme, theme_style

LOG_TAIL_LINES = 8
TAIL_BYTES = 64 * 1024
DIVERGED = ("not-finite", "went-back", "loss-rises")
"""The warnings of a training that runs away."""


class _Line(Protocol):
    def __call__(self, text: str, style: Style | None = None) -> None: ...


class Notes(VerticalScroll, can_focus=True):
    """The notes on a run, to scroll through."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = Static(markup=False)
        self._shown: Text | None = None
        self._of: tuple[RunFolder, RunState, dict[str, str], int] | None = None

    def compose(self) -> Iterable[Widget]:
        yield self._text

    def show(self, run: RunFolder, state: RunState, hints: dict[str, str], seen: int) -> None:
        """Show the notes on this state of the run; warnings up to the number `seen` were seen."""
        self._of = (run, state, hints, seen)
        new = notes(self, run, state, hints, seen)
        if new != self._shown:
            self._shown = new
            self._text.update(new)

    def on_mount(self) -> None:
        again_in_another_theme(self, self._show_again)

    def on_resize(self) -> None:
        # what is laid out just now would keep the height of the old words
        self.call_after_refresh(self._show_again)

    def _show_again(self) -> None:
        if self._of is not None:
            self.show(*self._of)


def notes(widget: Widget, run: RunFolder, state: RunState, hints: dict[str, str], seen: int) -> Text:
    """The notes on a run. `hints` are the keys as they are bound now, by their actions' ids; `seen` as for `show`."""
    dim = theme_style(widget, "dim")
    plain = theme_style(widget, "foreground")
    found = Text()

    def line(text: str, style: Style | None = None) -> None:
        if found.plain:
            found.append("\n")
        # what is wrapped stays below where its line began
        indent = len(text) - len(text.lstrip()) + 2 * text.startswith(("▲", "✗", "✓", "■"))
        wrapped = formatting.wrap(printable(text), max(20, widget.size.width - 1), indent)
        found.append("\n".join(wrapped), style or plain)

    if not state.is_active:
        _ending(widget, run, state, hints, line)
    for warned, times in latest_warnings(state):
        again = f" (×{times})" if times > 1 else ""  # noqa: RUF001
        if warned.seq <= seen:
            # seen: one quiet line
            line(f"▲ {warned.text}{again}", dim)
            continue
        line(f"▲ {warned.text}{again}", theme_style(widget, "warning", bold=True))
        line(f"  {warned.advice}" if warned.advice else f"  at step {warned.step:,}", plain)
    if state.prepared and state.prepared.skipped:
        line(
            f"▲ {formatting.plural(len(state.prepared.skipped), 'sound')} could not be used",
            theme_style(widget, "warning"),
        )
        for path, reason in state.prepared.skipped[:3]:
            line(f"  {formatting.shorten_path(path, 40)}: {reason}", dim)
    named = state.ending and not isinstance(state.ending, e.Failed) and state.ending.model
    if state.model and not named:
        line(f"model {state.model.name} is in the library", plain)
    if state.previews:
        preview = state.previews[-1]
        distances = [d for _, _, d in preview.pairs if d is not None]
        mean = f", distance {sum(distances) / len(distances):.3f}" if distances else ""
        line(f"preview at step {preview.step:,}", plain)
        line(f"  {preview.folder}{mean}", dim)
    if state.checkpoints:
        saved = state.checkpoints[-1]
        line(f"checkpoint at step {saved.step:,}{', the best' if saved.best else ''}", plain)
    if state.is_active and not found.plain:
        line(_waiting(state, hints), dim)
    return found


def _waiting(state: RunState, hints: dict[str, str]) -> str:
    if state.state == "starting":
        return "The worker is getting ready: it loads torch and decodes the sounds. The first numbers come soon."
    if state.state == "paused":
        return f"Paused: {hints.get('training.unpause', 'space')} goes on where it was."
    return (
        f"No warnings. {hints.get('training.checkpoint', 'k')} saves a checkpoint, "
        f"{hints.get('training.preview', 'p')} makes a preview."
    )


def latest_warnings(state: RunState) -> list[tuple[e.WarningRaised, int]]:
    """The newest warning of each kind and how often it came, the newest first."""
    found: dict[str, tuple[e.WarningRaised, int]] = {}
    for warned in state.warnings:
        # the same warning of another step differs in its numbers only
        kind = warned.code + "".join(c for c in warned.text if not c.isdigit())
        found[kind] = (warned, found.pop(kind, (warned, 0))[1] + 1)
    return list(reversed(found.values()))


def unseen_warnings(state: RunState, seen: int) -> int:
    """How many kinds of warnings came after the number `seen`."""
    return sum(warned.seq > seen for warned, _ in latest_warnings(state))


def can_go_on(state: RunState) -> bool:
    """Whether a run that has ended can be resumed; without a checkpoint it begins again."""
    return state.state in ("stopped", "failed", "crashed")


def _ending(widget: Widget, run: RunFolder, state: RunState, hints: dict[str, str], line: _Line) -> None:
    mark, color = MARKS.get(state.state, ("?", "dim"))
    style, dim = theme_style(widget, color, bold=True), theme_style(widget, "dim")
    ending = state.ending
    if isinstance(ending, e.Finished | e.Stopped):
        how_long = f"{formatting.plural(ending.step, 'step')} in {formatting.duration(ending.seconds)}"
        if not ending.step:
            how_long = "before the first step"
        line(f"{mark} {state.state.capitalize()}: {how_long}", style)
        if ending.reason not in ("", state.state):
            line(f"  {ending.reason}", dim)
        if ending.model:
            line(f"model {ending.model}: {hints.get('app.library', '3')} opens the library")
            line(f"  distill-tui models show {shlex.quote(ending.model)}", dim)
    else:
        line(f"{mark} {state.state.capitalize()}: {state.reason}", style)
        if isinstance(ending, e.Failed) and ending.advice:
            line(f"  {ending.advice}")
    if can_go_on(state):
        if isinstance(ending, e.Failed) and state.warnings and state.warnings[-1].code in DIVERGED:
            line("Turn the learning rate down first: what the knobs are set to holds when it goes on.")
        line(f"{_kept(run, state)}: {hints.get('training.resume', 'space')}, or")
        line(f"  distill-tui resume {shlex.quote(run.id)}", dim)
    tail = log_tail(run) if state.state in ("failed", "crashed") else []
    if tail:
        key = hints.get("training.log", "w")
        if isinstance(ending, e.Failed):
            # its last line is the reason, which stands above
            line(f"{key} shows what the worker printed", dim)
        else:
            line(f"the end of worker.log, of which {key} shows more:", dim)
            for said in tail:
                line(f"  {said}", dim)


def _kept(run: RunFolder, state: RunState) -> str:
    """What there is of a run that has ended, for it to go on from."""
    if not has_checkpoint(run, state):
        return "It has no checkpoint yet, and can begin again"
    if not state.checkpoints:
        return "It can go on from its last checkpoint"
    step = state.checkpoints[-1].step
    again = f", {formatting.plural(state.step - step, 'step')} back" if state.step > step else ""
    return f"It can go on from its checkpoint of step {step:,}{again}"


def has_checkpoint(run: RunFolder, state: RunState) -> bool:
    """Whether a run that is resumed goes on from somewhere, and does not begin again."""
    return bool(state.checkpoints) or any(run.checkpoints.glob("*.ckpt"))


def log_tail(run: RunFolder, lines: int = LOG_TAIL_LINES) -> list[str]:
    """The last lines of what the worker printed."""
    return [said.strip() for said in log_lines(run) if said.strip()][-lines:]


def log_lines(run: RunFolder) -> list[str]:
    """What the worker printed last, its newest `TAIL_BYTES`, without what only underlines the line above it."""
    try:
        with open_regular(run.worker_log) as file:
            start = file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    # the first is only the end of one
    found = text.splitlines()[1 if start else 0 :]
    return [said.rstrip() for said in found if not said.strip() or said.strip(" ^~")]


def has_log(run: RunFolder) -> bool:
    """Whether the worker has printed anything."""
    try:
        return run.worker_log.stat().st_size > 0
    except OSError:
        return False
