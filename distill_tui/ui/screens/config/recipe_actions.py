"""Actions that fill the form from a recipe file, an earlier run or a model, and save it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.binding import Binding

from distill_tui.paths import Home
from distill_tui.text import clean_name, printable
from distill_tui.ui.screens.config.folder_field import FolderField
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.path_input import AND

if TYPE_CHECKING:
    from distill_tui.ui.screens.config.screen import ConfigScreen

TOML = (".toml",)
RECIPE_KEYS = (
    Binding(
        "ctrl+o",
        "start_from",
        "Load recipe",
        id="config.load",
        tooltip="Fill the form from a recipe file, an earlier run or a model",
    ),
    Binding("f2", "save", "Save recipe", id="config.save", tooltip="Write the recipe of the form to a TOML file"),
    Binding(
        "slash,f5",
        "filter",
        "Filter",
        key_display="f5",
        id="config.filter",
        tooltip="Filter the advanced settings by typing words of them",
    ),
)


class RecipeActions:
    """Fills the form of the Config screen, and writes its recipe to files."""

    def __init__(self, screen: "ConfigScreen", home: Home) -> None:
        self._screen, self._home = screen, home

    def choose_origin(self) -> None:
        begin(self._screen, "origin", self._choose_origin)

    async def _choose_origin(self) -> None:
        from distill_tui.ui.dialogs.pick import PickDialog
        from distill_tui.ui.screens.config import recipe_sources

        def answered(key: str | None) -> None:
            if key == recipe_sources.FILE:
                self._ask_file()
            elif key is not None:
                name = next(row.cells[0] for row in rows or () if row.key == key)
                self._screen.attempt(lambda: self.start_from(recipe_sources.values_from(self._home, key), name))

        rows = await self._screen.in_thread(lambda: recipe_sources.origins(self._home))
        if rows is not None:
            self._screen.app.push_screen(
                PickDialog("Load a recipe from", recipe_sources.COLUMNS, rows, take="fill the form", empty=""),
                answered,
            )

    def _ask_file(self) -> None:
        from distill_tui.recipe import toml
        from distill_tui.ui.dialogs.path import PathDialog, file_problem

        def answered(path: str | None) -> None:
            if path is not None:
                self._screen.attempt(lambda: self.start_from(toml.load_values(Path(path)), Path(path).name))

        self._screen.app.push_screen(
            PathDialog(
                "Load a recipe",
                "A recipe's TOML file.",
                f"{Path.cwd()}/",
                file_problem,
                suffixes=TOML,
            ),
            answered,
        )

    def start_from(self, values: dict[str, Any], name: str) -> None:
        """Fill the form with the values of a recipe called `name`; its sounds are taken when none are chosen."""
        if self._screen.has_unstarted_work:
            from distill_tui.ui.dialogs.confirm import ConfirmDialog

            def answered(yes: bool | None) -> None:
                if yes:
                    self._fill_form(values, name)

            self._screen.app.push_screen(
                ConfirmDialog("Replace what was typed?", "The form was changed and not started.", "replace"), answered
            )
        else:
            self._fill_form(values, name)

    def _fill_form(self, values: dict[str, Any], name: str) -> None:
        from distill_tui.ui.screens.config.recipe_sources import sounds_of

        self._screen.pane.load(values)
        folder = self._screen.query_one(FolderField)
        if not folder.path and (sounds := sounds_of(values)):
            folder.mean(AND.join(sounds))
        self._screen.notify(f"The form now holds the recipe of {printable(name)}.", markup=False)

    def save(self) -> None:
        from distill_tui.recipe import toml
        from distill_tui.ui.dialogs.path import PathDialog, new_file_problem

        pane = self._screen.pane
        pane.take_in()
        if pane.refuses():
            return

        def answered(path: str | None) -> None:
            if path is not None and self._screen.attempt(
                lambda: toml.save(pane.form.recipe(), Path(path), shared=True)
            ):
                pane.taken()
                self._screen.notify(f"Written: {printable(path)}", markup=False)

        name = clean_name(pane.form.texts["name"] or "recipe")
        self._screen.app.push_screen(
            PathDialog(
                "Save the recipe",
                "A TOML file, for ctrl+o here or --recipe on the command line. 'auto' stays 'auto' in it.",
                str(Path.cwd() / f"{name}.toml"),
                new_file_problem,
                suffixes=TOML,
                new=True,
            ),
            answered,
        )
