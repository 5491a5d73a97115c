"""The Config screen: choose a folder, see what was found and what the model will be, set the recipe, start."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Static

from distill_tui.files import printable
from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.runs.folder import RunFolder
from distill_tui.settings import read_settings
from distill_tui.ui.screens.base import RunWanted
from distill_tui.ui.screens.config.data_panel import Found, FoundPanel
from distill_tui.ui.screens.config.recipe_actions import RECIPE_KEYS, RecipeScreen
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.pane import Pane, ScrolledPane
from distill_tui.ui.widgets.path_input import AND, FolderField, split_paths

if TYPE_CHECKING:
    # the first screen must come at once: what it does not show at first is imported by those who want it
    from distill_tui.data.corpus import Corpus
    from distill_tui.recipe.schema import Recipe
    from distill_tui.runs.throughput import Throughput
    from distill_tui.ui.screens.config.recipe_pane import RecipePane

WELCOME = "enter: type a path of sounds    t: find them in a tree    tab: to the fields"
WELCOME_NARROW = "enter: type a path   t: tree"
TYPING = "Type the path of a folder with sounds: tab completes, enter looks into it, ctrl+t shows a tree, esc leaves."
MOST_LISTED = 1000
"""Skipped files that a dialog lists."""
FIRST_LOOK_SECONDS = 0.05
"""After which the form is made: what is shown first is on the screen by then."""


class ConfigScreen(RecipeScreen):
    """From a folder of sounds to a run."""

    MODE = "config"
    TITLE_TEXT = "Config"
    HELP_TEXT = (
        "Choose a folder of sounds: its sub-folders are walked too. Enter lets you type a path, t finds it in a tree. "
        "Tab completes a path, enter looks into it. "
        "Then name the run, change what you like, and start with ctrl+s. Up and down move between the fields; "
        "'auto' is chosen from your sounds and this machine. In a field letters and digits are typed: escape leaves "
        "it, and then 1, 2 and 3 switch screens. The time of an epoch is told from what this machine reached before."
    )
    # no input at first: the keys of the screens work at once
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="config.start", tooltip="Start training", priority=True),
        Binding("ctrl+r", "resume", "Resume", id="config.resume", tooltip="Go on with the interrupted run"),
        Binding("enter", "type_folder", "Folder", id="config.folder", tooltip="Type the path of a folder of sounds"),
        Binding(
            "t,ctrl+t",
            "tree",
            "Tree",
            key_display="^t",
            id="config.tree",
            tooltip="Find the sounds in a tree of folders",
        ),
        *RECIPE_KEYS,
        Binding("f3", "skipped", "Skipped", show=False, id="config.skipped", tooltip="List the skipped files, and why"),
        Binding("up", "app.focus_previous", "Up", show=False, id="config.up"),
        Binding("down", "app.focus_next", "Down", show=False, id="config.down"),
        Binding(
            "escape",
            "leave_field",
            "Leave field",
            show=False,
            id="config.leave",
            tooltip="Leave the field: the keys of the screens work again",
        ),
    ]

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.found = Found()
        self._paces: dict[str, list[Throughput]] = {}
        self._was_away = self._is_starting = False

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        with Pane(id="config-panes"):
            with Pane(id="form"):
                with Horizontal(classes="field-row", id="folder-row"):
                    yield Static("Sounds", classes="label", markup=False)
                    yield FolderField(id="folder-field")
                yield FoundPanel(wide=False, id="found-short")
            with ScrolledPane(id="aside", classes="pane"):
                yield FoundPanel(wide=True, id="found-wide")
        yield Static(self._welcome, id="field-help", markup=False)
        yield self.footer()

    def on_mount(self) -> None:
        self._show_found()
        # the app takes this up when it has started, which on a slow machine may be long after now
        self.app.call_later(self.set_timer, FIRST_LOOK_SECONDS, self._add_form)

    async def _add_form(self) -> None:
        """The fields, once the first screen stands: they are three quarters of its widgets, and keys work before."""
        from distill_tui.runs.history import recent_folders

        self._show_keys()
        await self.query_one("#form").mount(self.pane)
        self._form_changed()
        usual = [data] if (data := read_settings(self._home).data) else []
        await self.query_one(FolderField).offer(list(dict.fromkeys([*usual, *recent_folders(self._home)])))

    def on_screen_suspend(self) -> None:
        # another screen is in front, not a dialog: coming back, no input must swallow its keys
        if self.app.screen_stack[0] is not self:
            self.set_focus(None)
            self._was_away = True

    def on_screen_resume(self) -> None:
        if self._was_away and self.found.corpus is not None:
            self._was_away = False
            begin(self, "again", self._look_again, self.found.corpus)

    async def _look_again(self, corpus: "Corpus") -> None:
        """Runs that have ended meanwhile can perhaps go on, and tell how fast this machine is."""
        from distill_tui.runs.history import interrupted_run

        interrupted = await asyncio.to_thread(interrupted_run, self._home, corpus)
        if corpus is self.found.corpus:
            self.found.interrupted = interrupted
            self._paces = {}
            self._form_changed()

    # the sounds

    @on(FolderField.Chosen)
    def _folder_chosen(self, message: FolderField.Chosen) -> None:
        self.look_at(message.path)

    def look_at(self, path: str) -> None:
        """Scan this path, or these; a scan of others ends."""
        gone = [part for part in split_paths(path) if not Path(part).exists()]
        if gone:
            self.workers.cancel_group(self, "scan")
            which = f": {gone[0]}" if AND in path else ""
            self.found = Found(path=path, problem=f"there is no such folder or file{which}")
        else:
            self.found = Found(path=path, scanning=True)
            begin(self, "scan", self._scan, path)
        self._show_found()

    async def _scan(self, path: str) -> None:
        from distill_tui.ui.services.new_run import look

        def progress(done: int, total: int) -> None:
            self.found.done, self.found.total = done, total
            self._show_found()

        self.found = await look(self._home, path, progress)
        self._form_changed()

    # the form

    def on_recipe_pane_edited(self) -> None:
        self._form_changed()

    def on_recipe_pane_help_wanted(self, message: "RecipePane.HelpWanted") -> None:
        self.query_one("#field-help", Static).update(message.text)

    def on_descendant_focus(self) -> None:
        focused = self.focused
        if focused is not None and not (isinstance(focused.parent, Widget) and focused.parent.has_class("field-row")):
            self.query_one("#field-help", Static).update(TYPING if focused.id == "folder" else "")

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self._show_keys)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_keys)

    def _show_keys(self) -> None:
        if self.focused is None:
            self.query_one("#field-help", Static).update(self._welcome)

    @property
    def _welcome(self) -> str:
        return WELCOME_NARROW if self.has_class("-narrow") else WELCOME

    def _form_changed(self) -> None:
        """Work out again what the model will be, and say at each field what is to be said."""
        self.pane.judge(self.found)
        if self.found.resolved is not None:
            self._ask_pace(self.found.resolved)
        self._show_found()

    def _ask_pace(self, recipe: "Recipe") -> None:
        """Have the panel know how fast this machine was on such a device; the logs of earlier runs are read once."""
        from distill_tui.runs.throughput import measured, nearest

        device = str(recipe.train.device)
        if device in self._paces:
            self.found.pace = nearest(self._paces[device], recipe)
            return

        async def ask() -> None:
            self._paces[device] = await asyncio.to_thread(measured, self._home, device)
            self._form_changed()

        begin(self, "pace", ask)

    def _show_found(self) -> None:
        for panel in self.query(FoundPanel):
            panel.show(self.found)
        self.bar.show("")
        self.refresh_bindings()

    # what can be done

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "resume":
            return self.found.interrupted is not None
        if action == "skipped":
            return self.found.is_read and bool(self.found.corpus and self.found.corpus.skipped)
        if action == "type_folder":
            return self.focused is None
        return super().check_action(action, parameters)

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        self.pane.take_in()
        corpus, machine = self.found.corpus, self.found.machine
        path = self.query_one(FolderField).path
        if path and path != self.found.path:
            self.look_at(path)
            self.notify("Looking at the sounds first: start again when they are there.", markup=False)
            return
        if corpus is None or machine is None:
            said = "The sounds are still being read." if self.found.scanning else self.found.problem
            self.notify(said or "Choose a folder of sounds first.", severity="warning", markup=False)
            self.query_one("#folder").focus()
            return
        if self.has_problems():
            return

        def make() -> RunFolder:
            from distill_tui.ui.services.new_run import begin_run

            return begin_run(self._home, recipe, corpus, machine)

        def check() -> None:
            self.pane.resolved(corpus, machine)

        if self.attempt(check):
            recipe = self.form.recipe()
            self._begin(make, self.pane.taken)

    def action_resume(self) -> None:
        run = self.found.interrupted
        assert run is not None

        def resume() -> RunFolder:
            from distill_tui.ui.services.new_run import go_on

            go_on(self._home, run)
            return run

        self._begin(resume)

    def _begin(self, start: Callable[[], RunFolder], then: Callable[[], object] = lambda: None) -> None:
        """Start a run beside the screen, and show it; a second press while it starts does nothing."""
        if self._is_starting:
            return
        self._is_starting = True

        async def begin_it() -> None:
            try:
                run = await self.in_thread(start)
            finally:
                self._is_starting = False
            if run is not None:
                then()
                self.post_message(RunWanted(run))

        begin(self, "start", begin_it)

    def action_type_folder(self) -> None:
        self.query_one("#folder").focus()

    def action_tree(self) -> None:
        # imported by those who want it: the first screen must come at once
        from distill_tui.data.discover import USUAL_EXTENSIONS
        from distill_tui.ui.dialogs.path import PathDialog

        def answered(path: str | None) -> None:
            if path is not None:
                self.query_one(FolderField).mean(path)

        self.app.push_screen(
            PathDialog(
                "Choose the sounds",
                "A folder, with its sub-folders, or one file.",
                self.query_one(FolderField).path or str(Path.home()),
                lambda path: "" if Path(path).exists() else "there is no such folder or file",
                suffixes=tuple(f".{end}" for end in USUAL_EXTENSIONS),
                tree_first=True,
            ),
            answered,
        )

    def action_skipped(self) -> None:
        from distill_tui.ui.dialogs.help import HelpDialog

        assert self.found.corpus is not None
        skipped = self.found.corpus.skipped
        lines = "\n".join(f"{printable(one.name)}: {printable(one.reason)}" for one in skipped[:MOST_LISTED])
        if len(skipped) > MOST_LISTED:
            lines += f"\nand {len(skipped) - MOST_LISTED:,} more: distill-tui data FOLDER lists them"
        self.app.push_screen(HelpDialog(f"{formatting.plural(len(skipped), 'file')} skipped", lines, [], wide=True))

    def action_leave_field(self) -> None:
        self.set_focus(None)
