"""Two models side by side; their distances on the same sounds are measured when asked for."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.errors import RequestError
from distill_tui.foreign import MalformedError, decode
from distill_tui.paths import Home
from distill_tui.reporting.comparison import Distances
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.dialogs.path import PathDialog, missing_problem
from distill_tui.ui.screens.config.recipe_sources import folder_of, values_of_model
from distill_tui.ui.screens.library.comparison import side_text
from distill_tui.ui.screens.library.model_details import Shown
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.workers import begin

KEYS = "↑↓  scroll     m  measure distances on sounds     esc  back"


class CompareDialog(Dialog[None]):
    """Two models, the differences of their recipes, their losses and curves."""

    DEFAULT_CSS = """
    CompareDialog #compare-pane { height: 1fr; scrollbar-gutter: stable; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,equals_sign", "cancel", "Close", id="dialog.close"),
        Binding("m", "measure", "Measure", id="compare.measure"),
    ]

    def __init__(self, home: Home, one: Shown, two: Shown) -> None:
        super().__init__("", KEYS, "full")
        self._home, self._pair = home, (one, two)
        self._measured: list[Distances | None] = [None, None]

    def body(self) -> Iterable[Widget]:
        return (VerticalScroll(Static(id="compare-text", markup=False), id="compare-pane", classes="pane"),)

    def on_mount(self) -> None:
        self.query_one("#compare-pane").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        width = self.query_one("#compare-pane").scrollable_content_region.width
        if width:
            self.query_one("#compare-text", Static).update(side_text(self, self._pair, self._measured, width))

    def action_measure(self) -> None:
        def answered(path: str | None) -> None:
            if path is not None:
                begin(self, "measure", self._measure, path)

        self.app.push_screen(
            PathDialog(
                "Distances on the same sounds",
                "Both models reconstruct these: a folder, with its sub-folders, or one file.",
                self._usual_sounds() or f"{Path.cwd()}/",
                missing_problem,
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
            self.show_keys(f"measuring {'ab'[number]}, {number + 1} of 2 …     esc  cancel")
            answer = await call(self._home, "models", "evaluate", "--json", "--", str(shown.entry.path), path)
            try:
                found: dict[str, Any] = decode(answer.document, dict[str, Any])
            except MalformedError:
                self.notify(answer.problem, severity="error", timeout=10, markup=False)
                break
            self._measured[number] = found
            self._show()
        self.show_keys(KEYS)
