"""Notes on a run: how it ended and what to do now, its warnings with advice, and what it has made."""

import shlex
from collections.abc import Iterator, Mapping

from distill_tui.paths import find_home
from distill_tui.reporting.bitrate import advice_lines, advise_on_run
from distill_tui.reporting.formatting import duration, plural, shorten_path
from distill_tui.reporting.lines import Line, Role, line
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.runs.worker_log import log_tail

LOG_LINES = 8
SKIPPED = 3
"""Number of unusable sounds that are named."""
DIVERGED = ("not-finite", "went-back", "loss-rises")
"""Codes of the warnings of a training that diverges."""
STATE_MARKS: Mapping[str, tuple[str, Role]] = {
    "starting": ("◌", "dim"),
    "running": ("●", "good"),
    "paused": ("‖", "fair"),
    "stopping": ("◔", "fair"),
    "finished": ("✓", "good"),
    "stopped": ("■", "fair"),
    "failed": ("✗", "bad"),
    "crashed": ("✗", "bad"),
}
"""A mark and a role for each state; the word always stands beside them."""


def notes(run: RunFolder, state: RunState, keys: Mapping[str, str], seen: int) -> list[Line]:
    """The notes on a run.

    Args:
        keys: the keys as they are bound now, by their actions' ids.
        seen: the number of the last warning that was seen; those up to it get one quiet line.
    """
    ending = _ending(run, state, keys) if not state.is_active else ()
    found = [*ending, *_warnings(state, seen), *advice_lines(advise_on_run(state)), *_made(state)]
    return found or ([_waiting(state, keys)] if state.is_active else [])


def _warnings(state: RunState, seen: int) -> Iterator[Line]:
    for warning, times in latest_warnings(state):
        again = f" (×{times})" if times > 1 else ""  # noqa: RUF001
        is_new = warning.seq > seen
        yield line(f"▲ {warning.text}{again}", "fair" if is_new else "dim", f"warning/{warning.code}")
        if is_new:
            yield line(f"  {warning.advice}" if warning.advice else f"  at step {warning.step:,}", "plain", "advice")
    if state.prepared and (skipped := state.prepared.skipped):
        yield line(f"▲ {plural(len(skipped), 'sound')} could not be used", "fair", "skipped")
        for path, reason in skipped[:SKIPPED]:
            yield line(f"  {shorten_path(path, 40)}: {reason}", "dim")


def _made(state: RunState) -> Iterator[Line]:
    """Files of the run: its model, unless its ending names that, its newest preview and checkpoint."""
    if state.model and not getattr(state.ending, "model", ""):
        yield line(f"Model {state.model.name} is in the library", id="model")
    if state.previews:
        preview = state.previews[-1]
        distances = [distance for _, _, distance in preview.pairs if distance is not None]
        what = "from the nearest training sound " if state.is_prior else ""
        mean = f", mean distance {what}{sum(distances) / len(distances):.3f}" if distances else ""
        yield line(f"Preview at step {preview.step:,}", id="preview")
        yield line(f"  {preview.folder}{mean}", "dim")
    if state.checkpoints:
        saved = state.checkpoints[-1]
        yield line(f"Checkpoint at step {saved.step:,}{', the best' if saved.best else ''}", id="checkpoint")


def _waiting(state: RunState, keys: Mapping[str, str]) -> Line:
    """A line for while there is nothing to note."""
    if state.state == "starting":
        text = "The worker is starting: it imports torch and decodes the sounds. The first numbers will follow."
        return line(text, "dim", "starting")
    if state.state == "paused":
        return line(f"Paused: press {keys.get('training.unpause', 'space')} to continue.", "dim", "paused")
    text = f"No warnings. Press {keys.get('training.checkpoint', 'k')} to save a checkpoint, "
    return line(f"{text}{keys.get('training.preview', 'p')} to make a preview.", "dim", "no-warnings")


def latest_warnings(state: RunState) -> list[tuple[e.WarningRaised, int]]:
    """The newest warning of each kind and how often it came, the newest first."""
    found: dict[str, tuple[e.WarningRaised, int]] = {}
    for warning in state.warnings:
        # the same warning of another step differs in its numbers only
        kind = warning.code + "".join(c for c in warning.text if not c.isdigit())
        found[kind] = (warning, found.pop(kind, (warning, 0))[1] + 1)
    return list(reversed(found.values()))


