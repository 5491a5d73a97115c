"""The terminal's title, which tmux shows: the run's state, and a mark for unseen warnings."""

from textual.app import App

from distill_tui.reporting import formatting
from distill_tui.text import printable

TITLE_CELLS = 80


class Title:
    """Sets the terminal's title while the app is open, and restores the one before."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._text, self._unseen, self._shown = "distill-tui", 0, ""

    def show(self, text: str | None = None, unseen: int | None = None) -> None:
        """Set the text of the title, or the number of unseen warnings that it marks; None leaves either as it is."""
        self._text = self._text if text is None else text
        self._unseen = self._unseen if unseen is None else unseen
        title = f"{'▲ ' if self._unseen else ''}{self._text}"
        driver = self._app._driver
        if title == self._shown or driver is None or self._app.is_headless:
            return
        # the terminal keeps the title that it had, for when we leave
        keep = "" if self._shown else "\x1b[22;2t"
        self._shown = title
        driver.write(f"{keep}\x1b]2;{formatting.shorten(printable(title), TITLE_CELLS)}\x07")

    def give_back(self) -> None:
        """Restore the title that the terminal had before."""
        if self._shown and self._app._driver is not None:
            self._app._driver.write("\x1b[23;2t")
