"""The terminal's title: tmux shows it, and whoever sits elsewhere sees how the run is doing."""

from textual.app import App

from distill_tui.files import printable
from distill_tui.reporting import formatting

TITLE_CELLS = 80


class Title:
    """What the terminal is called while the app is open; before and after, what it was called."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._text, self._unseen, self._shown = "distill-tui", 0, ""

    def show(self, text: str | None = None, unseen: int | None = None) -> None:
        """Have this title, with a mark while warnings wait to be seen; None leaves either as it is."""
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
        """Have the terminal call itself what it did before."""
        if self._shown and self._app._driver is not None:
            self._app._driver.write("\x1b[23;2t")
