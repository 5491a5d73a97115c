"""Two models side by side; their distances on the same sounds are measured when asked for."""

from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from distill_tui.errors import RequestError
from distill_tui.foreign import MalformedError, decode
from distill_tui.paths import Home
from distill_tui.reporting.comparison import Distances
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.dialogs.path import PathDialog
from distill_tui.ui.screens.config.recipe_sources import folder_of, values_of_model
from distill_tui.ui.screens.library.comparison import side_text
from distill_tui.ui.screens.library.model_details import Shown
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.workers import begin

KEYS = "↑↓  scroll     e  measure distances on sounds     esc  back"
KEYS_NARROW = "↑↓  scroll   e  measure   esc  back"


class CompareDialog(Dialog[None]):
    """What two models are, where their recipes differ, their losses and curves."""

    DEFAULT_CSS = """
    CompareDialog > Vertical {
        width: 100%;
        max-width: 150;
        height: 100%;
        padding: 1 2;
        background: $surface;
        border: round $primary;
    }
    CompareDialog #compare-pane { height: 1fr; scrollbar-gutter: stable; }
    CompareDialog.-narrow > Vertical { padding: 0; border: none; }
    CompareDialog.-narrow .dialog-keys { margin-top: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,equals_sign", "close", "Close", id="dialog.close"),
        Binding("e", "measure", "Measure", id="compare.measure"),
    ]

    def __init__(self, home: Home, one: Shown, two: Shown) -> None:
        super().__init__()
        self._home, self._pair = home, (one, two)
        self._measured: list[Distances | None] = [None, None]

    def compose(self) -> ComposeResult:
        with Vertical(id="compare"):
            with VerticalScroll(id="compare-pane", classes="pane"):
                yield Static(id="compare-text", markup=False)
            yield Static(KEYS, classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self.query_one("#compare-pane").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        width = self.query_one("#compare-pane").scrollable_content_region.width
        if width:
            self.query_one("#compare-text", Static).update(side_text(self, self._pair, self._measured, width))

    def _say(self, text: str) -> None:
        self.query_one(".dialog-keys", Static).update(text)

    def action_measure(self) -> None:
        def answered(path: str | None) -> None:
            if path is not None:
                begin(self, "measure", self._measure, path)

        self.app.push_screen(
            PathDialog(
                "Distances on the same sounds",
                "Both models reconstruct these: a folder, with its sub-folders, or one file.",
                self._usual_sounds() or f"{Path.cwd()}/",
                lambda path: "" if Path(path).exists() else "there is no such folder or file",
            ),
            answered,
        )

    def _usual_sounds(self) -> str:
        try:
            return folder_of(values_of_model(self._pair[0].entry))
        except RequestError:
            return ""

    async def _measure(self, path: str) -> None:
        """One model after the other, each in a process of its own; leaving ends it."""
        self._measured = [None, None]
        for number, shown in enumerate(self._pair):
            self._say(f"measuring {'ab'[number]}, {number + 1} of 2 ...     esc  leave it")
            answer = await call(self._home, "models", "evaluate", "--json", "--", str(shown.entry.path), path)
            try:
                found: dict[str, Any] = decode(answer.document, dict[str, Any])
            except MalformedError:
                self.notify(answer.problem, severity="error", timeout=10, markup=False)
                break
            self._measured[number] = found
            self._show()
        self._say(KEYS)

    def action_close(self) -> None:
        self.dismiss(None)
