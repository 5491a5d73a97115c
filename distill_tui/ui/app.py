"""The app: the screens over runs that have processes of their own."""

import asyncio
import shlex
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Event
from textual.filter import LineFilter
from textual.notifications import SeverityLevel

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder, list_runs
from distill_tui.settings import read_settings
from distill_tui.text import printable
from distill_tui.ui import command_palette
from distill_tui.ui.screens.base import BaseScreen, PicturesWanted, RecipeWanted, RunWanted, TakesWanted
from distill_tui.ui.status_messages import StatusMessages
from distill_tui.ui.terminal.filters import TerminalFilters
from distill_tui.ui.terminal.key_order import KeyOrder
from distill_tui.ui.terminal.stylesheet import ParsedOnce
from distill_tui.ui.terminal.title import Title
from distill_tui.ui.themes import DEFAULT_VARIABLES
from distill_tui.ui.user_themes import UserThemes
from distill_tui.ui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from textual.command import Provider

    # nobody waits for a screen or a dialog that is not looked at
    from distill_tui.ui import messages as m
    from distill_tui.ui.run_store import RunStore
    from distill_tui.ui.screens.config.screen import ConfigScreen
    from distill_tui.ui.screens.explorer.screen import ExplorerScreen
    from distill_tui.ui.screens.generate.screen import GenerateScreen
    from distill_tui.ui.screens.library.screen import LibraryScreen
    from distill_tui.ui.screens.runs.screen import RunsScreen
    from distill_tui.ui.screens.training.screen import TrainingScreen
    from distill_tui.ui.services.listening import ListeningPage

MOST_PROBLEMS = 2
"""Problems of the settings that are told when the app starts."""


def palette_provider() -> "type[Provider]":
    from distill_tui.ui.palette_provider import ActionProvider

    return ActionProvider


