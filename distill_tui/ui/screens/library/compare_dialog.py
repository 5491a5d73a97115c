"""Two models side by side; their distances on the same sounds are measured when asked for."""

from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from distill_tui.errors import RequestError
from distill_tui.foreign import MalformedError, decode
from distill_tui.paths import Home
from distill_tui.reporting.comparison import Distances, of_model
from distill_tui.reporting.recipe_text import flat
from distill_tui.ui.dialogs.path import PathDialog, missing_problem
from distill_tui.ui.dialogs.side_by_side import SideBySideDialog
from distill_tui.ui.screens.config.recipe_sources import folder_of, values_of_model
from distill_tui.ui.screens.library.model_details import Shown
from distill_tui.ui.services.programs import call
from distill_tui.ui.services.workers import begin
from distill_tui.ui.widgets.loss_curves import loss_curve
from distill_tui.ui.widgets.side_by_side import Side

KEYS = "↑↓  scroll     m  measure distances on sounds     esc  back"


class CompareDialog(SideBySideDialog):
    """Two models, the differences of their recipes, their losses and curves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "measure", "Measure", id="compare.measure")]

    def __init__(self, home: Home, one: Shown, two: Shown) -> None:
        super().__init__(KEYS)
        self._home, self._pair = home, (one, two)
        self._measured: list[Distances | None] = [None, None]

    def sides(self) -> tuple[Side, Side]:
        one, two = (_side(shown, found) for shown, found in zip(self._pair, self._measured, strict=True))
        return one, two

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
            self.draw()
        self.show_keys(KEYS)


def _side(shown: Shown, measured: Distances | None) -> Side:
    """A model as one side; `measured` are its distances on sounds, None while not known."""
    card = shown.card
    assert card is not None
    subject = of_model(card.name, card, flat(card.recipe), measured)
    return Side(card.name, subject, lambda name, ink: loss_curve(card, name, ink))
