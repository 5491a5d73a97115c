"""Two runs side by side."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from distill_tui.recipe import toml
from distill_tui.reporting.comparison import of_run
from distill_tui.reporting.series import quantizer_start
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.series import Series
from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.widgets.loss_curves import LossCurve
from distill_tui.ui.widgets.side_by_side import Side, side_text


def side_of(run: RunFolder) -> Side:
    """A run as one side of a comparison. Reads its log: call it in a thread.

    Raises:
        DistillError: its recipe cannot be read.
    """
    state = RunFollower(run).catch_up()
    subject = of_run(state, toml.to_dict(toml.load(run.recipe)))
    start = quantizer_start(state)
    return Side(
        state.name,
        subject,
        lambda name, ink: LossCurve(state.series.get(f"loss/{name}", Series()), start, ink),
    )


class CompareRunsDialog(Dialog[None]):
    """Two runs, their losses and curves, and the differences of their recipes."""

    DEFAULT_CSS = """
    CompareRunsDialog #compare-pane { height: 1fr; scrollbar-gutter: stable; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,equals_sign", "cancel", "Close", id="dialog.close"),
    ]

    def __init__(self, one: Side, two: Side) -> None:
        super().__init__("", "↑↓  scroll     esc  back", "full")
        self._pair = one, two

    def body(self) -> Iterable[Widget]:
        return (VerticalScroll(Static(id="compare-text", markup=False), id="compare-pane", classes="pane"),)

    def on_mount(self) -> None:
        self.query_one("#compare-pane").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        width = self.query_one("#compare-pane").scrollable_content_region.width
        if width:
            self.query_one("#compare-text", Static).update(side_text(self, self._pair, width))
