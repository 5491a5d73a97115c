"""The terminal's title and tmux's window: the run's state, a mark for unseen warnings; and desktop notifications."""

import asyncio

from textual.app import App

from distill_tui.desktop import notification
from distill_tui.reporting import formatting
from distill_tui.text import printable
from distill_tui.ui.terminal.tmux_window import TmuxWindow

TITLE_CELLS = 80


class Title:
    """Sets the terminal's title, and the name of tmux's window, while the app is open, and restores those before.

    `notify` is what settings.toml says of notifications; `off` leaves tmux's window alone as well.
    """

    def __init__(self, app: App[None], notify: str = "off") -> None:
        self._app, self._notify = app, notify
        self._window = TmuxWindow()
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
        if self._notify != "off" and self._window.want(title):
            # tmux is waited for beside the screen
            self._app.run_worker(asyncio.to_thread(self._window.update), group="tmux")
        driver.write(f"{keep}\x1b]2;{formatting.shorten(printable(title), TITLE_CELLS)}\x07")

    def give_back(self) -> None:
        """Restore the title that the terminal had before."""
        if self._shown and self._app._driver is not None:
            self._app._driver.write("\x1b[23;2t")
        self._window.give_back()

    def notify(self, text: str) -> None:
        """Notify on the person's desktop, by a terminal that can."""
        driver = self._app._driver
        if driver is not None and not self._app.is_headless and (sequence := notification(text, self._notify)):
            driver.write(sequence)