class DistillApp(App[None]):
    """Six screens as modes: each keeps what it shows while another is in front."""

    TITLE = "distill-tui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar = {palette_provider}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "1", "go('config')", "Config", show=False, id="app.config", tooltip="Config: choose sounds and start a run"
        ),
        Binding(
            "2", "go('training')", "Training", show=False, id="app.training", tooltip="Training: watch and steer a run"
        ),
        Binding("3", "go('library')", "Library", show=False, id="app.library", tooltip="Library: the models"),
        Binding(
            "4",
            "go('explorer')",
            "Explorer",
            show=False,
            id="app.explorer",
            tooltip="Explorer: see what the codebooks do",
        ),
        Binding("5", "go('generate')", "Generate", show=False, id="app.generate", tooltip="Generate: make new sounds"),
        Binding("6", "go('runs')", "Runs", show=False, id="app.runs-screen", tooltip="Runs: every training"),
        Binding("W", "listen", "Listening page", show=False, id="app.listen", tooltip="Hear sounds in a browser"),
        Binding("y", "copy", "Copy", show=False, id="app.copy", tooltip="Copy the path or address of what is chosen"),
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
        self.home = home
        self.settings = read_settings(home)
        self.themes = UserThemes(self, home, self.settings.theme)
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())
        self.status = StatusMessages(self.set_timer, self._show_status)
        self._key_order = KeyOrder(self, super().on_event)
        self._terminal_filters = TerminalFilters(self)
        self._terminal_title = Title(self, self.settings.notify)
        self._titled: RunFolder | None = None
        self.add_mode("config", lambda: self._config)
        self.add_mode("training", lambda: self._training)
        self.add_mode("library", lambda: new_library(home))
        self.add_mode("explorer", lambda: self._explorer)
        self.add_mode("generate", lambda: self._generate)
        self.add_mode("runs", lambda: self._runs)
        self.animation_level = "none"
        if first_run is not None:
            (self._explorer.loader.watch_run if explore else self._training.controller.watch)(first_run)

    @cached_property
    def runs(self) -> "RunStore":
        """The runs that are watched: none on the first screen of many."""
        from distill_tui.ui.run_store import RunStore

        return RunStore(self)

    @cached_property
    def listening_page(self) -> "ListeningPage":
        """The page that plays sounds in a browser."""
        from distill_tui.ui.services.listening import ListeningPage

        return ListeningPage(self.home)

    @cached_property
    def _config(self) -> "ConfigScreen":
        from distill_tui.ui.screens.config.screen import ConfigScreen

        return ConfigScreen(self.home)

    @cached_property
    def _training(self) -> "TrainingScreen":
        from distill_tui.ui.screens.training.screen import TrainingScreen

        return TrainingScreen(self.home, self.runs, self.settings)

    @cached_property
    def _explorer(self) -> "ExplorerScreen":
        from distill_tui.ui.screens.explorer.screen import ExplorerScreen

        return ExplorerScreen(self.home, self.runs)

    @cached_property
    def _generate(self) -> "GenerateScreen":
        from distill_tui.ui.screens.generate.screen import GenerateScreen

        return GenerateScreen(self.home)

    @cached_property
    def _runs(self) -> "RunsScreen":
        from distill_tui.ui.screens.runs.screen import RunsScreen

        return RunsScreen(self.home, self.runs)

    # what Textual asks for

    def on_load(self) -> None:
        """Before the first screen is made: start tasks on every Python as on 3.11.

        From 3.12 on Textual runs the beginning of each task at once. A field of the first screen then asks for that
        screen before it is on the stack, and the app ends with a traceback (Textual 8.2.8).
        """
        asyncio.get_running_loop().set_task_factory(None)

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, self.themes.keep)
        self.set_keymap(self.settings.keys)
        # the first screen does not wait for the themes that it is not drawn in
        self.call_after_refresh(self._tell_problems)

    def _tell_problems(self) -> None:
        """Read the other themes; tell the first problems of settings.toml and of the themes."""
        problems = [*self.settings.problems, *self.themes.load()]
        if self.settings.keys or self.settings.theme not in ("", *self.available_themes):
            # it takes all screens to know the keys
            from distill_tui.ui.settings_check import key_problems, theme_problems

            problems += theme_problems(self.settings, self.available_themes) + key_problems(self.settings)
        if problems:
            more = len(problems) - MOST_PROBLEMS
            rest = [f"and {more} more: distill-tui doctor"] if more > 0 else []
            self.notify("\n".join([*problems[:MOST_PROBLEMS], *rest]), severity="warning", timeout=10)

    async def on_event(self, event: Event) -> None:
        await self._key_order.on_event(event)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return self._terminal_filters.around(super().get_line_filters())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULT_VARIABLES

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002
    ) -> None:
        """Say something on the line above the footer; a title comes first."""
        text = "\n".join(map(printable, message.split("\n")))
        self.status.say(f"{printable(title)}: {text}" if title else text, severity, timeout)

    def _show_status(self) -> None:
        for screen in self.screen_stack:
            for line in screen.query(StatusLine):
                line.show()

    # getting about

    def action_go(self, mode: str) -> None:
        """Bring a screen to the front."""
        if mode == "training" and self._training.controller.run is None:
            run = newest_active(self.home) or next(iter(list_runs(self.home)), None)
            if run is not None:
                self._training.controller.watch(run)
        self.switch_mode(mode)

    def action_help(self) -> None:
        screen = self.screen
        if isinstance(screen, BaseScreen):
            from distill_tui.ui.dialogs.help import HelpDialog

            self.push_screen(HelpDialog(screen.help_title(), screen.help_text(), command_palette.keys_of(self, screen)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "copy":
            return isinstance(self.screen, BaseScreen) and bool(self.screen.copyable())
        return super().check_action(action, parameters)

    def action_listen(self) -> None:
        """Start the listening page, and show what to type for it."""
        if isinstance(self.screen, BaseScreen):
            from distill_tui.ui.dialogs.listen import ListenDialog

            self.push_screen(ListenDialog(self.listening_page, start=True))

    async def action_copy(self) -> None:
        """Copy the path of what is chosen to the clipboard of the terminal."""
        text = self.screen.copyable() if isinstance(self.screen, BaseScreen) else ""
        if text:
            from distill_tui.ui.terminal import clipboard

            await clipboard.copy(self, text)
            self.notify(f"Copied: {text}", timeout=3)

    # messages of the screens and about runs

    def on_run_wanted(self, message: RunWanted) -> None:
        self._training.controller.watch(message.run)
        self.switch_mode("training")

    async def on_recipe_wanted(self, message: RecipeWanted) -> None:
        await self.switch_mode("config")
        self._config.start_from(message.values, message.name)

    async def on_pictures_wanted(self, message: PicturesWanted) -> None:
        await self.switch_mode("explorer")
        self._explorer.loader.start_run(message.folder)

    def on_takes_wanted(self, message: TakesWanted) -> None:
        self._generate.models.wanted = str(message.model)
        self.switch_mode("generate")

    def on_run_state_changed(self, message: "m.RunStateChanged") -> None:
        """Tell tmux and whoever sits elsewhere: the title always, the bell when a run ends."""
        from distill_tui.reporting.run_line import end_text, terminal_title
        from distill_tui.runs.state import ENDED

        name = printable(message.state.name)
        self._titled = message.run
        self._terminal_title.show(text=terminal_title(message.state))
        if message.live and message.new in ENDED:
            self.bell()
            self._terminal_title.notify(end_text(message.state))
            bad = message.new in ("failed", "crashed")
            self.notify(f"{name} {message.new}", severity="error" if bad else "information", markup=False)

    def on_metrics_received(self, message: "m.MetricsReceived") -> None:
        """Keep the percentage in the title: that of the run whose state was told last."""
        from distill_tui.reporting.run_line import terminal_title

        if message.run == self._titled:
            self._terminal_title.show(text=terminal_title(message.state))

    def on_warnings_waited(self, message: "m.WarningsWaited") -> None:
        """A warning rings once, and marks the title until it was seen."""
        self._terminal_title.show(unseen=message.unseen)
        if message.rose:
            self.bell()
            for run, state in self.runs.states():
                if run == message.run and state.warnings:
                    self._terminal_title.notify(f"{state.name}: {state.warnings[-1].text}")

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
        self._terminal_title.give_back()
        if "listening_page" in vars(self):
            self.listening_page.end()

    def _leave(self) -> None:
        for run, state in self.runs.states():
            if state.is_active and run.is_alive():
                self.exit(
                    message=f"{printable(state.name)} goes on without the app (epoch {state.epoch_text}).\n"
                    f"Watch it again with: distill-tui watch {printable(shlex.quote(run.id))}"
                )
                return
        self.exit()


def newest_active(home: Home) -> RunFolder | None:
    """The newest run that a worker trains now."""
    return next((run for run in list_runs(home) if run.is_alive()), None)


def new_library(home: Home) -> "LibraryScreen":
    from distill_tui.ui.screens.library.screen import LibraryScreen

    return LibraryScreen(home)
