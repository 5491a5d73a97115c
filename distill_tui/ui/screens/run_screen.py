"""What the screens share that follow a run and steer it: the follower, the wishes, the knobs."""

import asyncio
import time
from typing import Any, ClassVar

import msgspec
from textual import on
from textual.binding import Binding

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.recipe import toml
from distill_tui.recipe.fields import parse
from distill_tui.recipe.schema import Recipe
from distill_tui.reporting import formatting
from distill_tui.reporting.notes import can_resume, has_checkpoint
from distill_tui.runs.control import Control
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.service import start_worker
from distill_tui.runs.state import RunState
from distill_tui.ui import messages as m
from distill_tui.ui.dialogs.ask import AskDialog
from distill_tui.ui.dialogs.confirm import ConfirmDialog
from distill_tui.ui.run_store import Follower
from distill_tui.ui.screens.base import BaseScreen
from distill_tui.ui.services.control_writer import Wish, Wishes
from distill_tui.ui.services.workers import begin
from distill_tui.ui.terminal.compositor import SpansCompositor
from distill_tui.ui.widgets.knobs import Knob, Knobs, knobs_of

STEERING = (
    Binding("space", "pause", "Pause", id="training.pause", tooltip="Pause the training"),
    Binding("space", "unpause", "Go on", id="training.unpause", tooltip="Go on with the training"),
    Binding("space", "resume", "Resume", id="training.resume", tooltip="Go on from the last checkpoint"),
    Binding("c", "stop", "Stop", id="training.stop", tooltip="Stop the training, with a checkpoint (asks first)"),
)
UNDO = Binding("u", "undo", "Undo", id="training.undo", tooltip="Undo the last change of a knob")
"""The same actions on each of these screens: who gives one another key has it everywhere."""
REST_SECONDS, MOST_REST_SECONDS = 0.25, 1.5
"""Who presses key after key is answered at once: so long after one new numbers wait for the next, but not for ever."""


