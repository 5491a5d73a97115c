"""An app as a person has set it up: theme and keys, in the colours that the terminal has; what is wrong is told."""

from collections.abc import Iterable

from textual.css.stylesheet import Stylesheet
from textual.notifications import SeverityLevel
from textual.theme import Theme

from distill_tui.errors import DistillError
from distill_tui.files import printable
from distill_tui.paths import Home
from distill_tui.settings import read_settings
from distill_tui.ui.terminal.key_order import InOrderApp
from distill_tui.ui.terminal.sanitize import Sanitizer
from distill_tui.ui.themes import DEFAULT_THEME, DEFAULT_VARIABLES, load_themes, own_themes


class ReadOnce(Stylesheet):
    """Keeps the rules that it has read until the theme's variables change.

    Textual's own reads all of them anew, three times, whenever a screen is first shown.
    """

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._read_with = variables

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._read_with:
            self._read_with = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()


class PersonalApp(InOrderApp):
    """Reads settings.toml and the themes; the first screen waits for no more of them than it is drawn with."""

    _mixed: tuple[Theme, dict[str, str]] | None = None
    """A theme and its colours."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self.home = home
        self._filters.insert(0, Sanitizer())
        if self.no_color:
            from distill_tui.ui.terminal.no_color import NoColor

            self._filters[2:] = [NoColor()]
        elif self.console.color_system == "standard":
            from distill_tui.ui.terminal.ansi16 import Ansi16

            self._filters.append(Ansi16(lambda: self.current_theme))
        self._settings = read_settings(home)
        self._take_theme()
        self._kept_theme = self.theme
        self.stylesheet = ReadOnce(variables=self.get_css_variables())

    # themes

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

    def all_themes(self) -> list[str]:
        """The names of the themes to choose from: ours, a person's own, and those of Textual that can be read."""
        from textual.theme import BUILTIN_THEMES

        from distill_tui.ui.terminal.contrast import contrast_problems

        if not self._has_all_themes:
            self._register_themes()
        return sorted(
            name
            for name, theme in self.available_themes.items()
            if theme is not BUILTIN_THEMES.get(name) or not contrast_problems(theme)
        )

    def choose_theme(self, name: str) -> None:
        """Have this theme from now on; what of a person's own is hard to read is told."""
        from distill_tui.ui.terminal.contrast import contrast_problems

        self.theme = name
        if poor := contrast_problems(self.current_theme):
            more = f", and {len(poor) - 1} more: distill-tui doctor" if len(poor) > 1 else ""
            self.notify(f"theme {name}: {poor[0]}{more}", severity="warning", timeout=10)

    def get_css_variables(self) -> dict[str, str]:
        # Textual mixes all colours anew each time it asks, thrice before the first screen
        theme = self.current_theme
        if self._mixed is None or self._mixed[0] is not theme:
            self._mixed = theme, super().get_css_variables()
        return self._mixed[1]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULT_VARIABLES

    def _keep_theme(self, name: str) -> None:
        if name == self._kept_theme:
            return
        self._kept_theme = name
        from distill_tui.settings import keep_theme

        try:
            keep_theme(self.home, name)
        except DistillError as error:
            self.notify(str(error), severity="warning", markup=False)

    # settings

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
            from distill_tui.ui.settings_check import key_problems, theme_problems

            troubles += theme_problems(self._settings, self.available_themes) + key_problems(self._settings)
        self._tell_troubles(troubles)

    def _tell_troubles(self, troubles: Iterable[str]) -> None:
        for trouble in troubles:
            self.notify(trouble, severity="warning", timeout=10, markup=False)

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
