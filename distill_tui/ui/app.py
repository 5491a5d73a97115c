"""The app: four screens over runs that have processes of their own."""

import gc
import os
import shlex
import signal
import threading
from collections.abc import Iterable
from functools import cached_property
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen

from distill_tui.errors import DistillError
from distill_tui.files import printable
from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.settings import read_settings
from distill_tui.ui import words
from distill_tui.ui.screens.base import DeskScreen, RecipeWanted, RunWanted
from distill_tui.ui.sheet import Sheet
from distill_tui.ui.theming import DEFAULT_THEME, DEFAULT_VARIABLES, load_themes, own_themes

if TYPE_CHECKING:
    # nobody waits for a screen or a dialog that is not looked at
    from distill_tui.ui import messages as m
    from distill_tui.ui.screens.config import ConfigScreen
    from distill_tui.ui.screens.explorer import ExplorerScreen
    from distill_tui.ui.screens.library import LibraryScreen
    from distill_tui.ui.screens.steering import SteeringScreen
    from distill_tui.ui.screens.training import TrainingScreen

TITLE_CELLS = 80
MOVING = "Move about in lists and between fields"
LAST_RESORT_SECONDS = 2.0
"""How long after a hang-up the process may take to leave in good order."""


class DistillApp(App[None]):
    """Config, Training and Library as modes: each keeps what it shows while another is in front."""

    TITLE = "distill-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "go('config')", "Config", show=False, id="app.config", tooltip="Choose sounds and start a run"),
        Binding("2", "go('training')", "Training", show=False, id="app.training", tooltip="Watch and steer a run"),
        Binding("3", "go('library')", "Library", show=False, id="app.library", tooltip="The models"),
        Binding("4", "go('explorer')", "Explorer", show=False, id="app.explorer", tooltip="See what the codebooks do"),
        Binding("question_mark,f1", "help", "Help", key_display="?", id="app.help", tooltip="Help for this screen"),
        Binding("q", "leave", "Quit", id="app.quit", tooltip="Leave the app; a run goes on"),
        Binding(
            "ctrl+q",
            "leave",
            "Quit",
            show=False,
            priority=True,
            id="app.quit-anywhere",
            tooltip="Leave the app; a run goes on",
        ),
    ]

    def __init__(self, home: Home, run: RunFolder | None = None, explore: bool = False) -> None:
        """`run` is shown on the Training screen, or to `explore` on the Explorer; None: the newest active one."""
        first_run = run or newest_active(home)
        # Textual would else make and style an empty screen before the first one of ours
        self.DEFAULT_MODE = (  # type: ignore[misc]
            "config" if first_run is None else "explorer" if explore else "training"
        )
        super().__init__()
        if self.no_color:
            from distill_tui.ui.colourless import Colourless

            self._filters[1:] = [Colourless()]
        self.home = home
        self._title_text, self._title_shown, self._unseen = "distill-tui", "", 0
        self._told_end = ("", "")
        self._settings = read_settings(home)
        self._take_theme()
        self._kept_theme = self.theme
        self.stylesheet = Sheet(variables=self.get_css_variables())
        self.add_mode("config", lambda: self._sized(self._config))
        self.add_mode("training", lambda: self._sized(self._training))
        self.add_mode("library", lambda: self._sized(self._library_screen()))
        self.add_mode("explorer", lambda: self._sized(self._explorer))
        self.animation_level = "none"
        if first_run is not None:
            (self._explorer if explore else self._training).watch_run(first_run)

    def _sized(self, screen: DeskScreen) -> DeskScreen:
        """The screen, when it is first shown."""
        screen.be_of_size(self.size)
        return screen

    @cached_property
    def _config(self) -> "ConfigScreen":
        from distill_tui.ui.screens.config import ConfigScreen

        return ConfigScreen(self.home)

    @cached_property
    def _training(self) -> "TrainingScreen":
        from distill_tui.ui.screens.training import TrainingScreen

        return TrainingScreen(self.home)

    @cached_property
    def _explorer(self) -> "ExplorerScreen":
        from distill_tui.ui.screens.explorer import ExplorerScreen

        return ExplorerScreen(self.home)

    def _library_screen(self) -> "LibraryScreen":
        from distill_tui.ui.screens.library import LibraryScreen

        return LibraryScreen(self.home)

    def _take_theme(self) -> None:
        """Have the theme that is wanted before any style is worked out."""
        for wanted in (self._settings.theme or DEFAULT_THEME, DEFAULT_THEME):
            self._register_themes(wanted)
            if wanted in self.available_themes:
                self.theme = wanted
                return

    def _register_themes(self, only: str = "*") -> list[str]:
        """Read themes, or only one; what is wrong with them, in words."""
        self._has_all_themes = only == "*"
        themes, problems = load_themes([own_themes(), self.home.root / "themes"], only)
        for theme in themes.values():
            self.register_theme(theme)
        return problems

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULT_VARIABLES

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        self.set_keymap(self._settings.keys)
        # the first screen does not wait for the themes that it is not drawn in
        self.call_after_refresh(self._look_for_troubles)

    def _look_for_troubles(self) -> None:
        """Read the other themes, and tell what is wrong with settings and themes."""
        troubles = [*self._settings.problems, *self._register_themes()]
        if self._settings.keys or self._settings.theme not in ("", *self.available_themes):
            # it takes all screens to know the keys
            from distill_tui.ui.preferences import key_problems, theme_problems

            troubles += theme_problems(self._settings, self.available_themes) + key_problems(self._settings)
        self._tell_troubles(troubles)

    def on_ready(self) -> None:
        """The first screen stands: what was made for it stays, and is not looked through for garbage any more."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002
    ) -> None:
        """Say something in a corner. Names stand in what is said here, so none of it is markup."""
        said = "\n".join(map(printable, message.split("\n")))
        super().notify(said, title=title, severity=severity, timeout=timeout, markup=False)

    def _tell_troubles(self, troubles: Iterable[str]) -> None:
        for trouble in troubles:
            self.notify(trouble, severity="warning", timeout=10, markup=False)

    def _keep_theme(self, name: str) -> None:
        if name == self._kept_theme:
            return
        self._kept_theme = name
        from distill_tui.settings import keep_theme

        try:
            keep_theme(self.home, name)
        except DistillError as error:
            self.notify(str(error), severity="warning", markup=False)

    # getting about

    def action_go(self, mode: str) -> None:
        """Bring a screen to the front."""
        if mode == "training" and self._training.run_folder is None:
            run = newest_active(self.home) or next(iter(list_runs(self.home)), None)
            if run is not None:
                self._training.watch_run(run)
        self.switch_mode(mode)

    def watch_run(self, run: RunFolder) -> None:
        """Show this run on the Training screen."""
        self._training.watch_run(run)
        self.switch_mode("training")

    def action_runs(self) -> None:
        from distill_tui.ui.dialogs.runs import RunsDialog

        def answered(run: RunFolder | None) -> None:
            if run is not None:
                self.watch_run(run)

        self.push_screen(RunsDialog(self.home, self._training.run_folder), answered)

    def action_help(self) -> None:
        screen = self.screen
        if isinstance(screen, DeskScreen):
            from distill_tui.ui.dialogs.help import HelpDialog

            self.push_screen(HelpDialog(screen.TITLE_TEXT, screen.help_text(), self._keys(screen)))

    def _keys(self, screen: Screen[Any]) -> list[tuple[str, str, str]]:
        """The keys that work now, what they do, and the ids of their actions; keys that do one thing together."""
        found: dict[str, tuple[list[str], list[str]]] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.system or not binding.description or not binding.id:
                continue
            keys, ids = found.setdefault(binding.tooltip or MOVING, ([], []))
            if (key := self.get_key_display(binding)) not in keys:
                keys.append(key)
            if binding.id not in ids:
                ids.append(binding.id)
        found["Palette: every action by its name"] = (["^p"], [])
        return [("  ".join(keys), what, ", ".join(ids)) for what, (keys, ids) in found.items()]

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action that makes sense now, and the themes."""
        seen: set[str] = set()
        for active in screen.active_bindings.values():
            node, binding, enabled, tooltip = active
            # what only moves about has no tooltip
            if not enabled or not binding.id or not binding.tooltip or binding.action in seen:
                continue
            seen.add(binding.action)
            yield SystemCommand(
                binding.description,
                tooltip or binding.tooltip,
                lambda action=binding.action, node=node: self.call_later(self.run_action, action, node),
            )
        if "app.runs" not in seen:
            yield SystemCommand("Runs", "List the runs; enter watches one", self.action_runs)
        if not self._has_all_themes:
            self._register_themes()
        for name in sorted(self.available_themes):
            yield SystemCommand(f"Theme: {name}", "Change the colours", lambda name=name: self._choose_theme(name))

    def _choose_theme(self, name: str) -> None:
        self.theme = name

    # what the screens and the follower say

    def on_run_wanted(self, message: RunWanted) -> None:
        self.watch_run(message.run)

    async def on_recipe_wanted(self, message: RecipeWanted) -> None:
        await self.switch_mode("config")
        self._config.start_from(message.values, message.name)

    def on_run_state_changed(self, message: "m.RunStateChanged") -> None:
        """Tell tmux and whoever sits elsewhere: the title always, the bell when a run ends."""
        from distill_tui.runs.state import ENDED

        name = printable(message.state.name)
        self._title_text = f"{name}: {message.new}"
        self._show_title()
        ended = (message.run.id, message.new)
        # two screens may follow the same run
        if message.live and message.new in ENDED and ended != self._told_end:
            self._told_end = ended
            self.bell()
            bad = message.new in ("failed", "crashed")
            self.notify(f"{name} {message.new}", severity="error" if bad else "information", markup=False)

    def on_warnings_waited(self, message: "m.WarningsWaited") -> None:
        """A warning rings once, and marks the title until it was seen."""
        self._unseen = message.unseen
        self._show_title()
        if message.rose:
            self.bell()

    def _show_title(self) -> None:
        title = f"{'▲ ' if self._unseen else ''}{self._title_text}"
        if title == self._title_shown or self._driver is None or self.is_headless:
            return
        # the terminal keeps the title that it had, for when we leave
        keep = "" if self._title_shown else "\x1b[22;2t"
        self._title_shown = title
        self._driver.write(f"{keep}\x1b]2;{words.shorten(title, TITLE_CELLS)}\x07")

    # leaving

    async def action_quit(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        """Leave, saying that the run goes on; what was typed and not started is asked about first."""
        from distill_tui.ui.dialogs.confirm import ConfirmDialog

        if isinstance(self.screen, ConfirmDialog):
            return
        # a screen that was never looked at has none
        if "_config" in vars(self) and self._config.has_unstarted_work:
            self.push_screen(
                ConfirmDialog(
                    "Leave?", "The recipe on the Config screen was changed and not started: it would be lost.", "leave"
                ),
                lambda yes: self._leave() if yes else None,
            )
        else:
            self._leave()

    def on_unmount(self) -> None:
        if self._title_shown and self._driver is not None:
            self._driver.write("\x1b[23;2t")

    def _leave(self) -> None:
        # a screen that was never looked at has none
        screens: list[SteeringScreen] = [vars(self)[name] for name in ("_training", "_explorer") if name in vars(self)]
        for screen in screens:
            run, state = screen.run_folder, screen.state
            if run is not None and state.is_active and run.is_alive():
                self.exit(
                    message=f"{printable(state.name)} goes on without the app (epoch {state.epoch_text}).\n"
                    f"Watch it again with: distill-tui watch {shlex.quote(run.id)}"
                )
                return
        self.exit()


def newest_active(home: Home) -> RunFolder | None:
    """The newest run that a worker trains now."""
    return next((run for run in list_runs(home) if run.is_alive()), None)


def leave_on_hangup(app: DistillApp) -> None:
    """Leave when the line drops or somebody ends us: a process that ignores it would spin on a dead terminal."""

    def leave(number: int, _: FrameType | None) -> None:
        # an event loop that waits for a terminal that is gone will never run `exit`
        timer = threading.Timer(LAST_RESORT_SECONDS, os._exit, (128 + number,))
        timer.daemon = True
        timer.start()
        app.call_later(app.exit, return_code=128 + number)

    signal.signal(signal.SIGHUP, leave)
    signal.signal(signal.SIGTERM, leave)


def run_app(home: Home, run: RunFolder | None, explore: bool = False) -> int:
    """Open the app on the Training screen of `run`, or of the newest active run, or else on Config; its exit code."""
    app = DistillApp(home, run, explore)
    leave_on_hangup(app)
    app.run(mouse=False)
    return app.return_code or 0