class SteeringScreen(BaseScreen):
    """Follows one run; every wish goes into its control file."""

    REPAINT_SECONDS: ClassVar[float] = 0.5

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._compositor = SpansCompositor()
        self._home = home
        self.run_folder: RunFolder | None = None
        self.state = RunState()
        self.control = Control()
        """What is wanted, with the wishes that are not written yet."""
        self._written = Control()
        self._wishes = Wishes()
        self._told: Exception | None = None
        self._recipe = Recipe()
        self._undo: list[tuple[str, float]] = []
        self._dirty = False
        self._pressed_at = self._drew_at = 0.0

    def on_mount(self) -> None:
        self.set_class(self.run_folder is None, "-empty")
        self.set_interval(self.REPAINT_SECONDS, self._repaint_if_changed)
        if self.run_folder is not None:
            self._follow(self.run_folder)

    def watch_run(self, run: RunFolder) -> None:
        """Follow this run from now on."""
        if run == self.run_folder:
            return
        self.run_folder = run
        if self.is_mounted:
            self._follow(run)

    def _follow(self, run: RunFolder) -> None:
        # one worker in the group: the one before is cancelled
        follower = Follower(run, self.post_message)
        self.run_worker(follower.run_forever(), group="follow", exclusive=True, exit_on_error=True)

    # what the follower says

    @on(m.RunChosen)
    def _chosen(self, message: m.RunChosen) -> None:
        self.state, self.control, self._written, self._undo = RunState(), Control(), Control(), []
        self.set_class(False, "-empty")
        try:
            self._recipe = toml.load(message.run.recipe)
        except DistillError as error:
            self._recipe = Recipe()
            self.notify(str(error), severity="warning", markup=False)
        self.begin(message.run)
        self.refresh_bindings()

    def begin(self, run: RunFolder) -> None:
        """Another run is followed from now on: forget what was known of the one before."""

    @on(m.MetricsReceived)
    def _metrics(self, message: m.MetricsReceived) -> None:
        if message.run == self.run_folder:
            self._dirty = True
            self.take(message.state)

    @on(m.RunStateChanged)
    def _state_changed(self, message: m.RunStateChanged) -> None:
        if message.run == self.run_folder:
            self.take(message.state)
            self._repaint()

    @on(m.ControlChanged)
    def _control_changed(self, message: m.ControlChanged) -> None:
        if message.run == self.run_folder:
            self._take_control(message.asked)

    def take(self, state: RunState) -> None:
        """This is how the run is now."""
        self.state = state

    # painting

    def on_key(self) -> None:
        self._pressed_at = time.monotonic()

    @property
    def rests(self) -> bool:
        """Whether keys are pressed that new numbers would hold up."""
        now = time.monotonic()
        return now - self._pressed_at < REST_SECONDS and now - self._drew_at < MOST_REST_SECONDS

    def _repaint_if_changed(self) -> None:
        if self._dirty and self.is_current and not self.rests:
            self._drew_at = time.monotonic()
            self._repaint(at_once=False)

    def on_screen_resume(self) -> None:
        self._dirty = True

    def _repaint(self, at_once: bool = True) -> None:
        """Show the state; what is large may wait a little with new numbers unless it has to be `at_once`."""
        raise NotImplementedError

    def pending(self) -> str:
        """What was asked for and has not happened yet."""
        if not self.state.is_active or self.state.state == "stopping":
            return ""
        state, wanted = self.state.state, self.control.wanted
        if wanted == "stopped" or (wanted == "paused" and state != "paused"):
            return wanted
        return "running" if wanted == "running" and state == "paused" else ""

    # wishes

    @property
    def is_steerable(self) -> bool:
        """Whether there is a run whose worker may hear a wish."""
        return self.run_folder is not None and self.state.is_active and self.state.started_at > 0

    @property
    def is_tunable(self) -> bool:
        """Whether a knob can be turned: of a run that has ended and can go on, for when it does."""
        return self.is_steerable or (self.run_folder is not None and can_resume(self.state))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which wishes make sense now; the footer and the palette show those."""
        if action == "pause":
            return self.is_steerable and self.control.wanted == "running"
        if action == "unpause":
            return self.is_steerable and self.control.wanted == "paused"
        if action == "resume":
            return self.run_folder is not None and can_resume(self.state)
        if action == "stop":
            return self.is_steerable and self.control.wanted != "stopped"
        if action == "undo":
            return self.is_tunable and bool(self._undo)
        return super().check_action(action, parameters)

    def _take_control(self, written: Control) -> None:
        """This stands in the control file."""
        assert self.run_folder is not None
        self._written = written
        mine = msgspec.structs.replace(written, knobs=dict(written.knobs))
        self.control = self._wishes.over(self.run_folder, mine)
        self._repaint()

    def _ask(self, **changes: Any) -> Wish:
        """Have what is wanted written to the control file; it is shown at once."""
        run = self.run_folder
        assert run is not None

        def change(control: Control) -> None:
            for name, value in changes.items():
                setattr(control, name, value(getattr(control, name)) if callable(value) else value)

        wish = self._wishes.add(run, change)
        self._take_control(self._written)
        return wish

    async def _is_written(self, wish: Wish) -> bool:
        """Whether a wish was written to the control file; if not, the person is told why."""
        problem: Exception | None = None
        try:
            control = await asyncio.shield(asyncio.wrap_future(wish.written))
        except (DistillError, OSError) as error:
            problem, control = error, self._written
        if wish.run == self.run_folder:
            self._take_control(control)
            self.refresh_bindings()
        # what is written together fails together
        if problem is not None and problem is not self._told:
            self._told = problem
            self.notify(str(problem), severity="error", timeout=10, markup=False)
        return problem is None

    def _wish(self, said: str = "", **changes: Any) -> None:
        """Ask for changes, and say so once they are written."""
        wish = self._ask(**changes)

        async def tell() -> None:
            if await self._is_written(wish) and said:
                self.notify(said, timeout=3, markup=False)

        self.run_worker(tell(), group="wishes")

    def action_pause(self) -> None:
        self._wish(wanted="paused")

    def action_unpause(self) -> None:
        self._wish(wanted="running")

    def action_resume(self) -> None:
        run = self.run_folder
        assert run is not None
        begin(self, "resume", self._resume, run, self._ask(wanted="running"))

    async def _resume(self, run: RunFolder, wish: Wish) -> None:
        if not await self._is_written(wish):
            return
        try:
            await asyncio.to_thread(start_worker, self._home, run)
        except DistillError as error:
            self.notify(str(error), severity="error", timeout=10, markup=False)
            return
        where = "the last checkpoint" if has_checkpoint(run, self.state) else "the beginning"
        self.notify(f"The worker starts again from {where}.")

    def action_stop(self) -> None:
        def answered(yes: bool | None) -> None:
            if yes and self.state.is_active:
                self._wish(wanted="stopped")

        kept = "It saves a checkpoint and the model of what it has learned. It can go on later."
        if not self.state.step:
            kept = "No step is trained yet: there will be no model. It can go on later."
        self.app.push_screen(
            ConfirmDialog(
                "Stop the training?",
                kept,
                "stop it",
            ),
            answered,
        )

    # knobs

    def knobs(self) -> list[Knob]:
        """The live settings of the run as they stand."""
        return knobs_of(self._recipe, self.control, self.state)

    def _set_knob(self, key: str, value: float, said: str = "") -> None:
        self._wish(said, knobs=lambda knobs: {**knobs, key: value})

    @on(Knobs.Turned)
    def _knob_turned(self, message: Knobs.Turned) -> None:
        if not self.is_tunable:
            self.notify("The run has ended: settings can no longer be changed.", severity="warning", timeout=3)
            self._repaint()
            return
        before = next(knob.wanted for knob in self.knobs() if knob.field.key == message.key)
        self._undo.append((message.key, before))
        self._set_knob(message.key, message.value)
        self.refresh_bindings()

    @on(Knobs.ExactAsked)
    def _knob_asked(self, message: Knobs.ExactAsked) -> None:
        field, knob = message.knob.field, message.knob

        def problem(text: str) -> str:
            return parse(field, text)[1].removeprefix(f"{field.key}: ")

        def answered(text: str | None) -> None:
            if text is not None and (value := float(parse(field, text)[0])) != knob.wanted:
                self.post_message(Knobs.Turned(field.key, value))

        self.app.push_screen(
            AskDialog(field.title, f"{field.help} Allowed: {field.bounds}.", formatting.setting(knob.wanted), problem),
            answered,
        )

    def action_undo(self) -> None:
        key, value = self._undo.pop()
        self._set_knob(key, value, f"{key} back to {formatting.setting(value)}.")
        self.refresh_bindings()
