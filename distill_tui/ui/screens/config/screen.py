"""The Config screen: choose a folder, see what was found and what the model will be, set the recipe, start."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.settings import read_settings
from distill_tui.text import printable
from distill_tui.ui.screens.base import DEMO_KEY, BaseScreen
from distill_tui.ui.screens.config.advice_part import AdvicePart
from distill_tui.ui.screens.config.data_panel import Found, FoundPanel
from distill_tui.ui.screens.config.field_help import FieldHelp
from distill_tui.ui.screens.config.folder_field import FolderField
from distill_tui.ui.screens.config.pane import Pane, ScrolledPane
from distill_tui.ui.screens.config.recipe_actions import RECIPE_KEYS, RecipeActions
from distill_tui.ui.screens.config.run_start import RunStart
from distill_tui.ui.screens.config.sound_source import SoundSource
from distill_tui.ui.widgets.header import AppHeader
from distill_tui.ui.widgets.panel import framed

if TYPE_CHECKING:
    # the first screen must come at once: what it does not show at first is imported when it is used
    from distill_tui.ui.screens.config.advice_box import AdviceBox
    from distill_tui.ui.screens.config.recipe_pane import RecipePane

MOST_LISTED = 1000
"""Skipped files that a dialog lists."""
FIRST_LOOK_SECONDS = 0.05
"""After which the form is made: what is shown first is on the screen by then."""


class ConfigScreen(BaseScreen):
    """From a folder of sounds to a run."""

    MODE = "config"
    TITLE_TEXT = "Config"
    HELP_TEXT = (
        "Choose a folder of sounds; its sub-folders are included. Enter lets you type a path, ctrl+t finds it in a "
        "tree. "
        "Tab completes a path, enter scans it. "
        "Then it says what to press: left and right choose a quick look, good or overnight, enter takes it, and enter "
        "again starts. Or name the run, change what you like, and start with ctrl+s. Up and down move between the "
        "fields; 'auto' is chosen from your sounds and this machine. In a field letters and digits are typed: escape "
        "leaves it, and then 1 to 6 switch screens. Times are those of earlier runs on this machine, "
        "or of a few training steps that are made once to measure it."
    )
    # no input at first: the keys of the screens work at once
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="config.start", tooltip="Start training", priority=True),
        Binding("ctrl+r", "resume", "Resume", id="config.resume", tooltip="Resume the interrupted run"),
        Binding("enter", "type_folder", "Folder", id="config.folder", tooltip="Type the path of a folder of sounds"),
        Binding(
            "ctrl+t",
            "tree",
            "Tree",
            key_display="^t",
            id="config.tree",
            tooltip="Find the sounds in a tree of folders",
        ),
        *RECIPE_KEYS,
        Binding("f3", "skipped", "Skipped", show=False, id="config.skipped", tooltip="List the skipped files, and why"),
        DEMO_KEY,
        Binding(
            "f4", "advice", "Advice", show=False, id="config.advice", tooltip="What to press for these sounds, and why"
        ),
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
        super().__init__()
        self._home = home
        self.source = SoundSource(home, self, self._show_found, self._form_changed)
        self._recipes = RecipeActions(self, home)
        self._runs = RunStart(self, home)
        self._was_away = False
        self._advice = AdvicePart(self)

    @cached_property
    def pane(self) -> "RecipePane":
        """The form's rows."""
        from distill_tui.ui.screens.config.recipe_pane import RecipePane

        return RecipePane(read_settings(self._home).defaults, id="recipe")

    @property
    def found(self) -> Found:
        """The facts known of the chosen sounds."""
        return self.source.found

    @property
    def is_empty(self) -> bool:
        return self.focused is None and not self.found.path

    @property
    def has_unstarted_work(self) -> bool:
        """True if leaving would lose something that was typed."""
        self.pane.take_in()
        return self.pane.form.is_changed

    def compose(self) -> ComposeResult:
        yield AppHeader(self.MODE)
        with Pane(id="config-panes"):
            with framed(Pane(id="form"), "Recipe", "recipe"):
                with Horizontal(classes="field-row", id="folder-row"):
                    yield Static("Sounds", classes="label", markup=False)
                    yield FolderField(id="folder-field")
                yield FoundPanel(wide=False, id="found-short")
            with Vertical(id="aside"), framed(ScrolledPane(id="found-pane"), "Sounds"):
                yield FoundPanel(wide=True, id="found-wide")
        yield FieldHelp(id="field-help")
        yield from self.footer()

    def on_mount(self) -> None:
        self._show_found()
        # the app takes this up when it has started, which on a slow machine may be long after now
        self.app.call_later(self.set_timer, FIRST_LOOK_SECONDS, self._add_form)

    async def _add_form(self) -> None:
        """Add the fields once the first screen stands: they are three quarters of its widgets, and keys work before."""
        from distill_tui.runs.history import recent_folders

        await self.query_one("#form").mount(self.pane)
        self._form_changed()
        usual = [data] if (data := read_settings(self._home).data) else []
        await self.query_one(FolderField).offer(
            list(dict.fromkeys([*usual, *recent_folders(self._home)])), self._home.cache
        )

    def on_screen_suspend(self) -> None:
        # another screen is in front, not a dialog: coming back, no input must swallow its keys
        if self.app.screen_stack[0] is not self:
            self.set_focus(None)
            self._was_away = True
            self.source.stop_probe()

    def on_screen_resume(self) -> None:
        if self._was_away:
            self._was_away = False
            self.source.look_again()

    # what is shown

    @on(FolderField.Chosen)
    def _folder_chosen(self, message: FolderField.Chosen) -> None:
        self._advice.expect()
        self.source.look_at(message.path)

    def on_recipe_pane_edited(self) -> None:
        self._form_changed()

    def on_recipe_pane_help_wanted(self, message: "RecipePane.HelpWanted") -> None:
        self.query_one(FieldHelp).update(message.text)

    def _form_changed(self) -> None:
        """Work out again what the model will be, and say at each field what is to be said."""
        self.pane.judge(self.found)
        self._show_found()

    def _show_found(self) -> None:
        for panel in self.query(FoundPanel):
            panel.show(self.found)
        self.query_one("#found-pane").set_class(not self.found.path, "-waiting")
        self._advice.show(self._can_start)
        for button in self.query("#start"):
            button.set_class(self._can_start, "ready")
        self.bar.show("")
        self.refresh_bindings()

    # advice

    @property
    def _can_start(self) -> bool:
        return self.found.is_read and self.found.resolved is not None and not self.found.problems

    def on_advice_box_taken(self, message: "AdviceBox.Taken") -> None:
        self._advice.take(message.name)

    def on_advice_box_start_wanted(self) -> None:
        self._runs.start()

    # keys

    def copyable(self) -> str:
        """The folder of sounds."""
        return self.query_one(FolderField).path if self.is_mounted else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "resume":
            return self.found.interrupted is not None
        if action == "advice":
            return self.found.is_read and self.found.advice is not None
        if action == "skipped":
            return self.found.is_read and bool(self.found.corpus and self.found.corpus.skipped)
        if action == "type_folder":
            return self.focused is None
        if action == "leave_field":
            return self.focused is not None
        return super().check_action(action, parameters)

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        self._runs.start()

    def action_resume(self) -> None:
        self._runs.resume()

    def action_advice(self) -> None:
        self._advice.open()

    def start_from(self, values: dict[str, object], name: str) -> None:
        """Fill the form with the values of a recipe called `name`."""
        self._recipes.start_from(values, name)

    def action_start_from(self) -> None:
        self._recipes.choose_origin()

    def action_save(self) -> None:
        self._recipes.save()

    def action_type_folder(self) -> None:
        self.query_one("#folder").focus()

    async def action_filter(self) -> None:
        await self.pane.go_to_filter()

    def action_leave_field(self) -> None:
        self.set_focus(None)

    def action_tree(self) -> None:
        # imported by those who want it: the first screen must come at once
        from distill_tui.data.discover import USUAL_EXTENSIONS
        from distill_tui.ui.dialogs.path import PathDialog, missing_problem

        def answered(path: str | None) -> None:
            if path is not None:
                self.query_one(FolderField).mean(path)

        self.app.push_screen(
            PathDialog(
                "Choose the sounds",
                "A folder, with its sub-folders, or one file.",
                self.query_one(FolderField).path or str(Path.home()),
                missing_problem,
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