def unseen_warnings(state: RunState, seen: int) -> int:
    """Number of kinds of warnings that came after the warning `seen`."""
    return sum(warning.seq > seen for warning, _ in latest_warnings(state))


def _ending(run: RunFolder, state: RunState, keys: Mapping[str, str]) -> Iterator[Line]:
    mark, role = STATE_MARKS.get(state.state, ("?", "dim"))
    ending = state.ending
    if isinstance(ending, e.Finished | e.Stopped):
        how_long = f"{plural(ending.step, 'step')} in {duration(ending.seconds)}"
        yield line(
            f"{mark} {state.state.capitalize()}: {how_long if ending.step else 'before the first step'}", role, "ended"
        )
        if ending.reason not in ("", state.state):
            yield line(f"  {ending.reason}", "dim")
        if ending.model:
            yield line(f"Model {ending.model}: press {keys.get('app.library', '3')} for the library", id="model")
            yield line(f"  distill-tui models show {shlex.quote(ending.model)}", "dim")
    else:
        yield line(f"{mark} {state.state.capitalize()}: {state.reason}", role, "ended")
        if isinstance(ending, e.Failed) and ending.advice:
            yield line(f"  {ending.advice}", id="advice")
    if can_resume(state):
        if isinstance(ending, e.Failed) and state.warnings and state.warnings[-1].code in DIVERGED:
            yield line("Lower the learning rate first: settings changed now apply when it resumes.", id="diverged")
        if is_too_dear(ending):
            yield line("Raise 'Stop at a price' first: settings changed now apply when it resumes.", id="price")
        yield line(f"{_kept(run, state)}: press {keys.get('training.resume', 'space')}, or", id="resume")
        yield line(f"  {resume_command(run, ending)}", "dim")
    yield from _log(run, state, keys.get("training.log", "w"))


def _log(run: RunFolder, state: RunState, key: str) -> Iterator[Line]:
    tail = log_tail(run, LOG_LINES) if state.state in ("failed", "crashed") else []
    if not tail:
        return
    if isinstance(state.ending, e.Failed):
        # its last line is the reason, which stands above
        yield line(f"Press {key} for the worker's log", "dim", "log")
        return
    yield line(f"The end of worker.log (press {key} for more):", "dim", "log")
    for text in tail:
        yield line(f"  {text.strip()}", "dim")


def _kept(run: RunFolder, state: RunState) -> str:
    """The point from which a run that has ended would resume."""
    if not has_checkpoint(run, state):
        return "No checkpoint yet; to start it again"
    if not state.checkpoints:
        return "To resume from the last checkpoint"
    step = state.checkpoints[-1].step
    back = f", {plural(state.step - step, 'step')} back" if state.step > step else ""
    return f"To resume from the checkpoint at step {step:,}{back}"


def can_resume(state: RunState) -> bool:
    """True if a run has ended and can be resumed; without a checkpoint it starts again."""
    return state.state in ("stopped", "failed", "crashed")


def has_checkpoint(run: RunFolder, state: RunState) -> bool:
    """True if there is a checkpoint to resume from."""
    return bool(state.checkpoints) or any(run.checkpoints.glob("*.ckpt"))


def named(run: RunFolder) -> str:
    """A run as one types it in a shell: its id, or its path if it is in another home."""
    return shlex.quote(run.id if run.path.parent == find_home().runs else str(run.path))


def is_too_dear(ending: e.Event | None) -> bool:
    """True if a run stopped because it has cost what it was to cost at most."""
    return isinstance(ending, e.Stopped) and ending.too_dear


def resume_command(run: RunFolder, ending: e.Event | None = None) -> str:
    """The command that resumes a run that ended so."""
    return f"distill-tui resume {named(run)}" + (" --max-price MORE" if is_too_dear(ending) else "")


def resume_hint(run: RunFolder, ending: e.Event | None = None) -> str:
    """A sentence on how to resume a run that ended so."""
    if any(run.checkpoints.glob("*.ckpt")):
        return f"Resume it from its last checkpoint: {resume_command(run, ending)}"
    return f"It has no checkpoint yet. Start it again: {resume_command(run, ending)}"
