"""The dialogs that type or pick the value of a row of the form."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from distill_tui.data.discover import USUAL_EXTENSIONS
from distill_tui.ui.dialogs.ask import AskDialog
from distill_tui.ui.dialogs.path import PathDialog, file_problem
from distill_tui.ui.dialogs.pick import PickDialog
from distill_tui.ui.screens.generate.form import RequestForm, Setting
from distill_tui.ui.screens.generate.models import COLUMNS, row_of
from distill_tui.ui.widgets.table import Column, Row

if TYPE_CHECKING:
    from distill_tui.ui.screens.generate.screen import GenerateScreen

SUFFIXES = tuple(f".{end}" for end in USUAL_EXTENSIONS)


class FormEditor:
    """Asks for values; `changed(key)` is called when one was given."""

    def __init__(self, screen: "GenerateScreen", form: RequestForm, changed: Callable[[str], object]) -> None:
        self._screen, self._form, self._changed = screen, form, changed

    def edit(self, setting: Setting) -> None:
        """Open the dialog of a row."""
        if setting.key == "model":
            rows = [row_of(entry) for entry in self._screen.models.entries.values()]
            dialog = PickDialog("Model", COLUMNS, rows, take="choose it", empty="No model that makes sounds yet.")
            self._screen.app.push_screen(dialog, lambda path: self._take("model", path))
        elif setting.key == "label":
            rows = [Row(label, (label or setting.automatic,)) for label in self._form.choices("label")]
            dialog = PickDialog("Kind of sound", (Column("kind"),), rows, take="choose it", empty="")
            self._screen.app.push_screen(dialog, lambda label: self._take("label", label))
        elif setting.is_path:
            start = self._form.values[setting.key] or str(self._screen.takes.path or Path.home()) + "/"
            path_dialog = PathDialog(setting.title, "A sound file.", start, file_problem, suffixes=SUFFIXES)
            self._screen.app.push_screen(path_dialog, lambda path: self._take(setting.key, path))
        else:
            self._ask(setting)

    def _ask(self, setting: Setting) -> None:
        key = setting.key
        usual = f"\nEmpty: {setting.automatic}." if setting.automatic else ""

        def answered(text: str | None) -> None:
            if text is not None:
                self._form.type(key, text)
                self._changed(key)

        self._screen.app.push_screen(
            AskDialog(
                setting.title,
                f"{setting.help}{usual}",
                self._form.typed(key),
                lambda text: self._form.problem(key, text),
            ),
            answered,
        )

    def _take(self, key: str, value: str | None) -> None:
        if value is not None:
            self._form.values[key] = value
            self._changed(key)
