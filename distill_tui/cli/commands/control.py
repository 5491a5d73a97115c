"""Commands that send a request to a run, and wait for its answer."""

import argparse
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from distill_tui.cli.output import print_json
from distill_tui.errors import DistillError, RequestError

if TYPE_CHECKING:
    from distill_tui.runs.control import Control
    from distill_tui.runs.events import Event
    from distill_tui.runs.folder import RunFolder
    from distill_tui.runs.state import RunState

POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 60.0
LOG_LINES = 15


def register(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add this group's commands."""

    def add(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(
            name, parents=[shared], help=help, description=help[:1].upper() + help[1:] + ".", allow_abbrev=False
        )
        parser.add_argument("name", metavar="RUN", help="a run's id, its name, or the beginning of its id")
        parser.add_argument(
            "--timeout",
            type=_seconds,
            default=TIMEOUT_SECONDS,
            metavar="S",
            help=f"seconds to wait for the run's answer (default {TIMEOUT_SECONDS:g})",
        )
        parser.add_argument("--json", action="store_true", help="print the answering event as one JSON document")
        parser.set_defaults(run=run)
        return parser

    add("pause", pause, "pause a run until `unpause`")
    add("unpause", unpause, "let a paused run go on")
    add("stop", stop, "stop a run with a checkpoint, from which `resume` goes on")
    add("checkpoint", checkpoint, "make a run save a checkpoint now, and print its file")
    preview_parser = add("preview", preview, "make a run write a preview now, and print its folder")
    preview_parser.add_argument(
        "--stdout",
        action="store_true",
        help="write one sound of the newest preview to standard output, as WAV, for `| play -`; one is made only if "
        "there is none yet",
    )
    preview_parser.add_argument("--sound", metavar="N", help="of --stdout: which sound of the preview (default: 1)")
    preview_parser.add_argument("--original", action="store_true", help="of --stdout: the original, not what was made")
    tune_parser = add("tune", tune, "change settings of a run while it trains")
    tune_parser.add_argument(
        "settings", metavar="KEY=VALUE", nargs="+", help="learning_rate=0.0005, commitment_weight=0.5, ..."
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return seconds


def pause(options: argparse.Namespace) -> int:
    from distill_tui.runs.control import request_state
    from distill_tui.runs.events import StateChanged

    request = RunRequest(options)
    state = request.state
    if state.state == "paused" and request.desired == "paused":
        return request.report(f"paused already, at step {state.step:,}", {"state": "paused", "step": state.step})
    request_state(request.run.control, "paused")
    event = request.wait(lambda e: isinstance(e, StateChanged) and e.state == "paused", _unless("paused"))
    return request.report(f"paused at step {event.step:,}", event)


def unpause(options: argparse.Namespace) -> int:
    from distill_tui.runs.control import request_state
    from distill_tui.runs.events import Metrics, StateChanged

    request = RunRequest(options)
    state = request.state
    if state.state in ("running", "starting") and request.desired == "running":
        return request.report(
            f"not paused: it is {state.state}, at step {state.step:,}", {"state": state.state, "step": state.step}
        )

    def runs(event: "Event") -> bool:
        # metrics as well: a worker that never saw the request to pause logs no end of a pause
        return isinstance(event, Metrics) or (isinstance(event, StateChanged) and event.state == "running")

    request_state(request.run.control, "running")
    event = request.wait(runs, _unless("running"))
    return request.report(f"goes on at step {event.step:,}", event)


def stop(options: argparse.Namespace) -> int:
    from distill_tui.cli.output import say
    from distill_tui.reporting.notes import resume_hint
    from distill_tui.runs.events import LAST, Finished
    from distill_tui.runs.service import stop_run

    request = RunRequest(options)
    stop_run(request.run)
    event = request.wait(lambda e: isinstance(e, LAST), _unless("stopped"))
    if isinstance(event, Finished):
        return request.report(f"had just finished, at step {event.step:,}", event)
    request.report(f"stopped at step {event.step:,}", event)
    say(resume_hint(request.run))
    return 0


def checkpoint(options: argparse.Namespace) -> int:
    from distill_tui.cli.output import say
    from distill_tui.runs.control import request_checkpoint
    from distill_tui.runs.events import NOT_SAVED, CheckpointSaved, Event, WarningRaised

    request = RunRequest(options)
    count = request_checkpoint(request.run.control)

    def answers(event: Event) -> bool:
        if isinstance(event, WarningRaised) and event.code == NOT_SAVED:
            raise DistillError(f"{request.run.id}: {event.text}", event.advice)
        return isinstance(event, CheckpointSaved) and event.count >= count

    event = request.wait(answers)
    say(f"{request.run.id}: checkpoint at step {event.step:,}")
    return request.report(str(request.run.path / event.file), event, named=False)


def preview(options: argparse.Namespace) -> int:
    from distill_tui.cli.output import say
    from distill_tui.runs.control import request_preview
    from distill_tui.runs.events import PreviewMade

    if options.stdout:
        from distill_tui.cli.commands.preview_sound import write_preview_sound

        return write_preview_sound(options)
    if options.sound is not None or options.original:
        raise RequestError("--sound and --original: are for --stdout")
    request = RunRequest(options)
    count = request_preview(request.run.control)
    event = request.wait(lambda e: isinstance(e, PreviewMade) and e.count >= count)
    say(f"{request.run.id}: preview at step {event.step:,}")
    return request.report(str(request.run.path / event.folder), event, named=False)


def tune(options: argparse.Namespace) -> int:
    from distill_tui.cli.output import told_beside_json
    from distill_tui.recipe import toml
    from distill_tui.recipe.fields import get
    from distill_tui.runs.control import change_control
    from distill_tui.runs.events import SettingChanged, SettingRejected
    from distill_tui.runs.service import drop_rejected

    values = live_values(options.settings)
    request = RunRequest(options)
    control = request.run.control
    recipe = toml.load(request.run.recipe)
    in_force = {key: float(get(recipe, key)) for key in values} | {one.key: one.new for one in request.state.knobs}
    requested = request.control().knobs
    answers: list[SettingChanged | SettingRejected] = []
    for key, answer in request.state.last_answers.items():
        # rejected, and requested again: the worker does not answer twice
        if not isinstance(answer, SettingRejected):
            continue
        if values.get(key, math.nan) == answer.value == requested.get(key, math.nan):
            answers.append(answer)
            del values[key]
    for key in [key for key, value in values.items() if in_force[key] == value == requested.get(key, in_force[key])]:
        request.report(f"{key} is {values.pop(key):g} already", None)
    if values:
        waiting = dict(values)

        def answered(event: "Event") -> bool:
            rejected = isinstance(event, SettingRejected) and event.key in waiting
            if rejected or (isinstance(event, SettingChanged) and waiting.get(event.key) == event.new):
                assert isinstance(event, SettingChanged | SettingRejected)
                del waiting[event.key]
                answers.append(event)
            return not waiting

        change_control(control, lambda control: control.knobs.update(values))
        request.wait(answered, lambda control: _other(control, waiting))
    if options.json:
        print_json(answers)
    for answer in answers:
        if isinstance(answer, SettingChanged):
            request.report(f"{answer.key} {answer.old:g} -> {answer.new:g} at step {answer.step:,}", None)
    rejected = [answer for answer in answers if isinstance(answer, SettingRejected)]
    if not rejected:
        return 0
    # a request that stays would be applied when the run is resumed
    change_control(control, lambda control: drop_rejected(control, rejected))
    error = DistillError("\n".join(f"{one.key}: refused at step {one.step:,}: {one.text}" for one in rejected))
    if options.json:
        return told_beside_json(error)
    raise error


def live_values(settings: list[str]) -> dict[str, float]:
    """The live settings that `KEY=VALUE` texts ask for.

    Raises:
        RequestError: with every problem of them at once.
    """
    from distill_tui.cli.recipe_flags import parse_settings
    from distill_tui.recipe.fields import live_keys

    problems: list[str] = []
    values = parse_settings(settings, problems)
    problems += [f"{key}: cannot be changed while a run trains" for key in values if key not in live_keys()]
    if problems:
        raise RequestError("\n".join(problems), f"These can be tuned: {', '.join(live_keys())}")
    return {key: float(value) for key, value in values.items()}


def _unless(desired: str) -> "Callable[[Control], str]":
    """Return the requested state where somebody else asked for another than `desired`, else ''."""
    return lambda control: "" if control.wanted == desired else control.wanted


def _other(control: "Control", waiting: dict[str, float]) -> str:
    """List the values that somebody else requested for these live settings."""
    now = {key: control.knobs.get(key) for key in waiting}
    return ", ".join(f"{key}={now[key]}" for key, value in waiting.items() if now[key] != value)


class RunRequest:
    """A request to a run, and the wait for the event that answers it."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Find the run, and make sure that a worker is there to answer.

        Raises:
            RequestError: no such run, or its worker is not alive.
        """
        from distill_tui.paths import find_home
        from distill_tui.runs.folder import find_run
        from distill_tui.runs.quick_state import follow_quickly

        self.run: RunFolder = find_run(find_home(options.home), options.name)
        self._json, self._timeout = options.json, options.timeout
        self._log = follow_quickly(self.run)
        if self._log.is_over:
            raise not_alive(self.run, self.state)

    @property
    def state(self) -> "RunState":
        """The run's state, as far as its log was read: before `wait`, when it was found."""
        return self._log.state

    def control(self) -> "Control":
        """Current contents of the control file."""
        from distill_tui.runs.control import read_control

        return read_control(self.run.control)

    @property
    def desired(self) -> str:
        """The state that is requested now."""
        return self.control().wanted

    def wait(self, is_answer: "Callable[[Event], bool]", overruled: "Callable[[Control], str]" = lambda _: "") -> Any:
        """The event that answers a request which is in the control file already.

        Args:
            overruled: what somebody else requests instead, if waiting is pointless by now.

        Raises:
            DistillError: the run ended or its worker died before it answered, or it took too long.
        """
        from distill_tui.cli.output import say
        from distill_tui.runs.events import LAST
        from distill_tui.runs.worker_log import log_tail
        from distill_tui.text import printable

        deadline = time.monotonic() + self._timeout
        late, other = False, ""
        for event in self._log.events(POLL_SECONDS):
            if event is not None:
                if is_answer(event):
                    return event
                if isinstance(event, LAST):
                    word = str(event.__struct_config__.tag)
                    reason = f": {event.reason}" if event.reason not in ("", word) else ""
                    raise DistillError(f"{self.run.id} {word} at step {event.step:,} before it answered{reason}")
            elif other:
                raise DistillError(f"{self.run.id}: somebody else asked for '{other}' meanwhile")
            elif late:
                raise DistillError(
                    f"{self.run.id} has not answered within {self._timeout:g} s",
                    "The request stays, for when the run looks at it. It may still be reading sounds, or be "
                    f"stuck: see {self.run.worker_log}",
                )
            else:
                # asked before the log is read again: what happened until now is in it
                late, other = time.monotonic() > deadline, overruled(self.control())
        for line in log_tail(self.run, LOG_LINES):
            say(f"  {printable(line)}")
        raise DistillError(f"the worker of {self.run.id} died before it answered", _resume(self.run))

    def report(self, text: str, document: Any, named: bool = True) -> int:
        """Print the answer, in words or as JSON; 0."""
        if self._json:
            if document is not None:
                print_json(document)
        else:
            print(f"{self.run.id}: {text}" if named else text, flush=True)
        return 0


def not_alive(run: "RunFolder", state: "RunState") -> RequestError:
    """The error for a run that was asked for something and has no worker."""
    if state.state == "finished":
        hint = f"Its model is in the library: {state.model.name}" if state.model else ""
        return RequestError(f"run {run.id} has finished", hint)
    return RequestError(f"run {run.id} is not alive: it {_was(state.state)}", _resume(run))


def _was(state: str) -> str:
    return {"stopped": "was stopped", "failed": "failed", "crashed": "crashed"}.get(state, "has no worker")


def _resume(run: "RunFolder") -> str:
    from distill_tui.reporting.notes import resume_hint

    return resume_hint(run)
