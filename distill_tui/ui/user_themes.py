"""The themes that the app offers, and the one that its user has chosen."""

from typing import Any

from textual.app import App
from textual.theme import BUILTIN_THEMES, Theme

from distill_tui.errors import DistillError
from distill_tui.paths import Home
from distill_tui.ui.themes import DEFAULT_THEME, load_themes, own_themes


class UserThemes:
    """Ours, the user's own, and those of Textual that are readable. Others than the first one are read by `load`."""

    def __init__(self, app: App[Any], home: Home, wanted: str) -> None:
        """Give the app the theme that is `wanted`, or else ours."""
        self._app, self._home = app, home
        for name in (wanted or DEFAULT_THEME, DEFAULT_THEME):
            self.load(name)
            if name in app.available_themes:
                app.theme = name
                break
        self._kept = app.theme

    def load(self, only: str = "*") -> list[str]:
        """Read all themes, or only one; their problems."""
        self._has_all = only == "*"
        themes, problems = load_themes([own_themes(), self._home.root / "themes"], only)
        for theme in themes.values():
            self._app.register_theme(theme)
        return problems

    def names(self) -> list[str]:
        """The names of the themes to choose from."""
        from distill_tui.ui.terminal.contrast import contrast_problems

        if not self._has_all:
            self.load()
        return sorted(
            name
            for name, theme in self._app.available_themes.items()
            if theme is not BUILTIN_THEMES.get(name) or not contrast_problems(theme)
        )

    def choose(self, name: str) -> None:
        """Use this theme from now on; a warning tells which of a user's own colours are hard to read."""
        from distill_tui.ui.terminal.contrast import contrast_problems

        self._app.theme = name
        if poor := contrast_problems(self._app.current_theme):
            more = f", and {len(poor) - 1} more: distill-tui doctor" if len(poor) > 1 else ""
            self._app.notify(f"theme {name}: {poor[0]}{more}", severity="warning", timeout=10)

    def keep(self, theme: Theme) -> None:
        """Write the theme that was chosen to settings.toml."""
        if theme.name == self._kept:
            return
        self._kept = theme.name
        from distill_tui.settings import keep_theme

        try:
            keep_theme(self._home, theme.name)
        except DistillError as error:
            self._app.notify(str(error), severity="warning", markup=False)
