"""The notes on a run, to scroll through."""

from collections.abc import Iterable, Mapping

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.reporting.notes import notes
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.state import RunState
from distill_tui.ui.widgets.text_widget import again_in_another_theme, text_of

LEAST_WIDTH = 20


class Notes(VerticalScroll, can_focus=True):
    """How a run ended and what to do now, its warnings with advice, and what it has made."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = Static(markup=False)
        self._shown: Text | None = None
        self._of: tuple[RunFolder, RunState, Mapping[str, str], int] | None = None

    def compose(self) -> Iterable[Widget]:
        yield self._text

    def show(self, run: RunFolder, state: RunState, keys: Mapping[str, str], seen: int) -> None:
        """Show the notes on this state of the run: see `reporting.notes`."""
        self._of = (run, state, keys, seen)
        width = max(LEAST_WIDTH, self.size.width - 1)
        new = text_of(self, notes(run, state, keys, seen), width, bold=("good", "fair", "bad"))
        if new != self._shown:
            self._shown = new
            self._text.update(new)

    def on_mount(self) -> None:
        again_in_another_theme(self, self._show_again)

    def on_resize(self) -> None:
        # what is laid out just now would keep the height of the old words
        self.call_after_refresh(self._show_again)

    def _show_again(self) -> None:
        if self._of is not None:
            self.show(*self._of)
