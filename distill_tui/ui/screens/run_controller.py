"""The run that a screen watches: its state, what is requested of it, and its live settings."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from textual.binding import Binding
from textual.screen import Screen

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import parse
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import formatting
from distill_tui.reporting.notes import can_resume, has_checkpoint
from distill_tui.runs.control import Control
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.service import resume_run
from distill_tui.runs.state import RunState
from distill_tui.ui.dialogs.ask import AskDialog
from distill_tui.ui.dialogs.confirm import ConfirmDialog
from distill_tui.ui.run_store import RunStore, WatchedRun
from distill_tui.ui.services.control_writer import ControlWriter, Request, SettingChange
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.knobs import Knob, knobs_of

REQUEST_KEYS = (
    Binding("space", "request('pause')", "Pause", id="training.pause", tooltip="Pause the training"),
    Binding("space", "request('unpause')", "Go on", id="training.unpause", tooltip="Go on with the training"),
    Binding("space", "request('resume')", "Resume", id="training.resume", tooltip="Go on from the last checkpoint"),
    # c, its key of before, has no other meaning anywhere
    Binding(
        "S,c",
        "request('stop')",
        "Stop",
        key_display="S",
        id="training.stop",
        tooltip="Stop the training, with a checkpoint (asks first)",
    ),
)
UNDO = Binding("u", "request('undo')", "Undo", id="training.undo", tooltip="Undo the last change of a setting")
"""The same actions on each screen that watches a run: whoever gives one another key has it on all of them."""


class RunController:
    """Watches one run for a screen, which gets its messages, and writes requests to the run's control file.

    The screen has an action `request` that calls `request`, asks `can` which requests make sense now, and passes on
    the messages of its knobs. It is repainted by `repaint` when a request changes what it shows.
    """

    def __init__(self, screen: Screen[Any], home: Home, runs: RunStore, repaint: Callable[[], object]) -> None:
        self.run: RunFolder | None = None
        self.recipe = Recipe()
        self._screen, self._home, self._runs, self._repaint = screen, home, runs, repaint
        self._watched: WatchedRun | None = None
        self._no_state = RunState()
        self._writer = ControlWriter()
        self._waiting: list[Request] = []
        self._problem: BaseException | None = None
        self._changes: list[SettingChange] = []

    # the run

    @property
    def state(self) -> RunState:
        """The run's state as far as its log was read."""
        return self._no_state if self._watched is None else self._watched.state

    @property
    def control(self) -> Control:
        """The contents of the control file, as they will be when the requests that wait are written."""
        written = Control() if self._watched is None else self._watched.written
        control = msgspec.structs.replace(written, knobs=dict(written.knobs))
        for wish in self._waiting:
            if wish.run == self.run:
                wish.change(control)
        return control

    def watch(self, run: RunFolder) -> None:
        """Watch this run from now on, or as soon as `start` is called."""
        if run != self.run:
            is_started = self._screen.is_mounted
            self.leave()
            self.run = run
            if is_started:
                self.start()

    def start(self) -> None:
        """Begin to follow the run that was chosen: the screen is mounted."""
        if self.run is None or self._watched is not None:
            return
        self._changes = []
        try:
            self.recipe = toml.load(self.run.recipe)
        except DistillError as error:
            self.recipe = Recipe()
            self._screen.notify(str(error), severity="warning", markup=False)
        self._watched = self._runs.watch(self.run, self._screen)

    def leave(self) -> None:
        """Watch no run."""
        if self.run is not None and self._watched is not None:
            self._runs.leave(self.run, self._screen)
        self.run = self._watched = None

    # what can be requested

    @property
    def is_steerable(self) -> bool:
        """True while a worker can receive requests."""
        return self.run is not None and self.state.is_active and self.state.started_at > 0

    @property
    def is_tunable(self) -> bool:
        """True while live settings can be changed, also of an ended run that can be resumed."""
        return self.is_steerable or self._is_resumable

    @property
    def _is_resumable(self) -> bool:
        return self.run is not None and can_resume(self.state)

    def pending(self) -> str:
        """The state that was requested and is not reached yet, or ''."""
        state, desired = self.state.state, self.control.wanted
        if not self.state.is_active or state == "stopping":
            return ""
        if desired == "stopped" or (desired == "paused" and state != "paused"):
            return desired
        return "running" if desired == "running" and state == "paused" else ""

    def can(self, request: str) -> bool:
        """Return whether a request makes sense now; the footer and the palette show those that do."""
        if request in ("checkpoint", "preview"):
            return self.is_steerable
        if request == "pause":
            return self.is_steerable and self.control.wanted == "running"
        if request == "unpause":
            return self.is_steerable and self.control.wanted == "paused"
        if request == "stop":
            return self.is_steerable and self.control.wanted != "stopped"
        return self._is_resumable if request == "resume" else self.is_tunable and bool(self._undoable())

    # requests

    def request(self, name: str) -> None:
        """Make one of the requests that keys are bound to."""
        match name:
            case "pause":
                self._request(wanted="paused")
            case "unpause":
                self._request(wanted="running")
            case "checkpoint":
                self._request("Asked for a checkpoint.", checkpoint=lambda count: count + 1)
            case "preview":
                self._request("Asked for a preview.", preview=lambda count: count + 1)
            case "resume":
                begin(self._screen, "resume", self._resume, self.run)
            case "stop":
                self._ask_to_stop()
            case "undo":
                change = self._undoable()[-1]
                said = f"{change.key} back to {formatting.setting(change.before)}."
                change.undone_by = self._set(change.key, change.before, said)

    def ask(self, **changes: Any) -> Request:
        """Have the control file changed; what is requested is shown at once.

        A change is a field's new value, or a function from its present one.
        """
        assert self.run is not None

        def change(control: Control) -> None:
            for name, value in changes.items():
                setattr(control, name, value(getattr(control, name)) if callable(value) else value)

        wish = self._writer.add(self.run, change)
        self._waiting.append(wish)
        asyncio.wrap_future(wish.written).add_done_callback(partial(self._answered, wish))
        self._repaint()
        return wish

    def _answered(self, wish: Request, written: "asyncio.Future[Control]") -> None:
        """Take in that a request was written; tell the person if it could not be."""
        self._waiting.remove(wish)
        if self._watched is not None:
            self._watched.read_control()
        problem = written.exception()
        # what is written together fails together
        if problem is not None and problem is not self._problem:
            self._problem = problem
            self._screen.notify(str(problem), severity="error", timeout=10, markup=False)
        self._repaint()

    async def is_written(self, wish: Request) -> bool:
        """Wait for a request to be written; False if it could not be."""
        try:
            await asyncio.shield(asyncio.wrap_future(wish.written))
        except (DistillError, OSError):
            return False
        return True

    def _request(self, said: str = "", **changes: Any) -> Request:
        """Ask for changes, and say so once they are written."""
        wish = self.ask(**changes)

        async def tell() -> None:
            if await self.is_written(wish) and said:
                self._screen.notify(said, timeout=3, markup=False)

        self._screen.run_worker(tell(), group="requests")
        return wish

    async def _resume(self, run: RunFolder) -> None:
        state = self.state
        try:
            await asyncio.to_thread(resume_run, self._home, run)
        except DistillError as error:
            self._screen.notify(str(error), severity="error", timeout=10, markup=False)
            return
        where = "the last checkpoint" if has_checkpoint(run, state) else "the beginning"
        self._screen.notify(f"The worker starts again from {where}.")

    def _ask_to_stop(self) -> None:
        def answered(yes: bool | None) -> None:
            if yes and self.state.is_active:
                self._request(wanted="stopped")

        kept = "It saves a checkpoint and the model of what it has learned. It can go on later."
        if not self.state.step:
            kept = "No step is trained yet: there will be no model. It can go on later."
        self._screen.app.push_screen(ConfirmDialog("Stop the training?", kept, "stop it"), answered)

    # live settings

    def knobs(self) -> list[Knob]:
        """The live settings of the run as they stand."""
        return knobs_of(self.recipe, self.control, self.state)

    def tune(self, key: str, value: float) -> None:
        """Request another value of a live setting."""
        if not self.is_tunable:
            self._screen.notify("The run has ended: settings can no longer be changed.", severity="warning", timeout=3)
            self._repaint()
            return
        before = next(knob.wanted for knob in self.knobs() if knob.field.key == key)
        self._changes.append(SettingChange(key, before, self._set(key, value)))

    def ask_exact(self, knob: Knob) -> None:
        """Ask for the exact value of a live setting."""
        field = knob.field

        def problem(text: str) -> str:
            return parse(field, text)[1].removeprefix(f"{field.key}: ")

        def answered(text: str | None) -> None:
            if text is not None and (value := float(parse(field, text)[0])) != knob.wanted:
                self.tune(field.key, value)

        self._screen.app.push_screen(
            AskDialog(field.title, f"{field.help} Allowed: {field.bounds}.", formatting.setting(knob.wanted), problem),
            answered,
        )

    def _undoable(self) -> list[SettingChange]:
        return [change for change in self._changes if change.can_be_undone]

    def _set(self, key: str, value: float, said: str = "") -> Request:
        return self._request(said, knobs=lambda knobs: {**knobs, key: value})
