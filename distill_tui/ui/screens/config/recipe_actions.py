"""The form of a recipe: where its values come from (a file, an earlier run, a model) and where they are saved."""

import asyncio
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.binding import Binding

from distill_tui.errors import DistillError
from distill_tui.files import clean_name, printable
from distill_tui.paths import Home
from distill_tui.reporting import formatting
from distill_tui.settings import read_settings
from distill_tui.ui.screens.base import BaseScreen
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.path_input import AND, FolderField

if TYPE_CHECKING:
    # the first screen must come at once: what it does not show at first is imported by those who want it
    from distill_tui.ui.screens.config.form import RecipeForm
    from distill_tui.ui.screens.config.recipe_pane import RecipePane

TOML = (".toml",)
RECIPE_KEYS = (
    Binding(
        "ctrl+o",
        "start_from",
        "Start from",
        id="config.load",
        tooltip="Fill the form from a recipe file, an earlier run or a model",
    ),
    Binding("f2", "save", "Save recipe", id="config.save", tooltip="Write the recipe of the form to a TOML file"),
)


class RecipeScreen(BaseScreen):
    """Has the form; what stands beside it, and starting a run, is the Config screen's."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home

    @cached_property
    def pane(self) -> "RecipePane":
        """The form's rows."""
        from distill_tui.ui.screens.config.recipe_pane import RecipePane

        return RecipePane(read_settings(self._home).defaults, id="recipe")

    @property
    def form(self) -> "RecipeForm":
        """What stands in the fields."""
        return self.pane.form

    @property
    def has_unstarted_work(self) -> bool:
        """Whether leaving would lose something that was typed."""
        self.pane.take_in()
        return self.form.is_changed

    def has_problems(self) -> bool:
        """Whether a field must be mended first; if so, it goes there and says so."""
        problems = self.form.problems()
        if problems:
            self.pane.go_to(next(iter(problems)))
            self.notify(f"{formatting.plural(len(problems), 'field')} to mend first.", severity="warning", markup=False)
        return bool(problems)

    # from and to files, runs and models

    def action_start_from(self) -> None:
        begin(self, "origin", self._choose_origin)

    async def _choose_origin(self) -> None:
        from distill_tui.ui.dialogs.pick import PickDialog
        from distill_tui.ui.screens.config import recipe_sources

        def answered(key: str | None) -> None:
            if key == recipe_sources.FILE:
                self._ask_file()
            elif key is not None:
                name = next(row.cells[0] for row in rows if row.key == key)
                self.attempt(lambda: self.start_from(recipe_sources.values_from(self._home, key), name))

        try:
            rows = await asyncio.to_thread(recipe_sources.origins, self._home)
        except DistillError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(
            PickDialog("Start from the recipe of", recipe_sources.COLUMNS, rows, take="fill the form", empty=""),
            answered,
        )

    def _ask_file(self) -> None:
        from distill_tui.recipe import toml
        from distill_tui.ui.dialogs.path import PathDialog

        def answered(path: str | None) -> None:
            if path is not None:
                self.attempt(lambda: self.start_from(toml.load_values(Path(path)), Path(path).name))

        self.app.push_screen(
            PathDialog(
                "Load a recipe",
                "A recipe's TOML file.",
                f"{Path.cwd()}/",
                lambda path: "" if Path(path).is_file() else "there is no such file",
                suffixes=TOML,
            ),
            answered,
        )

    def start_from(self, values: dict[str, Any], name: str) -> None:
        """Fill the form with the values of a recipe called `name`; its sounds are taken when none are chosen."""
        if self.has_unstarted_work:
            from distill_tui.ui.dialogs.confirm import ConfirmDialog

            def answered(yes: bool | None) -> None:
                if yes:
                    self._fill_form(values, name)

            self.app.push_screen(
                ConfirmDialog("Replace what was typed?", "The form was changed and not started.", "replace"),
                answered,
            )
        else:
            self._fill_form(values, name)

    def _fill_form(self, values: dict[str, Any], name: str) -> None:
        from distill_tui.ui.screens.config.recipe_sources import sounds_of

        self.pane.load(values)
        if not self.query_one(FolderField).path and (sounds := sounds_of(values)):
            self.query_one(FolderField).mean(AND.join(sounds))
        self.notify(f"The form holds the recipe of {printable(name)}.", markup=False)

    def action_save(self) -> None:
        from distill_tui.recipe import toml
        from distill_tui.ui.dialogs.path import PathDialog

        self.pane.take_in()
        if self.has_problems():
            return

        def problem(path: str) -> str:
            if Path(path).is_dir():
                return "is a folder: add a name"
            return "is there already: choose another name" if Path(path).exists() else ""

        def answered(path: str | None) -> None:
            if path is not None and self.attempt(lambda: toml.save(self.form.recipe(), Path(path), shared=True)):
                self.pane.taken()
                self.notify(f"Written: {printable(path)}", markup=False)

        name = clean_name(self.form.texts["name"] or "recipe")
        self.app.push_screen(
            PathDialog(
                "Save the recipe",
                "A TOML file, for ctrl+o here or --recipe on the command line. 'auto' stays 'auto' in it.",
                str(Path.cwd() / f"{name}.toml"),
                problem,
                suffixes=TOML,
                new=True,
            ),
            answered,
        )
