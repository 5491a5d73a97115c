"""How to hear a sound that is on another machine: the listening page, or a command that fetches it."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.errors import DistillError
from distill_tui.serve.address import Listening, tunnel
from distill_tui.text import printable
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.services.listening import ListeningPage
from distill_tui.ui.terminal import clipboard

KEYS = "↑↓  choose     y  copy     esc  close"
START = "s  start the page     " + KEYS


class CopyLine(Static, can_focus=True):
    """A line to type or an address; the one with the focus is copied."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text), classes="copy-line", markup=False)
        self.text = text


class ListenDialog(Dialog[None]):
    """Shows what to type, and starts the page; `path` is the sound or folder that is asked for, if one is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Close", id="dialog.close"),
        Binding("s", "start", "Start the page", id="listen.start"),
        Binding("y,enter", "copy", "Copy", id="listen.copy"),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]
    FRAME = VerticalScroll

    def __init__(
        self, page: ListeningPage, about: str = "", path: Path | None = None, fetch: str = "", start: bool = False
    ) -> None:
        """`about` describes what is asked for, `fetch` is the command that fetches it; `start` starts the page."""
        super().__init__("Listen", START, "wide")
        self._page, self._about, self._path, self._fetch, self._start = page, about, path, fetch, start
        self._found: Listening | None = None

    def body(self) -> Iterable[Widget]:
        if self._about:
            yield self.text(self._about)
        yield Static("", id="listen-state", markup=False)
        yield CopyLine(tunnel())
        yield Static("and open in a browser there:", id="listen-then", markup=False)
        yield CopyLine("")
        if self._fetch:
            yield Static("Or fetch it; run there:", classes="listen-or", markup=False)
            yield CopyLine(self._fetch)
        yield self.problem_line()

    async def on_mount(self) -> None:
        # the frame scrolls; the lines have the focus
        self.query_one(VerticalScroll).can_focus = False
        self._show(await self._page.state())
        if self._start and self._found is None:
            await self.action_start()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "start":
            return self._found is None
        return super().check_action(action, parameters)

    def _show(self, found: Listening | None) -> None:
        self._found = found
        lines = list(self.query(CopyLine))
        if found is None:
            self.query_one("#listen-state", Static).update(
                "The listening page plays sounds in a browser on your own machine. It is not running: s, or W in"
                " the app, starts it until you quit; distill-tui serve keeps it running. Then run on your machine:"
            )
        else:
            self.query_one("#listen-state", Static).update("The listening page is running. On your own machine, run:")
            lines[0].text, lines[1].text = found.tunnel, found.address
            for line in lines[:2]:
                line.update(printable(line.text))
        for widget in (*lines[:2], self.query_one("#listen-then")):
            widget.display = found is not None or widget is lines[0]
        self.show_keys(START if found is None else KEYS)
        self.refresh_bindings()
        if not isinstance(self.focused, CopyLine) or not self.focused.display:
            lines[0].focus()

    async def action_start(self) -> None:
        self.query_one("#listen-state", Static).update("Starting the page ...")
        try:
            found = await self._page.start()
            if self._path is not None:
                # the first browser that looks finds it there
                await self._page.open(self._path)
        except (DistillError, OSError) as error:
            self._show(None)
            self.show_problem(str(error))
            return
        if self.is_attached:
            self._show(found)

    async def action_copy(self) -> None:
        line = self.focused
        if isinstance(line, CopyLine):
            await clipboard.copy(self.app, line.text)
            self.notify("Copied to the clipboard.", timeout=3)
