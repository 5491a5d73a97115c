"""The filters of every line that is drawn: no control characters, and only the colours that the terminal has."""

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.filter import ANSIToTruecolor, LineFilter

from distill_tui.ui.terminal.sanitize import Sanitizer


class TerminalFilters:
    """The app's line filters: Textual's between ours."""

    def __init__(self, app: App[Any]) -> None:
        self._sanitizer = Sanitizer()
        self._colors: list[LineFilter] = []
        self._no_color = app.no_color
        if app.no_color:
            from distill_tui.ui.terminal.no_color import NoColor

            self._colors = [NoColor()]
        elif app.console.color_system == "standard":
            from distill_tui.ui.terminal.ansi16 import Ansi16

            self._colors = [Ansi16(lambda: app.current_theme)]

    def around(self, filters: Sequence[LineFilter]) -> Sequence[LineFilter]:
        """Textual's `filters` between ours; where NO_COLOR is set ours stands for its shades of grey."""
        kept = [one for one in filters if not self._no_color or isinstance(one, ANSIToTruecolor)]
        return [self._sanitizer, *kept, *self._colors]
